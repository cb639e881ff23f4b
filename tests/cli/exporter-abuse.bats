#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The exporter under malformed requests and misused connections, which tests/cli/http_abuse.py makes. Many scrapes and
# slow clients are tested in tests/cli/exporter-load.bats. Loopback only.

bats_require_minimum_version 1.5.0
load ../contrib/exporter

# The exporter takes its stderr for the journal and prefixes each line with its level. Only -v prints lines of level
# <6>.
setup() {
	: >"$BATS_TEST_TMPDIR/exporter.log"
	JOURNAL_STREAM=$(stat -c %d:%i "$BATS_TEST_TMPDIR/exporter.log")
	export JOURNAL_STREAM
	exporter_of_recording "$BATS_TEST_TMPDIR"
}

teardown() {
	exporter_stop
}

# abused CASE: the exporter must survive this case of http_abuse.py, and print nothing about it without -v.
abused() {
	run -0 timeout 300 "$BATS_TEST_DIRNAME/http_abuse.py" "$exporter_port" "$exporter" "$1"
	printf '# %s\n' "$output" >&3
	kill -0 "$exporter"
	grep -q '^<6>gtimehalt-exporter: listening on' "$BATS_TEST_TMPDIR/exporter.log"
	run -1 grep -v '^<6>' "$BATS_TEST_TMPDIR/exporter.log"
}

@test "malformed requests: the right code or no answer; scrapes in between succeed, and no resource leaks" {
	abused requests
}

@test "half-closed, reset and unread connections are closed within 13 s, and scrapes are answered meanwhile" {
	abused sockets
}

@test "more connections than the limit: a scrape is still answered within 1 s" {
	abused crowd
}
