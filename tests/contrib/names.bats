#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The rules and the dashboard use only metrics that the exporter exports. It replays a recording, which needs neither
# root nor KVM.

bats_require_minimum_version 1.5.0
load exporter

# Metrics that a replay cannot have: the duration of snapshots, and the kernel's statistics of BPF programs.
# tests/vm/exporter-prometheus.bats runs every query of the dashboard on a live exporter.
LIVE_ONLY='gtimehalt_snapshot_seconds_total gtimehalt_bpf_run_seconds_total gtimehalt_bpf_runs_total'

setup() {
	cd "$ROOT" || return
	dir=$BATS_TEST_TMPDIR
	exporter_of_recording "$dir"
	scrape 2>/dev/null >"$dir/metrics"
	{
		families <"$dir/metrics"
		tr ' ' '\n' <<<"$LIVE_ONLY"
	} | sort -u >"$dir/exported"
}

teardown() {
	exporter_stop
}

# names: prints the metric names in the PromQL on stdin; names of recording rules contain colons.
names() {
	grep -oE '[a-zA-Z_:][a-zA-Z0-9_:]*' | grep -E '^(gtimehalt|process)_[a-z_]+$' | sort -u
}

# all_exported: every name on stdin must be exported.
all_exported() {
	local unknown
	unknown=$(comm -23 - "$dir/exported")
	[[ -z $unknown ]] || {
		printf '%s\n' "$unknown" | sed 's/^/not exported: /'
		return 1
	}
}

@test "every name in the dashboard is exported" {
	tests/contrib/queries | cut -f 2 | names >"$dir/names"
	[[ $(wc -l <"$dir/names") -gt 30 ]]
	all_exported <"$dir/names"
}

@test "every name in the rules and in their tests is exported" {
	for file in contrib/prometheus/*.rules.yml; do
		/usr/bin/python3 -c 'import sys, yaml
for group in yaml.safe_load(open(sys.argv[1]))["groups"]:
	for rule in group["rules"]:
		print(rule["expr"])' "$file"
	done >"$dir/expressions"
	names <"$dir/expressions" >"$dir/names"
	[[ $(wc -l <"$dir/names") -gt 15 ]]
	all_exported <"$dir/names"
	sed -n 's/^ *- series: //p' contrib/prometheus/*.test.yml | sed 's/{.*//' | names >"$dir/names"
	all_exported <"$dir/names"
	# Recorded metrics that other rules use must be recorded by a rule.
	while read -r record; do
		grep -q "record: $record\$" contrib/prometheus/*.rules.yml
	done < <(grep -oE '\b[a-z]+:gtimehalt_[a-z0-9_]+:[a-z0-9_]+' "$dir/expressions")
}

@test "a name that is not exported is detected" {
	run -1 all_exported <<<'gtimehalt_vm_halted_total'
	[[ $output == 'not exported: gtimehalt_vm_halted_total' ]]
}

@test "promtool and a strict parser of OpenMetrics accept the exported text" {
	run -0 "$PROMTOOL" check metrics <"$dir/metrics"
	[[ -z $output ]]
	scrape 'application/openmetrics-text; version=1.0.0' 2>"$dir/type" >"$dir/openmetrics"
	[[ $(<"$dir/type") == '200 application/openmetrics-text; version=1.0.0; charset=utf-8' ]]
	tests/contrib/openmetrics.py <"$dir/openmetrics" >"$dir/parsed"
	# The same families in both formats; in one the name includes the suffix that is the type in the other.
	diff <(families <"$dir/metrics" | sed -E 's/_(total|info)$//' | sort) <(families <"$dir/openmetrics")
}
