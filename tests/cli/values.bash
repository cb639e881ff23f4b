# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Loaded by the tests that hold other texts against the program's own.

# values_of OPTION: what the program takes behind it, one a line, from what it says of a value that it does
# not take: "... is not one of a, b, c", or "... is not a, b or c".
values_of() {
	"$GTIMEHALT" "$1" no-such-value 2>&1 >/dev/null |
		sed -n 's/.* is not //; s/^one of //; s/, / /g; s/ or / /; p' | tr ' ' '\n'
}
