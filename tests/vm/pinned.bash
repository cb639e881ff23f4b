# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Functions for the tests of a pinned measurement. Loaded after helper.bash, whose teardown this file extends.

PINNED=/sys/fs/bpf/gtimehalt

setup() {
	if is_linux_before 5 15 && [[ $BATS_TEST_DESCRIPTION != *5.15* ]]; then
		skip "links of kprobes and timers cannot be pinned before Linux 5.15"
	fi
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
}

teardown() {
	guest_end
	[[ ! -e $PINNED ]] || "$GTIMEHALT" --unpin
}

# stat_of TID: prints the fields of one thread: loaded halted guest vcpu unmeasured wait updated.
stat_of() {
	sed -n -E "s/^[0-9]+ $1 \(.*\) //p" $PINNED/stat
}

# Prints the TID of the only vCPU of the guest that was started last.
vcpu_tid() {
	awk -v pid="${guest:?}" '$1 == pid { print $2 }' $PINNED/stat
}

# share FILE NAME: prints halted in per cent of loaded time.
share() {
	vcpu_of "$1" "$2" 0 | jq '100 * .halted_ns / .loaded_ns'
}
