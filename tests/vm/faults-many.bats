#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=parallel
#
# Many guests: a VM of many vCPUs, more vCPUs than there is room for, and VMs that come and go all the time. Runs in
# the bed.
# shellcheck disable=SC2016 # in the expressions that holds() is given, the variables are jq's

bats_require_minimum_version 1.5.0
load helper
load faults
load ended
load guests

# The tool with room for four vCPUs, made by `make test-programs`.
CROWDED=${CROWDED:-$src/.output/tests/crowded/gtimehalt}

# Guests share a core with the tool.
clamped_max=10

watch=''

teardown() {
	[[ -z $watch ]] || kill "$watch" 2>/dev/null || :
	[[ -z ${tool:-} ]] || ! is_running "$tool" || kill -KILL "$tool"
	[[ -z ${exporter:-} ]] || ! is_running "$exporter" || kill -KILL "$exporter"
	guest_end
}

# follow_run_time PID: twice a second, for it takes time itself, and until it is killed, a line "NS SUM": at what time,
# and for how many ns the scheduler has let its threads called CPU run until then.
follow_run_time() {
	local task files=()
	for task in "/proc/$1/task/"*; do
		[[ $(<"$task/comm") != CPU* ]] || files+=("$task/schedstat")
	done
	while :; do
		printf '%s %s\n' "$(uptime_ns)" "$(cat "${files[@]}" | awk '{ sum += $1 } END { printf "%d", sum }')"
		sleep 0.5
	done
}

