#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=parallel
#
# The tool is ended by signals, at moments drawn by lot: while it starts, measures, prints and ends. Runs in the bed.
# FAULTS_SEED=N repeats what was drawn.

bats_require_minimum_version 1.5.0
load helper
load faults
load ended

# The guests share a core with the tools that start all around them.
clamped_max=10

# by_lot N CHECK COMMAND...: ends it by each signal at N moments; CHECK SIGNAL looks at each run.
by_lot() {
	local cnt=$1 check=$2 signal i
	shift 2
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	users=$(<"/sys/module/$KVM_VENDOR/refcnt")
	state_begin
	for signal in "${signals[@]}"; do
		for ((i = 0; i < cnt; i++)); do
			draw "$i" "$cnt"
			end_at "$signal" "$ms" "$@"
			"$check" "$signal"
			nothing_runs
		done
	done
	nothing_left
}

# ended_caught SIGNAL: the run has ended with 0 by one that it could catch, and is to have printed.
ended_caught() {
	[[ $ended == 0 && $is_early == no && $1 != KILL && $1 != QUIT ]]
}

check_table() {
	ended_by "$1"
	# A heading, the VM, its vCPU, and notes; or nothing.
	ended_caught "$1" || [[ -s $out ]] || return 0
	[[ $(wc -l <"$out") -ge 3 && $(grep -v '^# ' "$out" | tail -n 1) == '  vCPU 0 '* ]] || {
		cat "$out"
		return 1
	}
}

# bats test_tags=core
@test "one shot, ended at any moment" {
	by_lot 2 check_table "$GTIMEHALT" -d 1
	tell 'status 0 and the part that was measured, or the signal'"'"'s own end before it had begun'
}

check_objects() {
	ended_by "$1"
	! ended_caught "$1" || objects_whole "$out"
	[[ ! -s $out ]] || objects_whole "$out"
}

@test "intervals as JSON, ended at any moment" {
	by_lot 2 check_objects "$GTIMEHALT" -j 0.05
	tell 'whole objects, one a line, and status 0'
}

# What is in the recording is what was printed, but for the last interval of one that was killed between the two.
check_recording() {
	local record=$BATS_TEST_TMPDIR/record cnt
	check_objects "$1"
	[[ -s $record ]] || return 0
	"$GTIMEHALT" -j --replay "$record" >"$record.out" 2>"$record.err" || :
	if ended_caught "$1"; then
		cmp "$out" "$record.out"
	else
		cnt=$(wc -l <"$out")
		(($(wc -l <"$record.out") - cnt <= 1))
		cmp <(head -n "$cnt" "$record.out") "$out"
	fi
	rm -f "$record"
}

@test "a recording, ended at any moment" {
	by_lot 2 check_recording "$GTIMEHALT" -j --record "$BATS_TEST_TMPDIR/record" 0.05
	tell 'what is replayed is what was printed'
}

check_check() {
	ended_by "$1"
	! ended_caught "$1" || grep -q '^PASS: ' "$out"
	! grep -B 12 '^FAIL' "$out" || return 1
}

@test "--check, ended at any moment" {
	by_lot 2 check_check "$GTIMEHALT" --check 0.1
	tell 'sums that close, also over what is left of an interval'
}

@test "the exporter and its helper, ended at any moment" {
	local stats
	all_but HUP
	by_lot 2 ended_by "$GTIMEHALT_EXPORTER" --listen=127.0.0.1:0 --bpf-stats
	# Whether the kernel still times programs: one that runs says so.
	begin "$GTIMEHALT" -j 60
	sleep 2.5
	stats=$(bpftool -j prog show | jq 'map(.run_cnt // 0) | add')
	kill "$tool"
	await_end "$tool"
	((stats == 0))
	tell 'status 0; its helper ends with it' 'runs of programs that the kernel counts afterwards: '"$stats"
}

