#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What rules and dashboard name is what the exporter exports. Neither root nor KVM: it replays a recording.

bats_require_minimum_version 1.5.0
load exporter

# No recording has them: what snapshots took, and the kernel's own account of BPF programs.
# tests/vm/exporter-prometheus.bats runs every query of the dashboard where there are those.
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

# names: those of metrics on stdin, PromQL; what is recorded has colons in its name.
names() {
	grep -oE '[a-zA-Z_:][a-zA-Z0-9_:]*' | grep -E '^(gtimehalt|process)_[a-z_]+$' | sort -u
}

# all_exported: the names on stdin.
all_exported() {
	local unknown
	unknown=$(comm -23 - "$dir/exported")
	[[ -z $unknown ]] || {
		printf '%s\n' "$unknown" | sed 's/^/not exported: /'
		return 1
	}
}

@test "the dashboard's" {
	tests/contrib/queries | cut -f 2 | names >"$dir/names"
	[[ $(wc -l <"$dir/names") -gt 30 ]]
	all_exported <"$dir/names"
}

@test "the rules', and those of their tests" {
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
	# What a rule makes of another's record must be recorded.
	while read -r record; do
		grep -q "record: $record\$" contrib/prometheus/*.rules.yml
	done < <(grep -oE '\b[a-z]+:gtimehalt_[a-z0-9_]+:[a-z0-9_]+' "$dir/expressions")
}

@test "a name that is not exported is found" {
	run -1 all_exported <<<'gtimehalt_vm_halted_total'
	[[ $output == 'not exported: gtimehalt_vm_halted_total' ]]
}

@test "what it exports: clean to promtool, and to a strict parser of OpenMetrics" {
	run -0 "$PROMTOOL" check metrics <"$dir/metrics"
	[[ -z $output ]]
	scrape 'application/openmetrics-text; version=1.0.0' 2>"$dir/type" >"$dir/openmetrics"
	[[ $(<"$dir/type") == '200 application/openmetrics-text; version=1.0.0; charset=utf-8' ]]
	tests/contrib/openmetrics.py <"$dir/openmetrics" >"$dir/parsed"
	# The same families in both, though in one the name has what is the type's suffix in the other.
	diff <(families <"$dir/metrics" | sed -E 's/_(total|info)$//' | sort) <(families <"$dir/openmetrics")
}
