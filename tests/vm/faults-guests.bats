#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guests change while they are measured: VMMs that are killed, stopped and started again, threads that run another
# vCPU. What is shown of them is right for as long as they were there, and of the others all the time. Runs in the bed.
# shellcheck disable=SC2016 # in the expressions that holds() is given, the variables are jq's

bats_require_minimum_version 1.5.0
load helper
load faults
load ended
load guests

# Guests that come and go share a core with the tool.
clamped_max=10

linux_guest=$src/tests/vm/linux-guest
watch='' hog=''

teardown() {
	[[ -z $hog ]] || kill "$hog" 2>/dev/null || :
	[[ ! -d ${EXITS:-} ]] || rmdir "$EXITS"
	[[ -z $watch ]] || kill "$watch" 2>/dev/null || :
	[[ -z ${tool:-} ]] || ! is_running "$tool" || kill -KILL "$tool"
	[[ -z ${exporter:-} ]] || ! is_running "$exporter" || kill -KILL "$exporter"
	[[ ! -e $PINNED ]] || "$GTIMEHALT" --unpin || :
	guest_end
	[[ ! -e $BATS_TEST_TMPDIR/linux-guest ]] || TMPDIR=$BATS_TEST_TMPDIR "$linux_guest/stop" paused
}

# When threads end, by the kernel's own word and the clock of intervals.
EXITS=/sys/kernel/tracing/instances/exits

exits_begin() {
	mkdir "$EXITS"
	echo mono >"$EXITS/trace_clock"
	echo 1 >"$EXITS/events/sched/sched_process_exit/enable"
}

# exit_ns TID
exit_ns() {
	sed -nE "s/^.* ([0-9]+)\\.([0-9]{6}): sched_process_exit: .* pid=$1 .*/\\1\\2000/p" "$EXITS/trace"
}

# kill_in_interval NAME MS OPTION...: a VM is started, lives into its third interval, and is killed up to so many ms later.
kill_in_interval() {
	local name=$1 ms=$2
	shift 2
	guest_start "$name" --pin "$OTHER_CPU" "$@"
	pids[$name]=$guest
	intervals "$out" 2
	sleep_ms $((RANDOM % ms))
	kill -KILL "$guest"
	guest_gone "$guest"
}

killed_in_turn() {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	watch_begin "$out"
	kill_in_interval halting 300 --halts 10000:10
	kill_in_interval spinning 300 --busy 100
	kill_in_interval sleeping 300 --busy 30 --hlt exit
	intervals "$out" 2
	watch_end
	guest_end
}

# last_row NAME: of a VM that was killed, in the interval of its death, and nowhere later; as ns, with the interval.
last_row() {
	jq -e -c -s --argjson pid "${pids[$1]}" '
		map({start: .start_monotonic_ns, end: .end_monotonic_ns, rows: [.vms[] | select(.pid == $pid)]}) |
		(map(.rows != []) | rindex(true)) as $last | .[$last] |
		{start, end, name: .rows[0].name, cnt: (.rows | length)} + .rows[0].vcpus[0]' "$out"
}

# died_right NAME CONDITION: its last row ends at its death, to 5 ms, is in that interval, and where its time went is as
# CONDITION says, of shares of its life in the interval, which is $wall ns. What the machine below takes of this CPU may
# look halted: 10 ms were seen. Between its last KVM_RUN and its end, which takes 25 ms on 5.10, a thread is blocked. A life
# of less than two of its periods says nothing of how it sleeps.
died_right() {
	local row exit_ns
	row=$(last_row "$1") || return
	exit_ns=$(exit_ns "$(jq .tid <<<"$row")")
	holds '$row.name == $name and $row.cnt == 1 and $row.start < $exit and $row.end > $exit and
		($row.start + $row.wall_ns - $exit | fabs) < 5e6' row "$row" name "\"$1\"" exit "$exit_ns"
	jq -e --argjson wall "$(jq .wall_ns <<<"$row")" "map_values(if type == \"number\" then . / \$wall else . end) | $2" \
		<<<"$row" >/dev/null || {
		echo "$1: not $2: $row"
		return 1
	}
	died+="${died:+; }$1 lived for $(jq '.wall_ns / 1e4 | round / 100' <<<"$row") ms of its last interval \
($(jq "($exit_ns - .start) / 1e4 | round / 100" <<<"$row") by the kernel's word), \
$(jq -r '"halted \(100 * .halted_ns / .wall_ns | round)%, busy \(100 * .busy_ns / .wall_ns | round)%, blocked \(
		100 * .blocked_ns / .wall_ns | round)%"' <<<"$row")"
}