@test "the exporter: SIGHUP is no end, and its helper is killed, stopped, or asked to end with it" {
	local signal helper hups=0 i refused=0 alone=0 stopped_ms both_ms
	users=$(<"/sys/module/$KVM_VENDOR/refcnt")
	state_begin
	exporter_begin
	for ((i = 0; i < 3; i++)); do
		kill -HUP "$tool"
		sleep 0.2
		[[ $(scrape gtimehalt_info) == 1.* ]]
	done
	hups=$(grep -c SIGHUP "$err")
	((hups == 3))
	# As systemd ends a unit: all of its processes at once.
	kill -TERM "$(pgrep -P "$tool")" "$tool"
	await_end "$tool"
	both_ms=$took_ms
	((ended == 0))
	exporter_begin
	helper=$(pgrep -P "$tool")
	kill -STOP "$helper"
	kill -TERM "$tool"
	await_end "$tool"
	stopped_ms=$took_ms
	((ended == 0))
	nothing_runs
	# While it is started, or later.
	for ((i = 0; i < 5; i++)); do
		begin "$GTIMEHALT_EXPORTER" --listen=127.0.0.1:0
		until helper=$(pgrep -P "$tool") || ! is_running "$tool"; do
			:
		done
		sleep_ms $((i ? RANDOM % 300 * i : 0))
		kill -KILL "$helper"
		sleep 1
		is_running "$tool" && alone=$((alone + 1)) || refused=$((refused + 1))
		kill -TERM "$tool" 2>/dev/null || :
		await_end "$tool"
		sed -i '/warning: no VM is running$/d' "$err"
		case $ended in
		0) [[ ! -s $err ]] ;;
		*) [[ $ended == 1 && $(<"$err") == "gtimehalt: cannot start the process that opens MPERF"* &&
			$(wc -l <"$err") == 1 ]] ;;
		esac
		nothing_runs
	done
	nothing_left
	fault "SIGHUP; SIGTERM to both; SIGSTOP to the helper, SIGTERM to the exporter; SIGKILL to the helper at 5 moments" \
		'SIGHUP: it goes on; else an end with 0, or with 1 and a line when the helper dies while it starts' \
		"$hups of 3 reloads; both ended in $both_ms ms; past one that is stopped in $stopped_ms ms; without a helper \
$alone went on, $refused ended with 1; nothing left"
}

# How often the terminal was switched to its other screen, and back; it is "0" where they are equal.
screens_open() {
	local on off
	on=$(grep -ao $'\e\\[?1049h' "$BATS_TEST_TMPDIR/screen" | wc -l)
	off=$(grep -ao $'\e\\[?1049l' "$BATS_TEST_TMPDIR/screen" | wc -l)
	echo $((on - off))
}

# top_by_lot SIGNAL MS
top_by_lot() {
	local dir=$BATS_TEST_TMPDIR
	top_begin
	sleep_ms "$2"
	kill "-$1" "$tool"
	top_end
	((++runs))
	: >"$out"
	: >"$err"
	echo "$1 at $2 ms: status $ended, $took_ms ms later"
	# Here SIGQUIT is caught too, by which it would have been done before.
	ended_by "${1/QUIT/TERM}" || [[ $1:$ended == QUIT:131 ]]
	nothing_runs
	[[ $1 != KILL ]] || return 0
	diff "$dir/before" "$dir/after"
	[[ $(screens_open) == 0 ]]
	! grep -q $'\e\\[?1049h' "$dir/screen" || ((++shown))
}

# The terminal itself goes.
top_hung_up() {
	top_begin
	sleep_ms "$1"
	kill -KILL "$script"
	wait "$script" 2>/dev/null || :
	exec {keys}>&-
	nothing_runs
}

@test "the full screen, ended at any moment: the terminal is as it was" {
	local signal i shown=0 hung_up=0
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	users=$(<"/sys/module/$KVM_VENDOR/refcnt")
	state_begin
	for signal in "${signals[@]}"; do
		for ((i = 0; i < 2; i++)); do
			draw "$i" 2
			top_by_lot "$signal" "$ms"
		done
	done
	for ((i = 0; i < 2; i++)); do
		draw 1 2
		top_hung_up "$ms"
		((++hung_up))
	done
	nothing_left
	tell 'status 0, stty -a as before, the first screen is shown again; SIGKILL cannot be caught' \
		"$shown had a screen and left it as it was, $hung_up ended with their terminal"
}

# half_pinned: links are there, and nobody can read. A directory without any is that of a --pin that has just begun.
half_pinned() {
	[[ ! -e $PINNED/about && -n $(find "$PINNED" -type f 2>/dev/null) ]]
}

