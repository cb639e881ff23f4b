#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016 # Grafana's own variables, and jq's
#
# The dashboard is consistent, and Prometheus accepts its queries. tests/vm/exporter-prometheus.bats checks that they
# return something.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	dashboard=contrib/grafana/gtimehalt.json
	dir=$BATS_TEST_TMPDIR
}

# as_rules: turns lines "PANEL<tab>QUERY" on stdin into a rules file, which promtool can check.
as_rules() {
	jq -R -s '[split("\n")[] | select(. != "") | split("\t")[1]] | to_entries |
		{ groups: [{ name: "queries", rules: map({ record: "query:\(.key)", expr: .value }) }] }'
}

@test "every query parses" {
	tests/contrib/queries >"$dir/queries"
	[[ $(wc -l <"$dir/queries") -gt 50 ]]
	as_rules <"$dir/queries" >"$dir/rules.json"
	run -0 tests/contrib/promtool check rules --lint=none "$dir/rules.json"
	[[ $output == *"$(wc -l <"$dir/queries") rules found"* ]]
}

@test "faulty queries and undeclared variables are detected" {
	sed 's/rate(gtimehalt_node_halted/rate((gtimehalt_node_halted/' "$dashboard" >"$dir/dashboard"
	tests/contrib/queries "$dir/dashboard" | as_rules >"$dir/rules.json"
	run ! tests/contrib/promtool check rules "$dir/rules.json"
	sed 's/vm=~\\"$vm\\"/vm=~\\"$guest\\"/' "$dashboard" >"$dir/dashboard"
	run ! tests/contrib/queries "$dir/dashboard"
	[[ $output == *'not declared: $guest'* ]]
}

@test "panels have unique IDs and titles, do not overlap, have a unit, and use the chosen data source" {
	jq -e '.panels | (map(.id) | length == (unique | length)) and
		([.[] | select(.type != "row")] | map("\(.title)") | length == (unique | length)) and
		all(.[] | select(.type != "row"); (.targets | length > 0) and .fieldConfig.defaults.unit != null and
			.datasource.uid == "${datasource}" and all(.targets[]; .datasource.uid == "${datasource}"))' "$dashboard"
	# No two panels overlap, and none extends beyond the right edge.
	jq -e '[.panels[].gridPos | . as $p | range($p.w) | [$p.x + ., $p.y]] |
		all(.[]; .[0] < 24) and length == (unique | length)' "$dashboard"
	jq -e '[.panels[] | .title as $t | .gridPos as $a | [$t, $a.x, $a.x + $a.w, $a.y, $a.y + $a.h]] as $all |
		[range($all | length) as $i | range($i) as $j | [$all[$i], $all[$j]] |
			select(.[0][1] < .[1][2] and .[1][1] < .[0][2] and .[0][3] < .[1][4] and .[1][3] < .[0][4])] == []' "$dashboard"
}

# Counters must be queried with rate() over an interval that Grafana chooses. Shares must have the unit "percentunit",
# because "percent" would show 0.5 as 0.5 %.
@test "counters are shown as rates over Grafana's own interval" {
	run ! jq -e '[.panels[].targets[]?.expr | select(test("_total\\{") and (test("rate\\(") | not))] | length > 0' "$dashboard"
	run ! jq -e '[.panels[].targets[]?.expr | [match("\\[[^]]*\\]"; "g").string] | .[] | select(. != "[$__rate_interval]")] | length > 0' "$dashboard"
	run ! jq -e '[.panels[] | select(.fieldConfig.defaults.unit == "percent")] | length > 0' "$dashboard"
}
