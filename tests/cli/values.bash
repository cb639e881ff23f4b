# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Loaded by tests that compare other texts with the program's own.

# values_of OPTION: prints the values that the program accepts, one per line, as its message about an invalid value
# lists them: "... is not one of a, b, c", or "... is not a, b or c".
values_of() {
	"$GTIMEHALT" "$1" no-such-value 2>&1 >/dev/null |
		sed -n 's/.* is not //; s/^one of //; s/, / /g; s/ or / /; p' | tr ' ' '\n'
}