# run_between FILE FROM TO: ns by what follow_run_time has written, in a straight line from one to the next.
run_between() {
	jq -n -R -e --argjson from "$2" --argjson to "$3" '
		[inputs | split(" ") | map(tonumber)] as $read |
		def at($t): (first(range(1; $read | length) | select($read[.][0] >= $t)) // error("not read for so long")) as $i |
			$read[$i - 1] as $a | $read[$i] as $b |
			if $a[0] > $t then error("not read so early")
			else $a[1] + ($b[1] - $a[1]) * ($t - $a[0]) / ($b[0] - $a[0]) end;
		at($to) - at($from) | round' "$1"
}

# wide_runs: a VM with 64 vCPUs for five intervals, which go to $out.rest, a table of it, and what the scheduler says.
wide_runs() {
	local cpus i from
	cpus=$(for ((i = 0; i < 64; i++)); do echo $((i % 2)); done | paste -s -d ,)
	# With exits: the emulation does not stand so many that halt without one.
	guest_start wide --vcpus 64 --busy 2 --hlt exit --pin "$cpus" --log-entries 4096 || return
	wide=$guest
	follow_run_time "$wide" >"$BATS_TEST_TMPDIR/run_time" 2>/dev/null 3>&- &
	tool=$!
	watch_begin "$out" -p "$wide" || return
	from=$(wc -l <"$out")
	intervals "$out" 5 || return
	sed -n "$((from + 1)),\$p" "$out" >"$out.rest"
	"$GTIMEHALT" -d 1 >"$BATS_TEST_TMPDIR/table" || return
	for i in "/proc/$wide/task/"*; do
		printf '%s %s\n' "${i##*/}" "$(<"$i/comm")"
	done | jq -R -c 'capture("^(?<tid>[0-9]+) CPU (?<vcpu>[0-9]+)/KVM$") | [.vcpu, .tid] | map(tonumber)' |
		jq -s -c sort >"$BATS_TEST_TMPDIR/threads"
	is_running "$wide"
}

wide_ends() {
	kill "$tool" "$watch" 2>/dev/null || :
	wait "$tool" "$watch" 2>/dev/null || :
	tool='' watch=''
	guest_end
}

# emulation_failed: by the guest's own word. Of 16 such guests that nothing measured, 3 ended by a triple fault,
# KVM_EXIT_SHUTDOWN; some do not begin.
emulation_failed() {
	[[ ! -e $BATS_TEST_TMPDIR/wide.ready ]] || grep -q 'exit reason 8$' "$BATS_TEST_TMPDIR/wide.stderr"
}

@test "a VM with 64 vCPUs on two CPUs" {
	local ran wide sum void
	for ((void = 0; void < VOID_MAX; void++)); do
		! wide_runs || break
		emulation_failed
		wide_ends
		echo '# void: the emulation has failed the guest, measuring again' >&3
	done
	((void < VOID_MAX))
	wide_ends
	# A wait that begins with a wake-up is told when it ends: where an interval ends within it, that has less of it, and
	# the next more than there is, which is clamped. Of all 64 together, few do.
	clamped_max=1000 check_report "$out.rest"
	jq -e -s --argjson max "$clamped_max" 'all(.[].vms[].total; .clamped_ns <= .wall_ns * $max / 1000)' "$out.rest" >/dev/null
	# All are there, under their numbers, and add up.
	jq -e -s --slurpfile threads "$BATS_TEST_TMPDIR/threads" '
		all(.vms | length == 1 and (.[0] | .name == "wide" and
			(.vcpus | map([.vcpu, .tid]) == $threads[0] and length == 64) and
			(.vcpus as $vcpus | [.total | to_entries[] | select(.value | type == "number")] |
				length > 9 and all(. as $sum | ($vcpus | map(.[$sum.key]) | add) == $sum.value))))' "$out" >/dev/null
	# Two CPUs, and no more: and as long as the scheduler let them run.
	jq -e -s 'all(.vms[0].total.loaded_ns <= 2 * .interval_ns)' "$out" >/dev/null
	sum=$(jq -s -c '{from: first.start_monotonic_ns, to: last.end_monotonic_ns, loaded: map(.vms[0].total.loaded_ns) | add}' \
		"$out.rest")
	ran=$(run_between "$BATS_TEST_TMPDIR/run_time" "$(jq .from <<<"$sum")" "$(jq .to <<<"$sum")")
	# Some of it is the way into a sleep, and out of it.
	holds '($ran - $sum.loaded) / ($sum.to - $sum.from) | . > -0.01 and . < 0.06' sum "$sum" ran "$ran"
	# None halts in the guest.
	jq -e -s 'all(.[].vms[0].vcpus[]; .halted_ns < 0.01 * .wall_ns)' "$out" >/dev/null
	# Two headings, for there is the one of the VM.
	[[ $(grep -c '^  vCPU' "$BATS_TEST_TMPDIR/table") == 64 && $(wc -L <"$BATS_TEST_TMPDIR/table") -lt 80 ]] || {
		cat "$BATS_TEST_TMPDIR/table"
		return 1
	}
	fault '64 vCPU threads, half on each of two CPUs, which sleep and wake up ten times a second' \
		'64 rows under KVM'"'"'s numbers, their sums, no more than two CPUs; as the scheduler has it' \
		"$(wc -l <"$out") intervals of 64; loaded for $(jq "1e4 * .loaded / (.to - .from) | round / 100" <<<"$sum")% of a CPU, by the scheduler \
$(jq "1e4 * $ran / (.to - .from) | round / 100" <<<"$sum")%; \
table $(wc -L <"$BATS_TEST_TMPDIR/table") columns wide"
}

crowd_out() {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	serving_begin "$CROWDED" 1
	watch_begin "$out.switch" --mode switch
	tool=$watch
	watch_begin "$out" --mode entry
	guest_start crowd --vcpus 6 --busy 5 --hlt exit --pin "$OTHER_CPU"
	crowd=$guest
	full=$(uptime_ns)
	intervals "$out" 3
	"$CROWDED" -d 1 >"$BATS_TEST_TMPDIR/table"
	refused=$(scrape gtimehalt_map_full_total)
	room=$(uptime_ns)
	kill -TERM "$crowd"
	guest_gone "$crowd"
	guest_start late --busy 20 --hlt exit --pin "$OTHER_CPU"
	late=$guest
	intervals "$out" 4
	watch_end
	kill -INT "$tool"
	wait "$tool"
	serving_end
	guest_end
}

# rest_right FILE [HOST_PCT]: what had room is right to the end, and what had none is not known, and is not 0. HOST_PCT: the
# host's share of the time of the one that halts, where FILE does not know it.
rest_right() {
	local file=$1 host=${2:-0}
	# As check_report, but that there was no room.
	jq -c '.health.map_full = 0' "$file" >"$file.rest"
	check_partial "$file.rest"
	agrees "$file" duty "$(jq -n "1 + $host")"
	jq -e -s '.[0].health.map_full == 0 and (map(.health.map_full) | add) > 0 and
		all(.health | .lost_windows == 0 and .mperf_errors == 0)' "$file" >/dev/null
	# Four there are, one of which is the other VM's.
	jq -e -s --argjson from "$full" --argjson to "$room" '
		map(select(.start_monotonic_ns > $from and .end_monotonic_ns < $to) | .vms[] | select(.name == "crowd")) |
		length > 0 and all(.total.halted_ns == null and .total.loaded_ns == null and
			(.vcpus | length == 6 and (map(select(.loaded_ns != null)) | length == 3 and
				all(.halted_ns < 0.01 * .wall_ns and .blocked_ns > 0.6 * .wall_ns)) and
			(map(select(.loaded_ns == null)) | length == 3 and
				all(.halted_ns == null and .wait_ns == null and .blocked_ns == null and .wall_ns > 0))))' \
		"$file" >/dev/null || {
		jq -c '[.start_monotonic_ns, .health, (.vms[] | .name, (.vcpus[] | [.wall_ns, .halted_ns, .loaded_ns, .blocked_ns]))]' "$file"
		return 1
	}
	# When they have gone there is room again.
	jq -e -s --argjson pid "$late" --argjson to "$room" 'map(select(.interval_ns > 5e8)) | last as $last | $last.health.map_full == 0 and
		($last.vms | map(.name) == ["duty", "late"]) and
		($last.vms[] | select(.pid == $pid) | .vcpus[0] | .halted_ns < 0.01 * .wall_ns and
			.blocked_ns > 0.5 * .wall_ns and .blocked_ns < 0.85 * .wall_ns)' "$file" >/dev/null || {
		tail -n 1 "$file"
		return 1
	}
}