# end_when SIGNAL PATH: ends $tool as soon as that is there, from the CPU on which it does not run.
end_when() {
	# shellcheck disable=SC2016 # for the inner shell
	taskset -c "$QUIET_CPU" bash -c 'until [[ -e $1 || ! -e /proc/$2 ]]; do :; done; kill "-$3" "$2"' - \
		"$2" "$tool" "$1" 2>/dev/null || :
	await_end "$tool"
	((++runs))
	echo "$1 when there was $2: status $ended"
}

# Who comes next says what was left, and removes it; but who only measures leaves it there.
half_is_told() {
	"$GTIMEHALT" -d 0.1 >"$out" 2>"$err"
	grep -q 'has left programs running in .*remove them with --unpin' "$err"
	half_pinned
	if (($1 % 2)); then
		"$GTIMEHALT" --pin 2>"$err"
		grep -q 'had left part of a measurement in .*: removed' "$err"
		[[ -e $PINNED/about && -r $PINNED/stat ]]
	fi
	"$GTIMEHALT" --unpin
	((++told))
}

# pinned_is_whole SIGNAL I: after a --pin that it has ended; or there is nothing, or SIGKILL has left a half.
pinned_is_whole() {
	ended_by "$1"
	if half_pinned; then
		[[ $1 == KILL ]]
		((++half))
		half_is_told "$2"
	elif [[ -e $PINNED/about ]]; then
		[[ $ended == 0 || $1 == KILL ]]
		((++whole))
		cat "$PINNED/stat" >/dev/null
		"$GTIMEHALT" --unpin
	else
		[[ $ended != 0 ]]
		((++nothing))
		[[ ! -e $PINNED ]] || {
			[[ $1 == KILL ]]
			"$GTIMEHALT" --unpin
		}
	fi
	[[ ! -e $PINNED ]]
	nothing_runs
}

# What ends an --unpin ends it when all is removed; when it is killed, the next one goes on with it.
unpin_by() {
	"$GTIMEHALT" --pin
	begin "$GTIMEHALT" --unpin
	until [[ ! -e $PINNED/about ]]; do
		:
	done
	kill "-$1" "$tool" 2>/dev/null || :
	await_end "$tool"
	ended_by "$1"
	if [[ -e $PINNED ]]; then
		[[ $1 == KILL ]]
		"$GTIMEHALT" --unpin
	fi
	((++unpinned))
}