# bats test_tags=core-newest
@test "a VMM killed in the middle of an interval" {
	local -A pids=()
	local died=''
	exits_begin
	quietly killed_in_turn
	check_report "$out"
	[[ ! -s $out.err ]]
	died_right halting '.busy_ns < 0.1 and .blocked_ns < 0.05 + 30e6 / $wall'
	died_right spinning '.halted_ns < 0.01 + 15e6 / $wall and .blocked_ns < 0.05 + 30e6 / $wall'
	died_right sleeping '.halted_ns < 0.01 + 15e6 / $wall and ($wall < 200e6 or .blocked_ns > 0.3 and .busy_ns > 0.1)'
	agrees "$out" duty
	[[ $(jq -r '.vms[].name' "$out" | sort -u | paste -s -d ' ') == 'duty halting sleeping spinning' ]]
	fault 'SIGKILL of three VMs, one after the other, seed '"$FAULTS_SEED" \
		'the last row is right up to the death, none follows; others as they say themselves; nothing lost' \
		"$died; duty $agreed"
}

# Nothing else closes the window then, and what KVM noted of the vCPU is another's.
killed_on_a_busy_cpu() {
	local i
	watch_begin "$out"
	nice -n 10 taskset -c "$OTHER_CPU" sh -c 'while :; do :; done' 3>&- 4>&- &
	hog=$!
	kill_in_interval spinning 50 --busy 100
	for ((i = 0; i < 6; i++)); do
		taskset -c "$OTHER_CPU" "$PAYLOAD" --name "heir$i" --ready "$BATS_TEST_TMPDIR/ready$i" \
			--report "$BATS_TEST_TMPDIR/heir$i.json" --seconds 1 --pin "$QUIET_CPU" --busy 10 3>&- 4>&- &
	done
	intervals "$out" 2
	kill "$hog"
	hog=''
	watch_end
}

@test "a VMM killed, whose CPU stays busy, and whose memory other VMs get" {
	local -A pids=()
	local died=''
	exits_begin
	killed_on_a_busy_cpu
	# Six heirs on one CPU wait for it, and a wait is told when it ends: what that clamps is not at stake here.
	jq -c '.vms |= map(select(.name == "spinning"))' "$out" >"$out.spinning"
	check_report "$out.spinning"
	died_right spinning '.halted_ns < 0.01 + 15e6 / $wall and .blocked_ns < 0.05 + 30e6 / $wall and .host_ns < 0.3'
	fault 'SIGKILL, beside a loop on the same CPU; six VMs start at once' 'no time is put down to it after its death' \
		"$died"
}

@test "the only VM that is asked for is killed" {
	local said
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	begin "$GTIMEHALT" -j -p "$guest" 1 60
	until [[ -s $out ]]; do
		is_running "$tool"
		sleep 0.05
	done
	sleep 0.4
	kill -KILL "$guest"
	guest_gone "$guest"
	await_end "$tool"
	said=$(<"$err")
	[[ $ended == 0 && $said == *'the selected VMs or vCPUs have exited' && $(wc -l <"$err") == 1 ]]
	check_report "$out"
	holds '$last.interval_ns > 1e8 and ($last.vms | length) == 1 and ($last.vms[0].total.halted_ns > 1e8)' \
		last "$(tail -n 1 "$out")"
	fault 'SIGKILL, with -p' 'exit 0, a warning; the interval of its end is shown' \
		"status $ended within $took_ms ms: $said; $(wc -l <"$out") intervals"
}

