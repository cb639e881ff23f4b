# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Functions for the tests of guests that change: they run the tool with intervals of one second beside the guests, and
# check what it showed of one process in a span. Loaded after ended.bash.

# watch_begin FILE OPTION...: starts the tool with an interval of one second; it runs until watch_end. Returns after
# the first interval, because several guests that start at once on one CPU would leave the tool no time to calibrate.
watch_begin() {
	local file=$1
	shift
	: >"$file"
	timeout 170 "$GTIMEHALT" -j "$@" 1 >"$file" 2>"$file.err" 3>&- 4>&- &
	watch=$!
	intervals "$file" 1
}

# Does not check stderr: the test knows which warnings to expect.
watch_end() {
	kill -INT "$watch"
	wait "$watch"
	watch=''
}

# intervals FILE N: waits until N more intervals have ended.
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

# serving_begin TOOL OPTION...: starts the gtimehalt-exporter that was built with this gtimehalt. Sets $exporter to its
# PID and $port to its port.
serving_begin() {
	local tries
	"$1-exporter" -v --listen=127.0.0.1:0 "${@:2}" >"$BATS_TEST_TMPDIR/exporter" 2>&1 3>&- 4>&- &
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

# guest_gone PID: waits until the guest has ended, and removes it from the list of guests to end in teardown.
guest_gone() {
	local kept=() pid
	for pid in "${guests[@]}"; do
		[[ $pid == "$1" ]] || kept+=("$pid")
	done
	guests=("${kept[@]}")
	wait "$1" 2>/dev/null || :
}

# part FILE FROM TO PID NAME: prints the intervals of FILE that lie within a span of CLOCK_MONOTONIC, with only this
# process, whose VM is renamed to NAME, as agrees() requires.
part() {
	jq -c --argjson from "$2" --argjson to "$3" --argjson pid "$4" --arg name "$5" '
		select(.start_monotonic_ns >= $from and .end_monotonic_ns <= $to) |
		.vms |= map(select(.pid == $pid) | .name = $name)' "$1"
}

# account NAME VM VCPU FROM TO: prints how many ns the guest was halted in that span by its own account.
account() {
	"$ACCOUNT" "$BATS_TEST_TMPDIR/$1.json" --vm "$2" --vcpu "$3" --from "$4" --to "$5" | jq .halted_ns
}

# pct PART WHOLE: prints the percentage, rounded to two decimals.
pct() {
	jq -n "10000 * $1 / $2 | round / 100"
}

# holds EXPRESSION NAME VALUE...: fails unless this jq expression is true with these variables, which are numbers or
# other JSON.
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

# never_back FILE FILE...: fails if any sum is smaller than in an earlier file. The files are metrics that were
# scraped one after the other.
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
