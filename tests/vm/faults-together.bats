#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=parallel
#
# Several of the tool at once: all agree with the guest, none disturbs another, nothing is left. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper
load faults
load ended

# The guests share a core with the tools that start all around them.
clamped_max=10

# many_end: of the runs in $tools, all with 0.
many_end() {
	local pid
	for pid in "${tools[@]}"; do
		wait "$pid" || {
			echo "${what[$pid]}: status $?"
			cat "$BATS_TEST_TMPDIR/${what[$pid]}.err"
			return 1
		}
	done
}

# also NAME OPTION...: one more, in the background.
also() {
	local name=$1
	shift
	"$GTIMEHALT" "$@" >"$BATS_TEST_TMPDIR/$name" 2>"$BATS_TEST_TMPDIR/$name.err" 3>&- 4>&- &
	tools+=("$!")
	what[$!]=$name
}

two_at_once() {
	local -A what=()
	local tools=()
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	also two-entry -j -d 3
	also two-switch -j -d 3 --mode switch
	many_end
	guest_end
}

# compare FILE...: by how much halted is off the guest's own account, and the greatest difference between any two,
# in points of wall time; the first is of entry mode. Sets $seen and $apart.
compare() {
	local file shares=()
	host_pct=$(shown_over "$BATS_TEST_TMPDIR/$1" duty 0 | jq '100 * .host_ns / .wall_ns')
	seen=
	for file; do
		check_report "$BATS_TEST_TMPDIR/$file"
		agrees "$BATS_TEST_TMPDIR/$file" duty
		seen+="${seen:+; }$file: $agreed"
		shares+=("${agreed%%%*}")
	done
	apart=$(printf '%s\n' "${shares[@]}" | jq -s '(max - min) * 100 | round / 100')
	# They do not measure the same periods of 100 ms.
	jq -n -e "$apart < 4" >/dev/null
}

@test "two at once agree" {
	local seen apart
	state_begin
	quietly two_at_once
	compare two-entry two-switch
	nothing_left
	fault 'entry and switch mode at once, 3 s' 'both with 0, and as the guest says; nothing left' \
		"$apart points apart; $seen"
}

ten_at_once() {
	local -A what=()
	local tools=() victims=() port tool script keys name from to loaded halted marks=() left
	local dir=$BATS_TEST_TMPDIR
	rm -f "$dir"/{victim,exporter.err}
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	also entry -j -d 8
	also switch -j -d 8 --mode switch
	also stints -j -H -d 8
	also kprobe -j --hook kprobe -d 8
	also tracepoint -j --hook tracepoint -d 8
	also intervals -j 1 8
	also recorded -j --record "$dir/rec" 0.5 16
	also check --check -d 8
	# Two are killed, one as it starts and one while it measures.
	"$GTIMEHALT" -j 0.2 >/dev/null 2>&1 3>&- 4>&- &
	victims+=("$!")
	"$GTIMEHALT" -H -j 0.2 >"$dir/victim" 2>&1 3>&- 4>&- &
	victims+=("$!")
	top_begin
	out=$dir/exporter err=$dir/exporter.err
	local screen=$tool
	begin "$GTIMEHALT_EXPORTER" -v --listen=127.0.0.1:0
	exporter=$tool
	sleep_ms $((200 + RANDOM % 1000))
	kill -KILL "${victims[0]}"
	until [[ -s $dir/victim ]]; do
		sleep 0.1
	done
	until port=$(sed -n 's,.*listening on 127.0.0.1:,,p' "$err") && [[ -n $port ]]; do
		sleep 0.1
	done
	sleep 1.5
	kill -KILL "${victims[1]}"
	marks+=("$(uptime_ns)")
	from=$(scrape gtimehalt_node_halted_seconds_total gtimehalt_node_loaded_seconds_total)
	many_end
	to=$(scrape gtimehalt_node_halted_seconds_total gtimehalt_node_loaded_seconds_total)
	marks+=("$(uptime_ns)")
	kill -INT "$exporter" "$screen"
	await_end "$exporter"
	((ended == 0))
	top_end
	((ended == 0))
	wait "${victims[@]}" 2>/dev/null || :
	read -r halted loaded < <(awk '{ print $3 - $1, $4 - $2 }' <<<"$from $to")
	exported=$(jq -n "100 * $halted / $loaded | . * 100 | round / 100")
	guest_end
	own=$("$ACCOUNT" "$dir/duty.json" --from "${marks[0]}" --to "${marks[1]}" --vm 0 --vcpu 0 | jq '100 * .share')
}

@test "ten at once, and two more that are killed, agree" {
	local seen apart exported own exporter
	state_begin
	quietly ten_at_once
	compare entry switch stints kprobe tracepoint intervals recorded
	grep -q '^PASS: ' "$BATS_TEST_TMPDIR/check"
	cmp "$BATS_TEST_TMPDIR/recorded" <("$GTIMEHALT" -j --replay "$BATS_TEST_TMPDIR/rec")
	grep -aq duty "$BATS_TEST_TMPDIR/screen"
	bounded "$exported" "$own" "$host_pct" 3 'what the exporter has counted'
	nothing_left
	fault 'entry, switch, -H, kprobe, tracepoint, INTERVAL, --record, --check, --top, gtimehalt-exporter started together; SIGKILL of two' \
		'all with 0, and as the guest says; nothing left' \
		"$apart points apart; exporter $exported%, the guest $(jq -n "$own * 100 | round / 100")%; $seen"
}

pinned_beside() {
	local -A what=()
	local tools=() i
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	also beside --mode entry -j 1 7
	sleep 1.5
	for ((i = 0; i < 2; i++)); do
		"$GTIMEHALT" --pin
		"$GTIMEHALT" --unpin
	done
	many_end
	guest_end
}

@test "one that measures while others pin and unpin" {
	local seen apart
	can_pin || skip "links of kprobes and timers cannot be pinned before Linux 5.15"
	state_begin
	quietly pinned_beside
	compare beside
	nothing_left
	fault '--pin and --unpin, twice, within 7 s of measuring in entry mode' 'as the guest says; nothing left' "$seen"
}