paused_by_signal() {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	watch_begin "$out"
	sleep 0.5
	stopping=$(uptime_ns)
	kill -STOP "$guest"
	stopped=$(uptime_ns)
	intervals "$out" 1
	# One that starts meanwhile has nothing but /proc to go by.
	"$GTIMEHALT" -d 1 >"$BATS_TEST_TMPDIR/table"
	intervals "$out" 1
	continuing=$(uptime_ns)
	kill -CONT "$guest"
	continued=$(uptime_ns)
	intervals "$out" 3
	watch_end
	guest_end
}

@test "a VMM stopped and continued" {
	local stopping stopped continuing continued sums from to own
	quietly paused_by_signal
	check_report "$out"
	# In between, all of it is blocked.
	jq -e -s --argjson from "$stopped" --argjson to "$continued" '
		map(select(.start_monotonic_ns > $from + 2e7 and .end_monotonic_ns < $to) | .vms[0]) |
		length > 0 and all(.idle_in_blocked and (.vcpus[0] | .halted_ns == 0 and .loaded_ns == 0 and
			.blocked_ns > 0.99 * .wall_ns))' "$out" >/dev/null
	grep -q '^# idle in BLOCK% (HLT exits, or paused): duty$' "$BATS_TEST_TMPDIR/table"
	awk '/ vCPU 0/ { seen = 1; exit !($(NF - 5) == 0 && $(NF - 1) > 99) } END { if (!seen) exit 1 }' "$BATS_TEST_TMPDIR/table" || {
		cat "$BATS_TEST_TMPDIR/table"
		return 1
	}
	# Over all, what the guest says of the time before and after; its own account of the pause is its TSC's.
	sums=$(shown_over "$out" duty 0)
	blocked=$(jq -s '[.[].vms[0].vcpus[0].blocked_ns] | add' "$out")
	from=$(jq .from <<<"$sums") to=$(jq .to <<<"$sums")
	own=$(($(account duty 0 0 "$from" "$stopped") + $(account duty 0 0 "$continued" "$to")))
	# The clock is read to 10 ms, and what a signal sets going takes as long again.
	holds '$blocked > $continuing - $stopped - 2e7 and $blocked < $continued - $stopping + 3e7' blocked "$blocked" \
		stopping "$stopping" stopped "$stopped" continuing "$continuing" continued "$continued"
	holds '$own > $s.halted_ns - 0.01 * $s.wall_ns and
		$own < $s.halted_ns + $s.host_ns + $s.wait_ns + 0.01 * $s.wall_ns' s "$sums" own "$own"
	fault 'SIGSTOP and SIGCONT' 'blocked for as long, and not halted; before and after as it says itself' \
		"stopped for $(((continued - stopped) / 1000000)) ms, blocked $(jq -n "$blocked / 1e6 | round") ms, \
halted $(jq -n "$sums.halted_ns / 1e6 | round") ms, by its own account $((own / 1000000)) ms"
}

# qmp COMMAND: QEMU has done it when this returns.
qmp() {
	local line
	printf '{"execute": "%s"}\n' "$1" >&"${QMP[1]}"
	while read -r -t 10 -u "${QMP[0]}" line; do
		[[ $line != *'"return"'* ]] || return 0
	done
	echo "QEMU does not answer $1: $line"
	return 1
}

# guest_clock: sets $clock_ms to what the guest's own clock, which does not go on while it is stopped, says next, and
# $idle_ms to its idle time.
guest_clock() {
	local cnt log=$BATS_TEST_TMPDIR/linux-guest/paused/serial.log
	cnt=$(grep -c '^guest-account' "$log")
	until (($(grep -c '^guest-account' "$log") > cnt)); do
		sleep 0.05
	done
	read -r _ clock_s _ _ idle_ticks < <(tr -d '\r' <"$log" | grep '^guest-account' | tail -n 1)
	clock_ms=$(jq -n "1000 * $clock_s | round") idle_ms=$((10 * idle_ticks))
}

