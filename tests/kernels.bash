# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Kernels of the bed. Loaded by tests/kernels and tests/faults.

# kernel_is_here KERNEL: it is installed in the bed, or is now. One that no archive has any more is a skip; when it
# cannot be set up for another reason, this ends the script.
kernel_is_here() {
	tests/vm/bed setup "$1" >&2
	case $? in
	0) ;;
	3)
		printf '1..1\nok 1 - %s # skip this kernel is in no archive that apt is configured with\n' "$1"
		return 1
		;;
	*) exit 1 ;;
	esac
}

# kernel_release KERNEL
kernel_release() {
	tests/vm/bed kernels | awk -v k="$1" '$1 == k { print $2 }'
}