# The identities, where all is known.
check_partial() {
	jq -c '.vms |= map(.vcpus |= map(select(.loaded_ns != null)) | select(.vcpus != []) |
		if .total.loaded_ns == null then .total = .vcpus[0] else . end)' "$1" >"$1.known"
	check_report "$1.known"
}

@test "more vCPUs than there is room for" {
	local full room crowd late refused port exporter seen
	[[ -x $CROWDED ]]
	GTIMEHALT=$CROWDED quietly crowd_out
	rest_right "$out"
	seen="entry mode: $agreed, $(jq -s 'map(.health.map_full) | add' "$out") windows refused"
	rest_right "$out.switch" "$(shown_over "$out" duty 0 | jq '100 * .host_ns / .wall_ns')"
	seen+="; switch mode: $agreed, $(jq -s 'map(.health.map_full) | add' "$out.switch")"
	holds '$refused > 0' refused "$refused"
	# In the one shot, too.
	grep -q '^# windows of vCPUs for which there was no room: [1-9]' "$BATS_TEST_TMPDIR/table"
	grep -q '^# vCPUs that are not measured (no room, or hooks were off): [3-6]$' "$BATS_TEST_TMPDIR/table"
	grep -Eq '^  vCPU [0-9] .* - +- +-' "$BATS_TEST_TMPDIR/table" || {
		cat "$BATS_TEST_TMPDIR/table"
		return 1
	}
	fault 'room for 4 vCPUs (a build of its own), 7 that run; then 2' \
		'counted and shown; those without are null, not 0; the others are right; room is used again' \
		"$seen; metrics ${refused%.*}; table: $(grep 'no room' "$BATS_TEST_TMPDIR/table" | paste -s -d ,)"
}

VMS=100
AT_ONCE=4

# ready_ns NAME: when a guest was, by its file; to a tick.
ready_ns() {
	local now=${EPOCHREALTIME/./} up at
	up=$(uptime_ns)
	at=$(stat -c %.9Y "$BATS_TEST_TMPDIR/$1.ready")
	echo $((up - now * 1000 + ${at/./} + 10000000))
}

# end_oldest: it is killed 0.3 s after it is known to be ready, and a line of its life written.
end_oldest() {
	local name=${names[0]} pid=${pids[0]} ready killed
	until [[ -e $BATS_TEST_TMPDIR/$name.ready ]]; do
		is_running "$pid"
		sleep 0.02
	done
	ready=$(ready_ns "$name")
	sleep 0.3
	killed=$(uptime_ns)
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || :
	printf '{"name":"%s","pid":%d,"ready":%d,"killed":%d,"gone":%d}\n' "$name" "$pid" "$ready" "$killed" \
		"$(uptime_ns)" >>"$lives"
	names=("${names[@]:1}")
	pids=("${pids[@]:1}")
}