# bats test_tags=parallel
@test "QEMU's stop and cont" {
	local pid from to stopped continued clock_ms idle_ms from_ms from_idle_ms sums blocked guest_ms
	export TMPDIR=$BATS_TEST_TMPDIR
	"$linux_guest/build" "$TMPDIR/initramfs.cpio"
	pid=$("$linux_guest/start" --name paused --smp 1 --busy none --pin "$QUIET_CPU" --seconds 60 --interval 1 \
		--initrd "$TMPDIR/initramfs.cpio" -- -qmp "unix:$TMPDIR/qmp,server=on,wait=off")
	coproc QMP { exec socat - "UNIX-CONNECT:$TMPDIR/qmp" 3>&- 4>&-; }
	qmp qmp_capabilities
	watch_begin "$out" -p "$pid"
	guest_clock
	from_ms=$clock_ms from_idle_ms=$idle_ms from=$(uptime_ns)
	qmp stop
	stopped=$(uptime_ns)
	intervals "$out" 3
	continued=$(uptime_ns)
	qmp cont
	intervals "$out" 2
	guest_clock
	to=$(uptime_ns)
	intervals "$out" 1
	watch_end
	qmp quit
	check_report "$out"
	jq -e -s --argjson from "$stopped" --argjson to "$continued" '
		map(select(.start_monotonic_ns > $from + 2e7 and .end_monotonic_ns < $to) | .vms[0]) |
		length > 0 and all(.idle_in_blocked and (.vcpus[0] | .halted_ns == 0 and .loaded_ns == 0 and
			.blocked_ns > 0.99 * .wall_ns))' "$out" >/dev/null
	sums=$(shown_over "$out" paused 0)
	blocked=$(jq -s '[.[].vms[0].vcpus[0].blocked_ns] | add' "$out")
	guest_ms=$((clock_ms - from_ms))
	echo "stopped $(((continued - stopped) / 1000000)) ms, blocked $blocked; the guest's clock $guest_ms of $(((to - from) / 1000000))"
	# It sleeps for other reasons too, but hardly ever: a device's, and QEMU's own locks.
	holds '($blocked - ($continued - $stopped)) | . > -4e7 and . < 2.5e8' \
		blocked "$blocked" continued "$continued" stopped "$stopped"
	holds '($to - $from - 1e6 * $guest_ms - ($continued - $stopped)) | fabs < 2.5e8' \
		to "$to" from "$from" guest_ms "$guest_ms" continued "$continued" stopped "$stopped"
	# The guest is idle for as much of its time as it is shown to be halted in what was loaded.
	holds '(100 * $s.halted_ns / $s.loaded_ns - 100 * $idle_ms / $guest_ms) | fabs < 8' \
		s "$sums" idle_ms "$((idle_ms - from_idle_ms))" guest_ms "$guest_ms"
	fault "QMP's stop, and cont, to a Linux guest with cpu-pm" 'blocked for as long, and not halted; its own clock stood still as long' \
		"stopped for $(((continued - stopped) / 1000000)) ms, blocked $((blocked / 1000000)) ms; the guest's clock ran for $guest_ms \
of $(((to - from) / 1000000)) ms; halted $(jq -n "$sums | 100 * .halted_ns / .loaded_ns | round")% of loaded, by its own account idle \
$((100 * (idle_ms - from_idle_ms) / guest_ms))%"
}

# turn: one thread runs two VMs, each for 4 s.
turn() {
	guest_start turner --in-turn --vms 2 --busy 20,80 --seconds 4 --pin "$QUIET_CPU"
	wait "$guest"
	guest_gone "$guest"
	intervals "$out" 2
}

turned() {
	watch_begin "$out"
	timeout 170 "$GTIMEHALT" -j --mode switch 1 >"$out.switch" 2>"$out.switch.err" 3>&- 4>&- &
	tool=$!
	until [[ -s $out.switch ]]; do
		is_running "$tool"
		sleep 0.1
	done
	turn
	watch_end
	kill -INT "$tool"
	wait "$tool"
}

turned_pinned() {
	"$GTIMEHALT" --pin
	watch_begin "$out"
	turn
	watch_end
	"$GTIMEHALT" --unpin
}