@test "--pin and --unpin, ended at any moment: all of it, nothing, or what the next one removes" {
	local signal i whole=0 half=0 nothing=0 unpinned=0 told=0 SPAN_MS=1300
	can_pin || skip "links of kprobes and timers cannot be pinned before Linux 5.15"
	state_begin
	users=$(<"/sys/module/$KVM_VENDOR/refcnt")
	for signal in "${signals[@]}"; do
		for ((i = 0; i < 2; i++)); do
			draw "$i" 2
			end_at "$signal" "$ms" "$GTIMEHALT" --pin
			pinned_is_whole "$signal" "$i"
		done
		# In the middle of it.
		for i in links links/beat-0; do
			begin "$GTIMEHALT" --pin
			end_when "$signal" "$PINNED/$i"
			pinned_is_whole "$signal" ${#i}
		done
		unpin_by "$signal"
	done
	nothing_left
	modprobe -r "$KVM_VENDOR" kvm
	modprobe "$KVM_VENDOR"
	((half > 0 && told == half))
	tell 'pinned whole, or nothing; half of it by SIGKILL only, which the next run tells of and removes' \
		"pinned $whole, nothing $nothing, half $half and told $told times; $unpinned times --unpin"
}

# KVM comes while it waits, or does not.
wait_by_lot() {
	local loading=
	modprobe -r "$KVM_VENDOR" kvm
	if ((runs % 2)); then
		{
			sleep_ms $((RANDOM % 1000))
			modprobe "$KVM_VENDOR"
		} 3>&- 4>&- &
		loading=$!
		((++loaded))
	fi
	end_at "$1" "$2" "$GTIMEHALT" --wait -j 0.1
	if [[ -n $loading ]]; then
		wait "$loading"
	else
		modprobe "$KVM_VENDOR"
	fi
	sed -i '/warning: no VM is running$/d' "$err"
	ended_by "$1"
	[[ ! -s $out ]] || objects_whole "$out"
	nothing_runs
}

@test "--wait, ended at any moment, while KVM is loaded" {
	local signal loaded=0
	state_begin
	users=0
	for signal in "${signals[@]}"; do
		draw $((RANDOM % 2)) 2
		wait_by_lot "$signal" "$ms"
	done
	modprobe -r "$KVM_VENDOR" kvm
	modprobe "$KVM_VENDOR"
	nothing_left
	tell 'status 0; KVM can be unloaded' "KVM came within $loaded of them, and could be unloaded after each"
}

# cut_short NAME SIGNAL LENGTH FORM...: a run of an hour is ended after some two seconds of measuring, twice, and what it has
# printed is what it has recorded.
cut_short() {
	local dir=$BATS_TEST_TMPDIR name=$1 signal=$2 length=$3 started begun killed over
	shift 3
	out=$dir/$name.out err=$dir/$name.err
	rm -f "$dir/$name.rec"
	started=$(uptime_ns)
	# shellcheck disable=SC2086 # an option and its value, or INTERVAL
	begin "$GTIMEHALT" "$@" --record "$dir/$name.rec" $length
	until [[ -s $dir/$name.rec ]]; do
		sleep 0.05
	done
	begun=$(uptime_ns)
	sleep_ms $((2000 + RANDOM % 700))
	killed=$(uptime_ns)
	kill "-$signal" "$tool"
	kill "-$signal" "$tool" 2>/dev/null || :
	sleep_ms $((RANDOM % 40))
	kill -INT "$tool" 2>/dev/null || :
	await_end "$tool"
	over=$(uptime_ns)
	((ended == 0))
	[[ ! -s $err ]]
	"$GTIMEHALT" "$@" --replay "$dir/$name.rec" >"$dir/$name.replayed"
	cmp "$out" "$dir/$name.replayed"
	"$GTIMEHALT" -j --replay "$dir/$name.rec" >"$dir/$name"
	# It begins with the first line, ends when it was ended, and has no gap.
	jq -e -s --argjson started "$started" --argjson begun "$begun" --argjson killed "$killed" --argjson over "$over" '
		. as $all | def tick: 1e7;
		first.start_monotonic_ns >= $started and first.start_monotonic_ns <= $begun + tick and
		last.end_monotonic_ns >= $killed and last.end_monotonic_ns <= $over + tick and
		all(.interval_ns == .end_monotonic_ns - .start_monotonic_ns) and
		([range(1; length)] | all($all[.].start_monotonic_ns == $all[. - 1].end_monotonic_ns))' \
		"$dir/$name" >/dev/null || {
		jq -c '{interval_ns, start_monotonic_ns, end_monotonic_ns}' "$dir/$name"
		echo "started $started begun $begun killed $killed over $over"
		return 1
	}
}

cut_all_short() {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	cut_short table INT '-d 3600'
	cut_short json TERM '-d 3600' -j
	cut_short csv HUP '-d 3600' --csv -L
	cut_short intervals INT 1 -j
	cut_short histogram TERM 1 -H
	guest_end
}

@test "the last interval, cut short: printed, recorded, and true" {
	local name seen='' last
	quietly cut_all_short
	for name in table json csv intervals histogram; do
		agrees "$BATS_TEST_TMPDIR/$name" duty
		last=$(jq -s 'last.interval_ns / 1e6 | floor' "$BATS_TEST_TMPDIR/$name")
		seen+="${seen:+; }$name: last $last ms, $agreed"
	done
	fault 'SIGINT, SIGTERM, SIGHUP, each followed by two more, in -d 3600, -j, --csv, INTERVAL, -H, with --record' \
		'status 0; the last interval as long as it was, and halted as the guest says' "$seen"
}

@test "nohup: a hangup does not end a run" {
	local lines
	state_begin
	begin nohup "$GTIMEHALT" -j 0.2
	until [[ -s $out ]]; do
		sleep 0.05
	done
	kill -HUP "$tool"
	lines=$(wc -l <"$out")
	sleep 1
	is_running "$tool"
	lines=$(($(wc -l <"$out") - lines))
	((lines >= 2))
	kill -TERM "$tool"
	await_end "$tool"
	((ended == 0))
	nothing_left
	fault 'SIGHUP to a run that nohup has started' 'it goes on' "$lines intervals in the second after it"
}
