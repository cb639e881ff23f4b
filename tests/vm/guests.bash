# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# What the tests of guests that change share: the tool at intervals of a second beside them, and what it has shown of
# one process in a span. Loaded behind ended.bash.

# watch_begin FILE OPTION...: the tool, an interval a second, until watch_end; its first interval has ended then. Those
# that start at once on one CPU find none of it left to calibrate on.
watch_begin() {
	local file=$1
	shift
	: >"$file"
	timeout 170 "$GTIMEHALT" -j "$@" 1 >"$file" 2>"$file.err" 3>&- 4>&- &
	watch=$!
	intervals "$file" 1
}

# Nothing but warnings that a test expects may be on its stderr: that is left to the test.
watch_end() {
	kill -INT "$watch"
	wait "$watch"
	watch=''
}

# intervals FILE N: waits until so many more intervals have ended.
intervals() {
	local tries lines want
	lines=$(wc -l <"$1")
	want=$((lines + $2))
	for ((tries = 0; tries < 600; tries++)); do
		((lines < want)) || return 0
		is_running "$watch" || break
		sleep 0.05
		lines=$(wc -l <"$1")
	done
	echo "the tool has ended, or no interval has for 30 s"
	cat "$1.err"
	return 1
}

# serving_begin PROGRAM OPTION...: a gtimehalt that serves; $exporter is its process, $port where it listens.
serving_begin() {
	local tries
	"$1" -v --exporter=127.0.0.1:0 "${@:2}" >"$BATS_TEST_TMPDIR/exporter" 2>&1 3>&- 4>&- &
	exporter=$!
	for ((tries = 0; tries < 300; tries++)); do
		port=$(sed -n 's,.*listening on 127.0.0.1:,,p' "$BATS_TEST_TMPDIR/exporter")
		[[ -z $port ]] || return 0
		is_running "$exporter" || break
		sleep 0.1
	done
	cat "$BATS_TEST_TMPDIR/exporter"
	return 1
}

serving_end() {
	kill -INT "$exporter"
	await_end "$exporter"
	exporter=''
}

# guest_gone PID: takes it off the list of those that are to be ended, once it has.
guest_gone() {
	local kept=() pid
	for pid in "${guests[@]}"; do
		[[ $pid == "$1" ]] || kept+=("$pid")
	done
	guests=("${kept[@]}")
	wait "$1" 2>/dev/null || :
}

# part FILE FROM TO PID NAME: the intervals of FILE that lie within a span of CLOCK_MONOTONIC, of one process alone,
# whose VM is then called NAME: what agrees() takes.
part() {
	jq -c --argjson from "$2" --argjson to "$3" --argjson pid "$4" --arg name "$5" '
		select(.start_monotonic_ns >= $from and .end_monotonic_ns <= $to) |
		.vms |= map(select(.pid == $pid) | .name = $name)' "$1"
}

# account NAME VM VCPU FROM TO: ns that the guest says it was halted in that span.
account() {
	"$ACCOUNT" "$BATS_TEST_TMPDIR/$1.json" --vm "$2" --vcpu "$3" --from "$4" --to "$5" | jq .halted_ns
}

# pct PART WHOLE
pct() {
	jq -n "10000 * $1 / $2 | round / 100"
}

# holds EXPRESSION NAME VALUE...: of jq, with these as numbers, or other JSON.
holds() {
	local expression=$1 args=()
	shift
	while (($#)); do
		args+=(--argjson "$1" "$2")
		shift 2
	done
	jq -n -e "${args[@]}" "$expression" >/dev/null || {
		echo "does not hold: $(tr -s '[:space:]' ' ' <<<"$expression")"
		jq -n -c "${args[@]}" '$ARGS.named | to_entries | sort_by(.value | tojson | length)[] | {(.key): .value}'
		return 1
	}
}

# never_back FILE FILE...: of metrics, as scraped one after the other: no sum of a series is less than it was.
never_back() {
	awk 'FNR == 1 { file++ }
		/^#/ || !match($0, /[^ ]+$/) { next }
		{
			series = substr($0, 1, RSTART - 2)
			value = substr($0, RSTART)
		}
		series !~ /^[a-z_]+(_total|_sum|_count|_bucket)(\{|$)/ { next }
		series in last && value + 0 < last[series] + 0 {
			print series " went from " last[series] " to " value " in file " file
			bad = 1
		}
		{ last[series] = value; seen++ }
		END { exit bad || !seen }' "$@"
}