# turns_right FILE [HOST_SHARE...]: of each of the two VMs that one thread has run, one after the other, in the intervals that are its
# alone; and of all of them, so that nothing is lost of what the first did last. Sets $seen, and $hosts to the share of
# its time in which the host handled exits of each, which switch mode does not know.
turns_right() {
	local file=$1 given=("${@:2}") vm from to own sums lived slack=0.01
	# Where the CPU ticks there are 250 exits a second more, and two tools' programs at each: of what these take, a part
	# is guest mode, as hooks see it.
	[[ -e /sys/devices/system/cpu/nohz_full ]] || slack=0.02
	check_report "$file"
	jq -e -s --argjson tid "$(jq '.vcpus[0].tid' "$BATS_TEST_TMPDIR/turner.json")" '
		all(.[].vms[].vcpus[]; .tid == $tid and .vcpu == 0) and all(.[].vms; length <= 2)' "$file" >/dev/null
	for vm in 0 1; do
		begun[vm]=$(jq ".vcpus[$vm].start_ns" "$BATS_TEST_TMPDIR/turner.json")
		ended_at[vm]=$(jq ".vcpus[$vm].end_ns" "$BATS_TEST_TMPDIR/turner.json")
		part "$file" "${begun[vm]}" "${ended_at[vm]}" "$guest" turner >"$file.$vm"
		sums=$(shown_over "$file.$vm" turner 0)
		from=$(jq .from <<<"$sums") to=$(jq .to <<<"$sums")
		own=$(account turner "$vm" 0 "$from" "$to")
		hosts[vm]=${given[vm]:-$(jq '(.host_ns // 0) / .wall_ns' <<<"$sums")}
		holds '$own > $s.halted_ns - 0.01 * $s.wall_ns and
			$own < $s.halted_ns + $s.wait_ns + ($host + $slack) * $s.wall_ns' s "$sums" own "$own" host "${hosts[vm]}" \
			slack "$slack"
		seen+="VM $((vm + 1)) $(jq -n "$sums | 1000 * .halted_ns / .wall_ns | round / 10")% halted, by its own account $(jq -n \
			"1000 * $own / ($to - $from) | round / 10")%; "
		wholes[vm]=$(account turner "$vm" 0 "${begun[vm]}" "${ended_at[vm]}")
	done
	jq -c '[.start_monotonic_ns, .end_monotonic_ns, (.vms[] | [.instance, (.vcpus[] | .wall_ns, .halted_ns, .loaded_ns, .wait_ns,
		.host_ns)])]' "$file"
	sums=$(jq -s '[.[].vms[].vcpus[]] | {halted: (map(.halted_ns) | add), loaded: (map(.loaded_ns) | add),
		wall: (map(.wall_ns) | add)}' "$file")
	own=$((wholes[0] + wholes[1]))
	lived=$((ended_at[0] - begun[0] + ended_at[1] - begun[1]))
	# Of what comes before and after their duties, little is halted.
	holds '$own > $s.halted - 0.01 * $lived and $own < $s.halted + ([$host_1, $host_2, 0] | max + $slack) * $lived and
		$s.loaded > 0.99 * $lived and $s.loaded < $lived + 15e8' s "$sums" own "$own" lived "$lived" host_1 "${hosts[0]}" \
		host_2 "${hosts[1]}" slack "$slack"
	seen+="both $(jq -n "$sums.halted / 1e6 | round") ms, $((own / 1000000)) ms; "
}

@test "a thread that runs another vCPU" {
	local begun=() ended_at=() wholes=() hosts=() seen=''
	quietly turned
	turns_right "$out"
	turns_right "$out.switch" "${hosts[@]}"
	fault 'a vCPU is closed, and its thread opens another, of another VM; entry and switch mode' \
		'each as it says itself; nothing of the one is lost, or counted to the other' "${seen%; }"
}

@test "a thread that runs another vCPU, in a pinned measurement" {
	local begun=() ended_at=() wholes=() hosts=() seen=''
	can_pin || skip "links of kprobes and timers cannot be pinned before Linux 5.15"
	quietly turned_pinned
	turns_right "$out"
	fault 'the same, with --pin' 'the same' "${seen%; }"
}

# metrics N: a scrape, to a file.
metrics() {
	scrapes+=("$BATS_TEST_TMPDIR/metrics.$1")
	moments+=("$(uptime_ns)")
	exec 9<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&9
	tr -d '\r' <&9 >"${scrapes[-1]}"
	exec 9>&-
}

