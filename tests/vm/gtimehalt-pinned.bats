#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A measurement that goes on without a process. Runs in the bed, on every kernel; before Linux 5.15 all that can
# be shown is that it is refused.

bats_require_minimum_version 1.5.0
load helper
# shellcheck source=tests/vm/pinned.bash
load pinned

SPAN_S=${SPAN_S:-20}

# pin OPTION...
pin() {
	"$GTIMEHALT" --pin "$@"
}

link_ids() {
	bpftool -j link show | jq -c 'map(.id)'
}

# entries: how many all processes have.
entries() {
	bpftool -j map dump pinned "$PINNED"/processes | jq 'map(.formatted.value.entry_cnt) | add // 0'
}

# bats test_tags=core-oldest
@test "before Linux 5.15: refused with exit 3, and nothing is left; else it is pinned" {
	if ! is_linux_before 5 15; then
		pin
		[[ -e $PINNED/about ]]
		return
	fi
	run -3 --separate-stderr "$GTIMEHALT" --pin
	# shellcheck disable=SC2154 # set by run
	[[ -z $output && $stderr == *"5.15"* ]]
	[[ ! -e $PINNED ]]
}

# bats test_tags=core
@test "nobody runs: what stat says over a span is what the guest says" {
	local tid from to loaded halted updated shown own
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	pin
	sleep 2
	tid=$(vcpu_tid)
	from=$(stat_of "$tid")
	sleep "$SPAN_S"
	to=$(stat_of "$tid")
	run ! pgrep -x gtimehalt
	guest_end
	read -r loaded halted updated < <(awk '{ printf "%.0f %.0f %.0f\n", $8 - $1, $9 - $2, $14 - $7 }' \
		<<<"$from $to")
	shown=$(jq -n "100 * $halted / $loaded")
	own=$("$ACCOUNT" "$BATS_TEST_TMPDIR/duty.json" --from "${from##* }" --to "${to##* }" --vm 0 \
		--vcpu 0 | jq '100 * .share')
	printf '# stat over %.1f s: %.2f%% halted, by its own account %.2f%%\n' "$(jq -n "$updated / 1e9")" \
		"$shown" "$own" >&3
	near "$shown" "$own" 1.0 "halted share"
	near "$(jq -n "100 * $loaded / $updated")" 100 1.0 "loaded share"
	# In switch mode guest time is not known.
	[[ $(cut -d ' ' -f 3 <<<"$to") == - ]]
}

@test "--pin and --unpin say what they did; a table and JSON say that they read what is pinned" {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	run -0 --separate-stderr "$GTIMEHALT" --pin
	[[ $output == "pinned: all VMs are measured in --mode switch, hook "*"; $PINNED/stat has the figures, --unpin ends it" ]]
	run -0 --separate-stderr "$GTIMEHALT" --pin
	[[ $output == "already pinned: --mode switch, hook "* && -z $stderr ]]
	run -0 "$GTIMEHALT" -d 0.5
	echo "$output"
	[[ $output == *"busy or host "* ]]
	[[ $output == *$'\n# read from what --pin measures: BUSY% and HOST% need --mode entry'* ]]
	[[ $("$GTIMEHALT" -j -d 0.5 | jq '.pinned, .host.busy_ns, .host.cpus' | tr '\n' ' ') == 'true null 2 ' ]]
	run -0 "$GTIMEHALT" -d 0.5 --mode entry
	[[ $output == *BUSY%* && $output != *'--pin'* ]]
	run -0 --separate-stderr "$GTIMEHALT" --unpin
	[[ $output == 'unpinned: the measurement has ended' ]]
}

