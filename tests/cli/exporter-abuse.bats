#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The exporter under requests that are none, and connections that are used as they should not be: what
# tests/cli/http_abuse.py does. tests/cli/exporter-load.bats has many scrapes and slow clients. Loopback only.

bats_require_minimum_version 1.5.0
load ../contrib/exporter

setup() {
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
	# Only what -v says at the start.
	run -1 grep -vE ' listening on 127\.0\.0\.1:[0-9]+$| is user nobody from here on$' "$BATS_TEST_TMPDIR/exporter.log"
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
