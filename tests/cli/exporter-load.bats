#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The exporter under clients that it could do without: 200 scrapes a second, and 500 clients that say nothing, or
# a byte a second. Neither root nor KVM: it replays a recording.

bats_require_minimum_version 1.5.0
load ../contrib/exporter

# What a scrape in between may take, and how much memory the process at all.
SCRAPE_MAX_MS=50
MEMORY_MAX_KB=${MEMORY_MAX_KB:-65536}
# Longer than a client may hold a connection without a request.
LOAD_S=14

setup() {
	dir=$BATS_TEST_TMPDIR
	exporter_of_recording "$dir"
}

teardown() {
	exporter_stop
}

# measured FILE: what is exported of VMs, without what the exporter says of itself.
measured() {
	scrape 2>/dev/null | grep -E '^gtimehalt_(vcpu|vm|node)' >"$1"
}

# value_of METRIC
value_of() {
	scrape 2>/dev/null | awk -v metric="$1" '$1 == metric { print $2 }'
}

@test "200 scrapes a second and 500 idle or slow clients: a scrape is answered at once, memory is bounded" {
	measured "$dir/before"
	"$ROOT/tests/contrib/load.py" 127.0.0.1 "$exporter_port" --seconds "$LOAD_S" >"$dir/load"
	peak_kb=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$exporter/status")
	printf '# peak %d KiB; %s\n' "$peak_kb" "$(<"$dir/load")" >&3
	jq -e --argjson s "$LOAD_S" '.scrapes.count >= 200 * $s and (.scrapes.codes | keys) == ["200"]' "$dir/load"
	jq -e --argjson ms "$SCRAPE_MAX_MS" '.probes.count >= 20 and (.probes.codes | keys) == ["200"] and
		.probes.p95_ms < $ms' "$dir/load"
	# None of the 500 was kept for as long as it liked.
	jq -e '.connections.closed >= 450' "$dir/load"
	((peak_kb < MEMORY_MAX_KB))
	# And nothing is left of them. What is served may be a second old.
	sleep 2
	measured "$dir/after"
	diff "$dir/before" "$dir/after"
	[[ $(value_of gtimehalt_connections) == 1 ]]
	(($(value_of gtimehalt_dropped_connections_total) >= 450))
	[[ $(value_of 'gtimehalt_scrapes_total{code="500"}') == 0 ]]
	((10#$(value_of process_open_fds) < 40))
}
