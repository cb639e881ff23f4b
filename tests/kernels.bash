# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Functions about the kernels of the test bed. Loaded by tests/kernels and tests/faults.

# kernel_is_here KERNEL: installs the kernel in the bed unless it is there. If it is in no archive any more, prints a
# skipped test and returns 1. If it cannot be set up for another reason, ends the script.
kernel_is_here() {
	tests/vm/bed setup "$1" >&2
	case $? in
	0) ;;
	3)
		printf '1..1\nok 1 - %s # skip this kernel is not in the archives that apt is configured with\n' "$1"
		return 1
		;;
	*) exit 1 ;;
	esac
}

# kernel_release KERNEL: prints the full release of an installed kernel of this name.
kernel_release() {
	tests/vm/bed kernels | awk -v k="$1" '$1 == k { print $2 }'
}
