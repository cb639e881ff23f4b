#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The exporter under requests that are none, and connections that are used as they should not be: what
# tests/cli/http_abuse.py does. tests/cli/exporter-load.bats has many scrapes and slow clients. Loopback only.

bats_require_minimum_version 1.5.0
load ../contrib/exporter

# The exporter takes its stderr for the journal's, and says of each line its level: <6> is what only -v shows.
setup() {
	: >"$BATS_TEST_TMPDIR/exporter.log"
	JOURNAL_STREAM=$(stat -c %d:%i "$BATS_TEST_TMPDIR/exporter.log")
	export JOURNAL_STREAM
	exporter_of_recording "$BATS_TEST_TMPDIR"
}

teardown() {
	exporter_stop
}

# abused HOW: and alive; and without -v nothing is said of it.
abused() {
	run -0 timeout 300 "$BATS_TEST_DIRNAME/http_abuse.py" "$exporter_port" "$exporter" "$1"
	printf '# %s\n' "$output" >&3
	kill -0 "$exporter"
	grep -q '^<6>gtimehalt: listening on' "$BATS_TEST_TMPDIR/exporter.log"
	run -1 grep -v '^<6>' "$BATS_TEST_TMPDIR/exporter.log"
}

@test "requests that are none: the right code or no word, a scrape after each, and nothing is left" {
	abused requests
}

@test "half closed, reset, deaf: all of them are gone within 13 s, and scrapes are answered meanwhile" {
	abused sockets
}

@test "more connections than there are places for: who asks is answered within 1 s" {
	abused crowd
}