# entries_cnt: of each map of vCPUs that there is, sorted.
entries_cnt() {
	local id
	for id in $(bpftool -j map show | jq '.[] | select(.name == "processes") | .id'); do
		bpftool -j map dump id "$id" | jq 'map(.formatted.value.entry_cnt) | add // 0'
	done | sort -n | paste -s -d ' '
}

# exporter_state: its descriptors, of a snapshot not among them, and the KiB of its memory.
exporter_state() {
	local i
	printf '%s %s\n' "$(for ((i = 0; i < 5; i++)); do find "/proc/$exporter/fd" -mindepth 1 | wc -l; done | sort -n | head -n 1)" \
		"$(awk '/^VmRSS/ { print $2 }' "/proc/$exporter/status")"
}

many() {
	local names=() pids=() i
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	serving_begin "$GTIMEHALT" 1
	watch_begin "$out"
	scrape gtimehalt_node_halted_seconds_total >/dev/null
	entries=$(entries_cnt)
	: >"$lives"
	rm -f "$BATS_TEST_TMPDIR"/vm*.ready
	for ((i = 1; i <= VMS; i++)); do
		"$PAYLOAD" --name "vm$i" --ready "$BATS_TEST_TMPDIR/vm$i.ready" --report /dev/null --seconds 60 --busy 20 \
			--hlt exit --log-entries 64 --pin "$OTHER_CPU" 2>/dev/null 3>&- 4>&- &
		pids+=("$!")
		names+=("vm$i")
		guests+=("$!")
		((${#names[@]} < AT_ONCE)) || end_oldest
		((i % 20)) || scrape gtimehalt_node_halted_seconds_total >/dev/null
		((i != 20)) || warm=$(exporter_state)
	done
	while ((${#names[@]})); do
		end_oldest
	done
	intervals "$out" 2
	# What has ended is kept for five minutes.
	for ((i = 0; i < 320; i++)); do
		read -r series lost <<<"$(scrape gtimehalt_vm_info gtimehalt_lost_windows_total)"
		[[ $series != 1.000000000 ]] || break
		sleep 1
	done
	state=$(exporter_state)
	entries_then=$(entries_cnt)
	watch_end
	serving_end
	guest_end
}

@test "100 VMs started and killed, one after the other" {
	local exporter port entries entries_then warm state series lost lives=$BATS_TEST_TMPDIR/lives seen crossed
	STOLEN_MAX=3 quietly many
	# Of a VM in its first interval the wait may not be known, and of one in its last milliseconds clamps are no share.
	jq -c '.vms |= map(.vcpus |= map(select(.wait_ns != null and .wall_ns > 1e8)) | select(.vcpus != []))' "$out" >"$out.long"
	check_report "$out.long"
	agrees "$out" duty
	[[ $(wc -l <"$lives") == "$VMS" && $ended == 0 ]]
	# Who lived at an edge is in the interval that ends there, by name; who had gone before one is not in it.
	crossed=$(jq -n --slurpfile lives "$lives" --slurpfile shown "$out" '
		[$lives[] as $vm | $shown[] | select(.end_monotonic_ns > $vm.ready and .end_monotonic_ns < $vm.killed - 2e8) |
			{$vm, ok: any(.vms[]; .name == $vm.name and .pid == $vm.pid)}] |
		if all(.ok) then length else error("not shown: \(map(select(.ok | not)))") end')
	jq -n -e --slurpfile lives "$lives" --slurpfile shown "$out" '
		[$shown[] | .start_monotonic_ns as $start | .vms[] | .pid as $pid | $lives[] | select(.pid == $pid) |
			.gone > $start] | all' >/dev/null
	((crossed > 10))
	echo "entries $entries, then $entries_then; exporter $warm, then $state; $series series of VMs, $lost lost"
	[[ $entries == '1 1' && $entries_then == '1 1' ]]
	holds '$series == 1 and $lost == 0' series "$series" lost "$lost"
	[[ ${state% *} == "${warm% *}" ]]
	holds '$end - $begin <= 256' begin "${warm#* }" end "${state#* }"
	fault "$VMS VMs, $AT_ONCE at a time, SIGKILL 0.3 s after they were ready; an exporter beside" \
		'the others as they say themselves; who lived at an edge is shown; entries, descriptors, memory as before' \
		"$crossed lives across an edge, all shown; entries of two maps $entries, then $entries_then; the exporter's descriptors \
and KiB $warm, after 20 VMs, then $state; $(jq -r '.vms[] | select(.name == "?") | .pid' "$out" | wc -l) rows without a name; $agreed"
}
