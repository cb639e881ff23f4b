#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real Prometheus scrapes the exporter, beside three guests, and what it then has is held against gtimehalt -j
# of the same seconds. Runs in the bed, whose root has been given prometheus by `bed install`. The tests go on from one
# another: guests, exporter and Prometheus are those of the whole file, and the last but one ends a guest.

bats_require_minimum_version 1.5.0
load helper

# The CPU with the tick has a guest, Prometheus and both runs of the tool: see gtimehalt-record.bats.
clamped_max=10

SCRAPE_S=2
CLIENT=$src/tests/contrib/http_client.py
EXPORTER=http://127.0.0.1:10177
PROMETHEUS=http://127.0.0.1:9090

# How long a Prometheus takes to come up here, where all code is slow.
START_MAX_S=240
MEMORY_MAX_KB=65536
# Clients at once: the load itself is measured natively, by tests/cli/exporter-load.bats, since the clients alone
# are more than a CPU can do here.
LOAD=(--rate 30 --idle 250 --slow 250 --probes 1 --seconds 20)

# in_background FILE COMMAND...: for as long as the file of tests runs; its output is FILE.log, its PID FILE.pid.
in_background() {
	local file=$BATS_FILE_TMPDIR/$1
	shift
	"$@" >"$file.log" 2>&1 3>&- &
	echo $! >"$file.pid"
}

pid_of() {
	cat "$BATS_FILE_TMPDIR/$1.pid"
}

# start_guest NAME OPTION...: with helper.bash's own words, but for longer than a test.
start_guest() {
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_start "$@" --seconds 1400
	echo "$guest" >"$BATS_FILE_TMPDIR/$1.pid"
}

start_prometheus() {
	cat >"$BATS_FILE_TMPDIR/prometheus.yml" <<-END
		global:
		  scrape_interval: ${SCRAPE_S}s
		  scrape_timeout: ${SCRAPE_S}s
		rule_files: [$src/contrib/prometheus/gtimehalt.rules.yml]
		scrape_configs:
		  - job_name: gtimehalt
		    static_configs: [{ targets: ["${EXPORTER#http://}"] }]
	END
	in_background prometheus env GOMAXPROCS=1 prometheus --config.file="$BATS_FILE_TMPDIR/prometheus.yml" \
		--storage.tsdb.path="$BATS_FILE_TMPDIR/data" --web.listen-address="${PROMETHEUS#http://}"
}

setup_file() {
	command -v prometheus >/dev/null || {
		echo 'there is no prometheus: tests/vm/bed install prometheus python3-prometheus-client'
		return 1
	}
	ip link set lo up
	start_guest through --busy 30 --pin "$QUIET_CPU"
	start_guest half --busy 60 --pin "$QUIET_CPU"
	start_guest exits --busy 20 --hlt exit --pin "$OTHER_CPU"
	# Pinned, and read by the exporter and by what is held against it. Two measurements at once would measure each
	# other too: each VM entry and exit has the other's programs in it, and here that is more than one per cent.
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	"$GTIMEHALT" --pin -H --mperf-ratio 1
	in_background exporter "$GTIMEHALT_EXPORTER" -v --listen="${EXPORTER#http://}" -H --bpf-stats
	"$CLIENT" wait "$EXPORTER/healthz" 60 || {
		cat "$BATS_FILE_TMPDIR/exporter.log"
		return 1
	}
	start_prometheus
	"$CLIENT" wait "$PROMETHEUS/-/ready" "$START_MAX_S" || {
		tail -n 20 "$BATS_FILE_TMPDIR/prometheus.log"
		return 1
	}
}