@test "a line has its ten fields, in order; a VM that ends has none" {
	local line
	guest_start "od (d) name" --busy 30 --pin "$QUIET_CPU"
	pin --mode entry
	sleep 3
	line=$(cat "$PINNED"/stat)
	[[ $line =~ ^${guest:?}\ ([0-9]+)\ \(.*\)\ [0-9]+\ [0-9]+\ [0-9]+\ 0\ [0-9]+\ [0-9]+\ [0-9]+$ ]] || {
		echo "$line"
		return 1
	}
	[[ $(cat "/proc/$guest/task/${BASH_REMATCH[1]}/comm") == "$(sed -E 's/^[^(]*\((.*)\).*/\1/' <<<"$line")" ]]
	guest_end
	sleep 1
	[[ -z $(cat "$PINNED"/stat) ]]
	# Its entry is free again; also where the last of its threads takes the VM down.
	[[ $(entries) == 0 ]]
	guest_start killed --busy 30 --pin "$QUIET_CPU"
	sleep 2
	[[ $(entries) == 1 ]]
	kill -KILL "$guest"
	guest_end
	sleep 1
	[[ $(entries) == 0 ]]
}

# bats test_tags=core
@test "two readers and a screen at once: nothing more is attached, and all say what the guest says" {
	local dir=$BATS_TEST_TMPDIR before own first second tools=()
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	pin --mode entry
	before=$(link_ids)
	script -qec "timeout --foreground 12 $GTIMEHALT --top 1" /dev/null </dev/null >"$dir/top" 2>&1 3>&- &
	tools+=("$!")
	timeout 60 "$GTIMEHALT" -j -d 8 >"$dir/one" 3>&- &
	tools+=("$!")
	timeout 60 "$GTIMEHALT" -v -j -d 8 >"$dir/two" 2>"$dir/two.stderr" 3>&- &
	tools+=("$!")
	sleep 4
	[[ $(link_ids) == "$before" ]]
	wait "${tools[@]}" || :
	grep -q 'pinned measurement' "$dir/two.stderr"
	check_report "$dir/one"
	check_report "$dir/two"
	guest_end
	own=$(own_share "$dir/one" duty)
	first=$(share "$dir/one" duty)
	second=$(share "$dir/two" duty)
	printf '# two readers: %.2f%% and %.2f%% halted, by its own account %.2f%%\n' "$first" "$second" \
		"$own" >&3
	near "$first" "$own" 1.0 "one reader"
	near "$second" "$own" 1.0 "another"
	grep -q duty "$dir/top"
}

@test "a reader that is killed, and one that asks for more than is pinned" {
	local out=$BATS_TEST_TMPDIR/out tool
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	pin
	"$GTIMEHALT" -j 1 >/dev/null 3>&- &
	tool=$!
	sleep 2
	kill -KILL "$tool"
	wait "$tool" || :
	measure "$out" -d 2
	[[ $(jq -r .mode "$out") == switch ]]
	# What is pinned knows no guest time: it is measured apart.
	measure "$out" --mode entry -d 2
	vcpu_of "$out" duty 0 | jq -e '.guest_ns > 0' >/dev/null
	measure "$out" -H -d 2
	# Neither has taken anything away.
	sleep 2
	[[ -n $(stat_of "$(vcpu_tid)") ]]
}

# bats test_tags=core
@test "pinned twice is once; another kind is refused; --unpin leaves nothing, and KVM can be unloaded" {
	local links progs
	links=$(link_ids)
	progs=$(bpftool -j prog show | jq -c 'map(.id)')
	pin
	run -0 --separate-stderr "$GTIMEHALT" --pin
	[[ $output == "already pinned: --mode switch, hook "* && -z $stderr ]]
	run -1 --separate-stderr "$GTIMEHALT" --pin --mode entry
	[[ $stderr == *"--unpin"* ]]
	"$GTIMEHALT" --unpin
	[[ ! -e $PINNED && $(link_ids) == "$links" ]]
	[[ $(bpftool -j prog show | jq -c 'map(.id)') == "$progs" ]]
	[[ $(cat "/sys/module/$KVM_VENDOR/refcnt") == 0 ]]
	rmmod "$KVM_VENDOR" kvm
	modprobe "$KVM_VENDOR"
	run -0 --separate-stderr "$GTIMEHALT" --unpin
	[[ $stderr == *"nothing is pinned"* ]]
}

