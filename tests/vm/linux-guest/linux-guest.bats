#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=parallel
#
# The case for which gtimehalt exists, shown without it: the host sees a Linux guest's vCPUs busy, while the guest
# says that one of them is idle. Runs in L1 of the test bed.

bats_require_minimum_version 1.5.0

# One guest for the whole file, because booting takes most of the time. Each of the two L1 CPUs gets a vCPU
# explicitly, because the scheduler moves nothing to an isolated CPU.
setup_file() {
	[[ -r /dev/kvm && -w /dev/kvm ]] || skip "no /dev/kvm"
	command -v qemu-system-x86_64 >/dev/null || skip "no QEMU"
	[[ -r /usr/lib/modules/$(uname -r)/vmlinuz ]] || skip "no kernel image: this is for the test bed"
	export TMPDIR=$BATS_FILE_TMPDIR
	"$BATS_TEST_DIRNAME/build" "$TMPDIR/initramfs.cpio"
	PID=$("$BATS_TEST_DIRNAME/start" --initrd "$TMPDIR/initramfs.cpio" --pin 0,1 --seconds 90)
	export PID LOG=$TMPDIR/linux-guest/demo/serial.log
}

teardown_file() {
	[[ -z ${PID:-} ]] || "$BATS_TEST_DIRNAME/stop"
}

# idle_share CPU: prints the percentage of idle time according to the guest, from its first guest-account line to the
# latest.
idle_share() {
	tr -d '\r' <"$LOG" | awk -v cpu="$1" '
		$1 != "guest-account" { next }
		{
			for (i = 3; i < NF; i += 3)
				if ($i == cpu) {
					busy = $(i + 1)
					idle = $(i + 2)
				}
			if (!n++) {
				busy0 = busy
				idle0 = idle
			}
		}
		END { printf "%.0f\n", 100 * (idle - idle0) / (busy - busy0 + idle - idle0) }'
}

# bats test_tags=core
@test "the host sees both vCPUs busy" {
	local vcpu busy
	top -H -b -n 2 -d 5 -p "$PID" >"$BATS_TEST_TMPDIR/top"
	for vcpu in 0 1; do
		# The second screen covers the 5 s; the first covers the time since boot.
		busy=$(awk -v name="$vcpu/KVM" '
			/^top/ { screen++ }
			screen == 2 && $NF == name && $(NF - 1) == "CPU" { print int($9) }
			' "$BATS_TEST_TMPDIR/top")
		echo "vCPU $vcpu: $busy %"
		((busy >= 80)) || { cat "$BATS_TEST_TMPDIR/top"; return 1; }
	done
}

# bats test_tags=core
@test "the guest says that CPU 0 is idle and CPU 1 is busy" {
	local lines share
	lines=$(grep -c '^guest-account' "$LOG")
	for _ in {1..60}; do
		(($(grep -c '^guest-account' "$LOG") >= lines + 3)) && break
		sleep 0.5
	done
	share=$(idle_share 0)
	echo "CPU 0 idle $share %, CPU 1 idle $(idle_share 1) %"
	((share >= 80))
	(($(idle_share 1) <= 5))
}

@test "a line on its console makes the guest answer immediately" {
	local lines
	command -v socat >/dev/null || skip "no socat"
	lines=$(grep -c '^guest-account' "$LOG")
	printf '\n\n\n' | socat -t 2 - "UNIX-CONNECT:$TMPDIR/linux-guest/demo/console" >/dev/null
	# Without a request it prints one line in 2 s.
	for _ in {1..10}; do
		(($(grep -c '^guest-account' "$LOG") >= lines + 3)) && break
		sleep 0.2
	done
	tail -n 5 "$LOG"
	(($(grep -c '^guest-account' "$LOG") >= lines + 3))
}

@test "a guest cannot be started twice, and stop ends it" {
	run -1 "$BATS_TEST_DIRNAME/start" --initrd "$TMPDIR/initramfs.cpio"
	[[ $output == *"running already"* ]]
	"$BATS_TEST_DIRNAME/stop"
	[[ ! -e /proc/$PID ]]
	"$BATS_TEST_DIRNAME/stop"
}

@test "bad options are refused with exit code 2" {
	local args
	for args in '--smp 0' '--smp' '--name a,b' '--pin x' '--busy yes' '--cpu-pm maybe' '--what 1' word; do
		# shellcheck disable=SC2086 # these are words
		run -2 "$BATS_TEST_DIRNAME/start" $args
	done
	run -2 "$BATS_TEST_DIRNAME/stop" a b
}