teardown_file() {
	local file
	for file in "$BATS_FILE_TMPDIR"/*.pid; do
		kill "$(<"$file")" 2>/dev/null || :
	done
	tail -n 5 "$BATS_FILE_TMPDIR/exporter.log" | sed 's/^/# exporter: /' >&3
	wait
	"$GTIMEHALT" --unpin
}

setup() {
	dir=$BATS_TEST_TMPDIR
}

# query TEXT: its result, an element a line.
query() {
	"$CLIENT" query "$PROMETHEUS" "$1"
}

# has_ended PID: nobody may be there to take its status.
has_ended() {
	[[ ! -e /proc/$1/stat || $(<"/proc/$1/stat") == *') Z '* ]]
}

# returns_data TEXT SECONDS: within so many.
returns_data() {
	local end=$((SECONDS + $2))
	until [[ $(query "$1") ]]; do
		((SECONDS < end)) || return 1
		sleep 1
	done
}

# failures: what the exporter says it has lost.
failures() {
	"$CLIENT" get "$EXPORTER/metrics" 2>/dev/null |
		awk '/^gtimehalt_(lost_windows|mperf_errors|map_full|snapshot_failures)_total / { n++; sum += $2 }
			END { print n ": " sum + 0 }'
}

# beside SECONDS: gtimehalt -j, in the background; its output is $dir/beside.
beside() {
	timeout "$(($1 + 60))" "$GTIMEHALT" -j 1 "$1" >"$dir/beside" 3>&- &
	beside=$!
}

# agreed: what Prometheus has of the same seconds is what was shown.
agreed() {
	wait "$beside"
	check_report "$dir/beside"
	# The scrape at the end has been stored.
	sleep "$((2 * SCRAPE_S))"
	"$src/tests/contrib/agree.py" "$PROMETHEUS" "$dir/beside" 1 >"$dir/agree" || {
		cat "$dir/agree"
		return 1
	}
	sed 's/^/# /' "$dir/agree" >&3
}

@test "Prometheus scrapes it, and takes OpenMetrics" {
	grep -q 'pinned measurement is read' "$BATS_FILE_TMPDIR/exporter.log"
	returns_data 'up == 1' 60
	# It asks what a family is of those that it scrapes: only OpenMetrics has units, and infos.
	"$CLIENT" get "$PROMETHEUS/api/v1/metadata" 2>/dev/null >"$dir/metadata"
	jq -e '[.data[][].unit] | any(. == "seconds")' "$dir/metadata"
	jq -e '[.data[][].type] | any(. == "info") and any(. == "counter") and any(. == "histogram")' "$dir/metadata"
}

@test "both forms: what promtool and a strict parser say" {
	"$CLIENT" get "$EXPORTER/metrics" 2>"$dir/type" >"$dir/text"
	[[ $(<"$dir/type") == '200 text/plain; version=0.0.4'* ]]
	run -0 promtool check metrics <"$dir/text"
	[[ -z $output ]]
	"$CLIENT" get "$EXPORTER/metrics" 'application/openmetrics-text; version=1.0.0' 2>"$dir/type" >"$dir/openmetrics"
	[[ $(<"$dir/type") == '200 application/openmetrics-text; version=1.0.0'* ]]
	"$src/tests/contrib/openmetrics.py" <"$dir/openmetrics" >"$dir/parsed"
	[[ $(grep -c '^gtimehalt_vm_halted_seconds_total{' "$dir/parsed") == 3 ]]
	[[ $(grep -c '^gtimehalt_vm_stint_halted_seconds_bucket{' "$dir/parsed") -gt 30 ]]
}

@test "what it has of three guests is what gtimehalt -j shows of the same seconds, within 1 %" {
	before=$(failures)
	[[ $before == '4: '* ]]
	beside 45
	agreed
	[[ $(failures) == "$before" ]]
}

@test "each query of the dashboard returns data" {
	local missing
	# A rate over 30 s; what a program of BPF adds up to, and a histogram, take a while to move.
	returns_data 'histogram_quantile(0.5, sum by (le) (rate(gtimehalt_vm_stint_halted_seconds_bucket[30s])))' 60
	"$src/tests/contrib/queries" "$src/contrib/grafana/gtimehalt.json" 30s >"$dir/queries"
	[[ $(wc -l <"$dir/queries") -gt 50 ]]
	missing=$("$CLIENT" missing "$PROMETHEUS" <"$dir/queries")
	[[ -z $missing ]] || {
		printf 'no data: %s\n' "$missing"
		return 1
	}
}

@test "the rules: evaluated without an error, a share of each VM, and those that wait are found" {
	local vms
	returns_data 'vm:gtimehalt_busy:ratio_rate1m' 90
	"$CLIENT" get "$PROMETHEUS/api/v1/rules" 2>/dev/null >"$dir/rules"
	jq -e '[.data.groups[].rules[]] | length > 20 and all(.[]; .lastError // "" == "")' "$dir/rules"
	vms=$(query 'vm:gtimehalt_busy:ratio_rate1m' | jq -r .metric.vm | sort | paste -s -d ' ')
	[[ $vms == 'exits half through' ]]
	# Two share a CPU, and neither gives it up: both wait for about half of the time.
	# A rate over five minutes gets there as the five minutes fill.
	returns_data 'count(vm:gtimehalt_wait:ratio_rate5m{vm=~"half|through"} > 0.2) == 2' 300
	# By the host all of the rest is busy; but it is not.
	returns_data 'count(vm:gtimehalt_halted:ratio_rate5m{vm=~"half|through"} > 0.05) == 2' 60
}

@test "500 clients that hold connections, and 30 scrapes a second: nothing is lost" {
	local before peak_kb
	before=$(failures)
	beside 45
	sleep 5
	"$src/tests/contrib/load.py" 127.0.0.1 "${EXPORTER##*:}" "${LOAD[@]}" >"$dir/load"
	agreed
	[[ $(failures) == "$before" ]]
	peak_kb=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$(pid_of exporter)/status")
	printf '# peak %d KiB; %s\n' "$peak_kb" "$(<"$dir/load")" >&3
	((peak_kb < MEMORY_MAX_KB))
	jq -e '(.probes.codes | keys) == ["200"] and .scrapes.codes["200"] > 0 and .connections.closed > 0' "$dir/load"
}

# A server that only writes a file of the same size, in the same language as the client, on the same CPU.
@test "a scrape at rest, beside one of a server that has nothing to do" {
	local plain
	mkdir "$dir/plain"
	"$CLIENT" get "$EXPORTER/metrics" 2>/dev/null >"$dir/plain/metrics"
	(cd "$dir/plain" && exec python3 -m http.server -b 127.0.0.1 8099) >/dev/null 2>&1 3>&- &
	plain=$!
	"$CLIENT" wait http://127.0.0.1:8099/metrics 60
	"$src/tests/contrib/load.py" 127.0.0.1 8099 --rate 0.1 --idle 0 --slow 0 --probes 1 --seconds 15 >"$dir/plain.json"
	kill "$plain"
	"$src/tests/contrib/load.py" 127.0.0.1 "${EXPORTER##*:}" --rate 0.1 --idle 0 --slow 0 --probes 1 --seconds 15 \
		>"$dir/exporter.json"
	printf '# a scrape: %s ms, of a plain server %s ms\n' "$(jq .probes.p50_ms "$dir/exporter.json")" \
		"$(jq .probes.p50_ms "$dir/plain.json")" >&3
	jq -e '(.probes.codes | keys) == ["200"]' "$dir/exporter.json"
	# A snapshot is in it, which natively takes a fraction of a millisecond; here code is some fifty times slower.
	jq -e -n --slurpfile e "$dir/exporter.json" --slurpfile p "$dir/plain.json" \
		'$e[0].probes.p50_ms < 5 * $p[0].probes.p50_ms + 50'
}

# ended VM: Prometheus has no series of it any more, but those of two others: when a scrape comes too late, all end
# until the next.
ended() {
	[[ $(query 'gtimehalt_vms' | jq -r '.value[1]') == 2 && -z $(query "{__name__=~\"gtimehalt_.+\",vm=\"$1\"}") ]]
}

@test "a guest is killed: its series end, what it gave stays, and nothing goes back" {
	local gave node others end
	returns_data 'gtimehalt_vm_halted_seconds_total{vm="half"}' 60
	gave=$(query 'max_over_time(gtimehalt_vm_halted_seconds_total{vm="half"}[30s])' | jq -r '.value[1]')
	kill -KILL "$(pid_of half)"
	# The exporter keeps what has ended for five minutes.
	end=$((SECONDS + 400))
	until ended half; do
		((SECONDS < end))
		sleep 1
	done
	sleep "$((3 * SCRAPE_S))"
	"$CLIENT" get "$EXPORTER/metrics" 2>/dev/null >"$dir/metrics"
	node=$(awk '$1 == "gtimehalt_node_halted_seconds_total" { print $2 }' "$dir/metrics")
	others=$(awk '/^gtimehalt_vm_halted_seconds_total/ { sum += $2 } END { printf "%.9f", sum }' "$dir/metrics")
	jq -n -e --argjson node "$node" --argjson others "$others" --argjson gave "$gave" \
		'$gave > 1 and $node - $others >= $gave'
	# By the raw samples, of this whole file.
	query '{__name__=~"gtimehalt_.+_(total|count|sum|bucket)"}[1h]' >"$dir/samples"
	[[ $(wc -l <"$dir/samples") -gt 100 ]]
	jq -c 'select([.values[][1] | tonumber] | . != sort) | .metric' "$dir/samples" >"$dir/back"
	cat "$dir/back"
	[[ ! -s $dir/back ]]
}

@test "ended, it has lost nothing, and says nothing" {
	[[ $(failures) == '4: 0' ]]
	kill "$(pid_of exporter)"
	for ((tries = 0; tries < 50; tries++)); do
		! has_ended "$(pid_of exporter)" || break
		sleep 0.1
	done
	has_ended "$(pid_of exporter)"
	# But of the clients that were shut down, which -v tells of.
	run ! grep -iE '^gtimehalt-exporter: [^H].*(error|fail|cannot)' "$BATS_FILE_TMPDIR/exporter.log"
}
