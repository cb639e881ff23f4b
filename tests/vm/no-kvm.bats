#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:no-kvm
#
# KVM that is loaded later. Runs in the bed, on a host where it is not: bed run --no-kvm.

bats_require_minimum_version 1.5.0
load helper

setup() {
	[[ ! -d /sys/module/kvm ]] || skip "KVM is loaded: this is for bed run --no-kvm"
}

# bats test_tags=core
@test "without --wait: exit 3, and the line points to it" {
	run -3 --separate-stderr "$GTIMEHALT" -d 1
	# shellcheck disable=SC2154 # set by run
	[[ -z $output && $stderr == "gtimehalt: KVM is not loaded"*--wait* && $(wc -l <<<"$stderr") == 1 ]]
}

# bats test_tags=core
@test "--wait, and a signal: exit 0 within a second, nothing said" {
	local signal begin_ns tool
	for signal in INT TERM HUP; do
		# A shell without job control has its children ignore SIGINT.
		env --default-signal=INT "$GTIMEHALT" --wait -d 1 >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
		tool=$!
		sleep 2
		begin_ns=$(date +%s%N)
		kill "-$signal" "$tool"
		wait "$tool"
		(($(date +%s%N) - begin_ns < 1000000000))
		[[ ! -s $BATS_TEST_TMPDIR/said ]]
	done
}

# bats test_tags=core
@test "--wait for what no waiting brings: exit 3 at once" {
	run -3 --separate-stderr timeout 10 setpriv --reuid 65534 --clear-groups --inh-caps=-all \
		"$GTIMEHALT" --wait -d 1
	[[ -z $output && $stderr == "gtimehalt: needs CAP_"* && $(wc -l <<<"$stderr") == 1 ]]
}

# The last: from here on KVM is there.
# bats test_tags=core
@test "--wait, then KVM and a guest come: it is measured" {
	local out=$BATS_TEST_TMPDIR/out tool
	"$GTIMEHALT" --wait -j 1 8 >"$out" 2>"$out.stderr" 3>&- &
	tool=$!
	sleep 2
	modprobe "$KVM_VENDOR"
	guest_start late --busy 30 --pin "$QUIET_CPU"
	wait "$tool"
	cat "$out.stderr"
	check_report "$out"
	jq -e -s 'last.vms | length == 1 and .[0].name == "late" and .[0].vcpus[0].halted_ns > 0.5e9' "$out" >/dev/null || {
		cat "$out"
		return 1
	}
}
