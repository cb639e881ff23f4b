#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016 # Grafana's own variables, and jq's
#
# The dashboard: whole, and its queries are ones that Prometheus takes. That they return something is for
# tests/vm/exporter-prometheus.bats.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	dashboard=contrib/grafana/gtimehalt.json
	dir=$BATS_TEST_TMPDIR
}

# as_rules: queries on stdin, a line "PANEL<tab>QUERY" each, as a file of rules, which promtool can check.
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

@test "a query that does not, and a variable that is not declared, are found" {
	sed 's/rate(gtimehalt_node_halted/rate((gtimehalt_node_halted/' "$dashboard" >"$dir/dashboard"
	tests/contrib/queries "$dir/dashboard" | as_rules >"$dir/rules.json"
	run ! tests/contrib/promtool check rules "$dir/rules.json"
	sed 's/vm=~\\"$vm\\"/vm=~\\"$guest\\"/' "$dashboard" >"$dir/dashboard"
	run ! tests/contrib/queries "$dir/dashboard"
	[[ $output == *'not declared: $guest'* ]]
}

@test "panels: told apart, beside each other, each with a unit, of the data source that was chosen" {
	jq -e '.panels | (map(.id) | length == (unique | length)) and
		([.[] | select(.type != "row")] | map("\(.title)") | length == (unique | length)) and
		all(.[] | select(.type != "row"); (.targets | length > 0) and .fieldConfig.defaults.unit != null and
			.datasource.uid == "${datasource}" and all(.targets[]; .datasource.uid == "${datasource}"))' "$dashboard"
	# No two on the same place, none beyond the right edge.
	jq -e '[.panels[].gridPos | . as $p | range($p.w) | [$p.x + ., $p.y]] |
		all(.[]; .[0] < 24) and length == (unique | length)' "$dashboard"
	jq -e '[.panels[] | .title as $t | .gridPos as $a | [$t, $a.x, $a.x + $a.w, $a.y, $a.y + $a.h]] as $all |
		[range($all | length) as $i | range($i) as $j | [$all[$i], $all[$j]] |
			select(.[0][1] < .[1][2] and .[1][1] < .[0][2] and .[0][3] < .[1][4] and .[1][3] < .[0][4])] == []' "$dashboard"
}

# Where Grafana is told that a rate is one, and a share a share.
@test "counters are shown by their rate over Grafana's own interval" {
	run ! jq -e '[.panels[].targets[]?.expr | select(test("_total\\{") and (test("rate\\(") | not))] | length > 0' "$dashboard"
	run ! jq -e '[.panels[].targets[]?.expr | [match("\\[[^]]*\\]"; "g").string] | .[] | select(. != "[$__rate_interval]")] | length > 0' "$dashboard"
	run ! jq -e '[.panels[] | select(.fieldConfig.defaults.unit == "percent")] | length > 0' "$dashboard"
}
