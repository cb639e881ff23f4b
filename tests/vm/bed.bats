#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016 # what is in single quotes is for the shell in L1
#
# What `bed` promises to those who call it. Runs on the machine, as root, behind `bed setup`; boots
# a VM per test. `bed selftest` runs this. BED_KERNEL chooses another kernel than 6.12.

bats_require_minimum_version 1.5.0

setup()
{
	BED=$BATS_TEST_DIRNAME/bed
	KERNEL=${BED_KERNEL:-6.12}
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
}

# bed_run ARGS...: bed run on the kernel under test; sets `status`, and leaves $out and $err.
bed_run()
{
	status=0
	"$BED" run --kernel "$KERNEL" "$@" >"$out" 2>"$err" 3>&- || status=$?
	sed 's/^/# /' "$err" >&2
}

# Processes of the VM that was started with --append "bed_test=TAG".
vm_processes()
{
	pgrep -f -c "qemu-system-x86_64 .*bed_test=$1" || :
}

@test "wrong options are refused with status 2 before anything starts" {
	for args in "--bogus -- true" "--cpus x -- true" "--timeout 0 -- true" "--ratio -1 -- true" \
		"--kernel ../x -- true" "--"; do
		status=0
		# shellcheck disable=SC2086 # words
		"$BED" run $args >"$out" 2>"$err" || status=$?
		((status == 2))
		[[ ! -s $out && $(wc -l <"$err") == 1 ]]
	done
}

@test "install takes packages, and no options" {
	for args in '' '--force' 'bpftrace -y'; do
		status=0
		# shellcheck disable=SC2086 # words
		"$BED" install $args >"$out" 2>"$err" || status=$?
		((status == 2))
	done
}

@test "a command's output, arguments and status come through" {
	bed_run -- bash -c 'printf "%s\n" "$@"; echo to-stderr >&2; id -u; pwd; exit 42' x \
		'two words' "it's" 'a$b' $'line\nbreak'
	((status == 42))
	diff "$out" <(printf '%s\n' 'two words' "it's" 'a$b' line break 0 /src)
	grep -q '^to-stderr' "$err"
}

@test "the repository is writable, the rest of L1's root does not last" {
	local mark=$BATS_TEST_DIRNAME/../../.cache/bed-mark

	rm -f "$mark"
	bed_run -- bash -c 'echo kept >/src/.cache/bed-mark; touch /etc/bed-mark'
	((status == 0))
	[[ $(<"$mark") == kept ]]
	rm -f "$mark"
	bed_run -- test ! -e /etc/bed-mark
	((status == 0))
}

@test "what L1 sees, in either kind of time" {
	local options

	for options in --where --virtual "--virtual --cold" --parallel; do
		# shellcheck disable=SC2086 # words
		bed_run $options -- bats --tap tests/vm/bed-l1.bats
		cat "$out"
		((status == 0))
		grep -q '^ok ' "$out"
	done
}

@test "virtual time: a busy machine changes nothing, and two VMs run side by side" {
	local -a hogs=() vms=()
	local i

	bed_run -- true
	for ((i = 0; i < $(nproc); i++)); do
		bash -c 'while :; do :; done' 3>&- &
		hogs+=($!)
	done
	for i in 1 2; do
		"$BED" run --kernel "$KERNEL" -- bats --tap -f 'busy CPU is TSC|idle CPU nearly' tests/vm/bed-l1.bats \
			>"$out.$i" 2>"$err.$i" 3>&- &
		vms+=($!)
	done
	for i in "${vms[@]}"; do
		wait "$i" || status=$?
	done
	kill "${hogs[@]}"
	cat "$out".[12] "$err".[12]
	((status == 0))
	[[ $(grep -c '^ok ' "$out.1") == 2 && $(grep -c '^ok ' "$out.2") == 2 ]]
	run ! grep 'waiting for another bed' "$err".[12]
}

@test "virtual time: idle seconds take none" {
	local began=$SECONDS

	bed_run -- sleep 600
	((status == 0))
	((SECONDS - began < 120))
}

@test "--no-mperf and --no-kvm: a host without" {
	bed_run --no-mperf --no-kvm -- bash -c '
		test ! -e /sys/bus/event_source/devices/msr/events/mperf &&
		test -e /sys/bus/event_source/devices/msr/events/tsc &&
		test ! -e /dev/kvm'
	((status == 0))
}