migrated() {
	scrapes=() moments=()
	guest_start source --name guest=mig --busy 30 --pin "$QUIET_CPU"
	source=$guest
	serving_begin "$GTIMEHALT" 0.2
	watch_begin "$out"
	intervals "$out" 1
	metrics begin
	# Where it migrates to there is a VM that does not run yet; then the one stops, and the other goes on.
	guest_start target --name guest=mig --busy 60 --pin "$QUIET_CPU" --hold
	target=$guest
	intervals "$out" 2
	metrics both
	kill -TERM "$source"
	guest_gone "$source"
	kill -USR1 "$target"
	metrics after
	intervals "$out" 3
	metrics again
	intervals "$out" 1
	metrics end
	watch_end
	serving_end
	guest_end
}

# of FILE PID: the series of the VM of this process.
of() {
	sed -n "s/^gtimehalt_vm_halted_seconds_total{pid=\"$2\",vm=\"mig\"} //p" "$1"
}

# How old what is scraped may be: an interval of the exporter's, and what it may be late by.
LOOK_AGE_NS=350000000

# halted_between FROM TO: ns that both guests say they were halted.
halted_between() {
	echo "$(($(account source 0 0 "$1" "$(jq '.vcpus[0].end_ns' "$BATS_TEST_TMPDIR/source.json")") +
		$(account target 0 0 "$(jq '.vcpus[0].start_ns' "$BATS_TEST_TMPDIR/target.json")" "$2")))"
}

@test "a VM that ends and starts again as another process" {
	local source target port exporter scrapes moments own least most shown seen=''
	quietly migrated
	check_report "$out"
	# Two rows while there are two, each of its own process, and each as it says itself.
	jq -e -s --argjson source "$source" --argjson target "$target" '
		map([.vms[].pid] | sort) | unique == ([[$source], [$source, $target], [$target]] | sort) and
		(first == [$source]) and (last == [$target])' "$out" >/dev/null
	jq -e -s 'all(.[].vms[]; .name == "mig")' "$out" >/dev/null
	for name in source target; do
		part "$out" "$(jq '.vcpus[0].start_ns' "$BATS_TEST_TMPDIR/$name.json")" \
			"$(jq '.vcpus[0].end_ns' "$BATS_TEST_TMPDIR/$name.json")" "${!name}" "$name" >"$out.$name"
		agrees "$out.$name" "$name"
		seen+="$name $agreed; "
	done
	never_back "${scrapes[@]}"
	# Each has a series of its own, which ends with it.
	[[ $(of "${scrapes[0]}" "$source") && ! $(of "${scrapes[0]}" "$target") ]]
	[[ $(of "${scrapes[1]}" "$source") && $(of "${scrapes[1]}" "$target") ]]
	[[ ! $(of "${scrapes[4]}" "$source") && $(of "${scrapes[4]}" "$target") ]]
	# The sum over the host has both: a scrape is of the exporter's last look, which was an interval ago at most.
	own=$(halted_between "${moments[0]}" "${moments[4]}")
	least=$(halted_between "${moments[0]}" "$((moments[4] - LOOK_AGE_NS))")
	most=$(halted_between "$((moments[0] - LOOK_AGE_NS))" "${moments[4]}")
	shown=$(jq -n "1e9 * ($(sed -n 's/^gtimehalt_node_halted_seconds_total //p' "${scrapes[4]}") -
		$(sed -n 's/^gtimehalt_node_halted_seconds_total //p' "${scrapes[0]}"))")
	holds '$shown > 0.98 * $least and $shown < 1.02 * $most' least "$least" shown "$shown" most "$most"
	[[ $ended == 0 ]]
	fault 'SIGTERM of one VM, and another of its name goes on: JSON and an exporter beside' \
		'two rows, two series, each as it says itself; no sum goes back; that of the host has both' \
		"${seen}host halted for $(pct "$shown" 1e11) s, by their own accounts $(pct "$own" 1e11), of looks up to ${LOOK_AGE_NS%??????} ms earlier $(pct "$least" 1e11) to $(pct "$most" 1e11)"
}