@test "a reader whose measurement is unpinned says so, and shows no zeros" {
	local out=$BATS_TEST_TMPDIR/out tool ended=0
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	pin
	"$GTIMEHALT" -j 1 >"$out" 2>"$out.stderr" 3>&- &
	tool=$!
	sleep 4
	"$GTIMEHALT" --unpin
	wait "$tool" || ended=$?
	((ended == 1))
	[[ $(cat "$out.stderr") == "gtimehalt: the pinned measurement has ended, because it was unpinned" ]]
	jq -s -e 'length > 1 and all(.vms[0].vcpus[0].halted_ns > 0)' "$out" >/dev/null
}

@test "a group may read it, and nobody else" {
	local as_daemon=(setpriv --reuid 65534 --regid 1 --clear-groups)
	local as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	chmod o+x /sys/fs/bpf
	pin --group daemon
	sleep 2
	[[ $("${as_daemon[@]}" cat "$PINNED"/stat) == "$guest "* ]]
	# Whoever could list the directory could hold the lock on it.
	run ! "${as_daemon[@]}" ls "$PINNED"
	run ! "${as_nobody[@]}" cat "$PINNED"/stat
	# A descriptor of a program would be enough to attach it to any tracepoint of the host.
	[[ $(stat -c %a "$PINNED"/forced_read "$PINNED"/take_accounts "$PINNED"/heartbeat | sort -u) == 600 ]]
	# The tool needs no capability then, for all but the names in /proc.
	"${as_daemon[@]}" --inh-caps=-all --bounding-set=-all "$GTIMEHALT" -j -d 3 >"$BATS_TEST_TMPDIR/out"
	[[ $(jq '.vms[0].pid' "$BATS_TEST_TMPDIR/out") == "$guest" ]]
	jq -e '.vms[0].vcpus[0].halted_ns > 0' "$BATS_TEST_TMPDIR/out" >/dev/null
	chmod o-x /sys/fs/bpf
}

@test "a --renew that waited behind an --unpin starts nothing; a --pin that waited pins again" {
	local links tools=() tool
	links=$(link_ids)
	pin
	flock "$PINNED" sleep 4 3>&- &
	tools+=("$!")
	while flock -n "$PINNED" true; do sleep 0.1; done
	"$GTIMEHALT" --unpin 3>&- &
	tools+=("$!")
	sleep 1
	"$GTIMEHALT" --renew 3>&- &
	tools+=("$!")
	[[ -e $PINNED/about ]]
	for tool in "${tools[@]}"; do wait "$tool"; done
	# Whichever came first.
	[[ ! -e $PINNED && $(link_ids) == "$links" ]]
	"$GTIMEHALT" --pin 3>&- &
	pin
	wait $!
	[[ -e $PINNED/about ]]
	run -0 --separate-stderr "$GTIMEHALT" --renew
	[[ -z $output && -z $stderr ]]
}

@test "in a bpffs that all can write: a stranger's directory is refused, and root's cannot be replaced" {
	local before as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all)
	before=$(stat -c %a /sys/fs/bpf)
	chmod 1777 /sys/fs/bpf
	"${as_nobody[@]}" mkdir "$PINNED"
	run -1 --separate-stderr "$GTIMEHALT" --pin
	[[ $stderr == *"cannot pin: $PINNED is a directory of user 65534"* ]]
	rmdir "$PINNED"
	pin
	run ! "${as_nobody[@]}" mv "$PINNED" /sys/fs/bpf/other
	run ! "${as_nobody[@]}" flock -n "$PINNED" true
	"${as_nobody[@]}" mkdir /sys/fs/bpf/stray
	run -0 --separate-stderr "$GTIMEHALT" --unpin
	[[ -z $stderr && ! -e $PINNED ]]
	rmdir /sys/fs/bpf/stray
	chmod "$before" /sys/fs/bpf
}