@test "--plain isolates no CPU, the default isolates CPU 1, --ratio sets the rate at boot" {
	bed_run --plain --ratio 0.97 -- bash -c '
		. tests/vm/lib/msr.bash
		cat /sys/devices/system/cpu/isolated
		msr_read 0 "$MSR_BED_RATE"; msr_read 1 "$MSR_BED_RATE"'
	((status == 0))
	diff "$out" <(printf '\n970000\n970000\n')
	bed_run -- cat /sys/devices/system/cpu/isolated
	diff "$out" <(echo 1)
}

@test "the plugin refuses an argument that it does not know, and the VM does not come up" {
	bed_run --ratio 2.5 -- true
	((status == 125))
	grep -q "mperf plugin: cannot use argument 'ratio=2.5'" "$err"
}

@test "--vmx: an Intel host; output, status and what it has changed come back, and nothing of it stays" {
	local file=.output/bed-vmx
	cd "$BATS_TEST_DIRNAME/../.."
	touch "$file-gone"
	bed_run --vmx --cpus 1 -- bash -c 'grep -qw vmx /proc/cpuinfo && [[ -e /dev/kvm && -d /sys/module/kvm_intel ]] || exit 1
		printf "%s\n" "$@"; echo error >&2; echo there >"$0"; rm "$0-gone"; nproc; exit 7' "$file" 'one two' ''
	((status == 7))
	[[ $(<"$out") == $'one two\n\n1' && $(<"$err") == *error* ]]
	[[ $(<"$file") == there && ! -e $file-gone ]]
	rm "$file"
	bed_run --vmx --timeout 2 -- sleep 100
	((status == 124))
	[[ $(<"$err") == *'killed at its timeout'* ]]
	run ! pgrep -f "bochs .*$(grep -o '[^ (]*/vmx/run/[0-9]*/' "$err")"
	bed_run --vmx --ratio 1 -- true
	((status == 2))
	status=0
	"$BED" shell --vmx || status=$?
	((status == 2))
}

@test "--vmx: the first run of a bed makes all that it needs" {
	local bed=$BATS_TEST_TMPDIR/bed cache=${BED_DIR:-$BATS_TEST_DIRNAME/../../.cache/bed} part
	bed_run --vmx --cpus 1 -- true
	mkdir "$bed"
	for part in root kernel stamp bin vmx; do
		ln -s "$(realpath "$cache/$part")" "$bed/$part"
	done
	BED_DIR=$bed bed_run --vmx --count --cpus 1 -- test -d /sys/module/kvm_intel
	((status == 0))
}

@test "--vmx: a VM that panics is status 125, with its console" {
	bed_run --vmx --cpus 1 -- sh -c 'echo c >/proc/sysrq-trigger; sleep 100'
	((status == 125))
	[[ $(<"$err") == *'sysrq triggered crash'* ]]
}

@test "a VM that panics is status 125, with its console" {
	bed_run -- bash -c 'echo c >/proc/sysrq-trigger; sleep 60'
	((status == 125))
	grep -q 'sysrq triggered crash' "$err"
}

@test "a VM past its timeout is status 124, and nothing of it stays" {
	bed_run --parallel --timeout 20 --append "bed_test=$$-t" -- sleep 1000
	((status == 124))
	[[ $(vm_processes "$$-t") == 0 ]]
	[[ $(grep -c bed/root /proc/mounts) == 0 ]]
}

@test "TERM and KILL take the VM along" {
	local signal pid tries

	for signal in TERM KILL; do
		"$BED" run --parallel --kernel "$KERNEL" --append "bed_test=$$-$signal" -- sleep 1000 \
			>"$out" 2>"$err" 3>&- &
		pid=$!
		for ((tries = 0; tries < 6000; tries++)); do
			[[ $(vm_processes "$$-$signal") == 0 ]] || break
			sleep 0.1
		done
		[[ $(vm_processes "$$-$signal") != 0 ]]
		sleep 2
		kill -"$signal" "$pid"
		wait "$pid" || :
		sleep 1
		[[ $(vm_processes "$$-$signal") == 0 ]]
		[[ $(grep -c bed/root /proc/mounts) == 0 ]]
	done
}

@test "stolen time is seen: two busy L1 CPUs against two busy loops on this machine" {
	local -a hogs=()
	local i

	for ((i = 0; i < $(nproc); i++)); do
		# Each L1 CPU but the first has a core to itself, and a right to it that only its like have.
		nice -n -20 bash -c 'while :; do :; done' 3>&- &
		hogs+=($!)
	done
	bed_run --parallel -- bash -c 'timeout 5 taskset -c 1 spin 1000000000000; true'
	kill "${hogs[@]}"
	((status == 0))
	grep -o 'CPU1 [0-9.]*%' "$err" | tr -d % | awk '{ exit !($2 > 20) }'
}
