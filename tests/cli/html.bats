#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The page of --html: its data against JSON, its file, its size, and what a browser makes of it, where there is one.

# `run` sets output in the function that calls it, not in a subshell of a test.
# shellcheck disable=SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT=${GTIMEHALT:-$src/gtimehalt}
	recording=$src/tests/golden/replay/three-guests.ndjson
	dir=$BATS_TEST_TMPDIR
	page=$dir/page.html
	export TZ=UTC
}

# draw RECORDING OPTION...: makes the page, which must say nothing.
draw() {
	run -0 --separate-stderr timeout 300 "$GTIMEHALT" --replay "$1" --html "$page" "${@:2}"
	[[ -z $output && -z $stderr ]]
}

# data: prints the data of the page.
data() {
	sed -n 's/^<script type="application\/json" id="data">//; /^{"begin_ms"/,/<\/script>$/p' "$page" | sed 's/<\/script>$//'
}

@test "the parts are those of JSON, in per mille, for each VM and interval" {
	draw "$recording"
	"$GTIMEHALT" --replay "$recording" -j >"$dir/json"
	# A number stands for equal values in all columns.
	data | jq -c '(.ends_ms | length) as $cnt | .vms[] | [.name, (.parts | map(if type == "number" then [range($cnt) as $i | .] else . end))]' >"$dir/drawn"
	jq -s -c '. as $reports | $reports[0].vms | to_entries[] | .key as $vm | [.value.name, (["busy_ns", "host_ns", "wait_ns", "", "blocked_ns", "halted_ns"] |
		map(. as $key | [$reports[].vms[$vm].total | if $key == "" then 0 else .[$key] * 1000 / .wall_ns + 0.5 | floor end]))]' "$dir/json" >"$dir/expected"
	diff "$dir/expected" "$dir/drawn"
	[[ $(wc -l <"$dir/drawn") == 3 ]]
	# The ends of the columns are those of the intervals.
	[[ $(data | jq -c .ends_ms) == "$(jq -s -c '.[0].start_monotonic_ns as $begin |
		map((.end_monotonic_ns - $begin) / 1e6 + 0.5 | floor)' "$dir/json")" ]]
}

@test "the vCPUs are those of JSON" {
	draw "$recording"
	data | jq -c '(.ends_ms | length) as $cnt | .vms[].rows[] | [.vcpu, (.used | if type == "number" then [range($cnt) as $i | .] else . end)]' >"$dir/drawn"
	"$GTIMEHALT" --replay "$recording" -j | jq -s -c '. as $reports | range($reports[0].vms | length) as $vm |
		range($reports[0].vms[$vm].vcpus | length) as $n | [$reports[0].vms[$vm].vcpus[$n].vcpu,
		[$reports[].vms[$vm].vcpus[$n] | 1000 - ((.idle_ns * 1000 / .wall_ns + 0.5) | floor)]]' >"$dir/expected"
	diff "$dir/expected" "$dir/drawn"
}

@test "INTERVAL, --from and -g have their usual meaning; with -H or without, the histogram is there if it was recorded" {
	draw "$recording" -g linux --from 1 1000
	[[ $(data | jq -c '[.vms[].name, (.ends_ms | length)]') == '["linux",1]' ]]
	grep -q 'How long halts took' "$page"
	sed -E 's/,"stints":[0-9]+//g; s/,"has_stints":true.*/}/' "$recording" >"$dir/without"
	draw "$dir/without"
	run ! grep -q 'How long halts took' "$page"
}

@test "the page loads nothing, and its scripts may load nothing" {
	draw "$recording"
	grep -q "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\"" "$page"
	# The only address is the name of SVG's elements.
	[[ $(grep -oE '[a-z]+://[^ "'\'']*' "$page" | sort -u) == http://www.w3.org/2000/svg ]]
	run ! grep -E 'src=|@import|url\(|innerHTML|insertAdjacentHTML|document\.write' "$page"
}

@test "the file is replaced as a whole: a fault leaves the old one, and what is no regular file is refused" {
	echo old >"$page"
	sed '4s/"vms":/"VMs":/' "$recording" >"$dir/broken"
	run -1 --separate-stderr "$GTIMEHALT" --replay "$dir/broken" --html "$page"
	[[ $stderr == "gtimehalt: $dir/broken:4: vms: missing" && $(<"$page") == old ]]
	run -1 --separate-stderr bash -c "ulimit -f 4; exec '$GTIMEHALT' --replay '$recording' --html '$page'"
	[[ $stderr == "gtimehalt: cannot write $page: File too large" && $(<"$page") == old ]]
	run -1 --separate-stderr "$GTIMEHALT" --replay "$recording" --html "$dir"
	[[ $stderr == "gtimehalt: cannot write $dir: Is a directory" ]]
	run -1 --separate-stderr "$GTIMEHALT" --replay "$recording" --html "$dir/none/page"
	[[ $stderr == "gtimehalt: cannot write $dir/none/page: No such file or directory" ]]
	ln -s page.html "$dir/link"
	run -1 --separate-stderr "$GTIMEHALT" --replay "$recording" --html "$dir/link"
	[[ $stderr == "gtimehalt: cannot write $dir/link: it exists and is not a regular file" ]]
	draw "$recording"
	[[ $(head -n 1 "$page") == '<!doctype html>' && $(tail -n 1 "$page") == '</html>' ]]
	[[ $(find "$dir" -name '*.new') == '' ]]
}

@test "an hour of 50 VMs with 8 vCPUs in intervals of 10 s is below 2 MB; a day of intervals does not grow with its length" {
	"$BATS_TEST_DIRNAME/fleet.py" --vms 50 --vcpus 8 --intervals 360 --seconds 10 >"$dir/hour"
	draw "$dir/hour"
	[[ $(data | jq '[.ends_ms, .vms, .vms[0].rows | length] | @text') == '"[360,50,8]"' ]]
	(($(stat -c %s "$page") < 2000000))
	"$BATS_TEST_DIRNAME/fleet.py" --vms 3 --vcpus 2 --intervals 8640 --seconds 10 >"$dir/day"
	draw "$dir/day"
	(($(data | jq '.ends_ms | length') <= 720))
	grep -q 'Pictures: intervals joined, up to 16 to one.' "$page"
	(($(stat -c %s "$page") < 150000))
}

@test "a browser runs the script: the pictures and the links are there (skipped without Chromium)" {
	command -v chromium >/dev/null || skip 'chromium is not installed'
	draw "$recording"
	timeout 100 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$dir/profile" --virtual-time-budget=5000 \
		--window-size=1200,4000 --dump-dom "file://$page" >"$dir/dom" 2>"$dir/said"
	run ! grep -i 'uncaught\|CONSOLE' "$dir/said"
	[[ $(grep -o '<canvas' "$dir/dom" | wc -l) == 4 ]]
	[[ $(grep -o '<path' "$dir/dom" | wc -l) -ge 9 ]]
	grep -q '<a href="#vm0">linux</a>' "$dir/dom"
	grep -q '<section id="map">' "$dir/dom"
}
