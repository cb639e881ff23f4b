#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The exporter under 200 scrapes a second, and with 500 clients that send nothing, or a byte a second. It replays a
# recording, which needs neither root nor KVM.

bats_require_minimum_version 1.5.0
load ../contrib/exporter

# Limits: the duration of a single scrape during the load, and the memory of the process.
SCRAPE_MAX_MS=50
MEMORY_MAX_KB=${MEMORY_MAX_KB:-65536}
# Longer than a client may hold a connection without sending a request.
LOAD_S=14

setup() {
	dir=$BATS_TEST_TMPDIR
	exporter_of_recording "$dir"
}

teardown() {
	exporter_stop
}

# measured FILE: writes the metrics of VMs to FILE, without those about the exporter itself.
measured() {
	scrape 2>/dev/null | grep -E '^gtimehalt_(vcpu|vm|node)' >"$1"
}

# value_of METRIC: prints the value of a metric without labels.
value_of() {
	scrape 2>/dev/null | awk -v metric="$1" '$1 == metric { print $2 }'
}

@test "200 scrapes a second and 500 idle or slow clients: a scrape is answered at once, and memory is bounded" {
	measured "$dir/before"
	"$ROOT/tests/contrib/load.py" 127.0.0.1 "$exporter_port" --seconds "$LOAD_S" >"$dir/load"
	peak_kb=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$exporter/status")
	printf '# peak %d KiB; %s\n' "$peak_kb" "$(<"$dir/load")" >&3
	jq -e --argjson s "$LOAD_S" '.scrapes.count >= 200 * $s and (.scrapes.codes | keys) == ["200"]' "$dir/load"
	jq -e --argjson ms "$SCRAPE_MAX_MS" '.probes.count >= 20 and (.probes.codes | keys) == ["200"] and
		.probes.p95_ms < $ms' "$dir/load"
	# The server has closed nearly all of the 500 connections that were not used.
	jq -e '.connections.closed >= 450' "$dir/load"
	((peak_kb < MEMORY_MAX_KB))
	# The metrics that the clients had changed are back to normal; a snapshot may be a second old.
	sleep 2
	measured "$dir/after"
	diff "$dir/before" "$dir/after"
	[[ $(value_of gtimehalt_connections) == 1 ]]
	(($(value_of gtimehalt_dropped_connections_total) >= 450))
	[[ $(value_of 'gtimehalt_scrapes_total{code="500"}') == 0 ]]
	((10#$(value_of process_open_fds) < 40))
}
