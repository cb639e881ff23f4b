#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Filters, views and forms, live on two guests: each shows the same VMs as the others do. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper

# vCPU 0 of "pair" shares its CPU with the tool and with "sleeper": its shares wander.
clamped_max=10

# Points by which two measurements, one after the other, may differ. Accuracy is held elsewhere, when the
# machine is quiet; here 30 % halted (vCPU 1 of "pair") is told from 80 % (vCPU 0) and 0 % ("sleeper").
AGREEMENT=15

# Five shares, each rounded to 0.1.
ROUNDING=0.25

# The plugin's MPERF counts as TSC does. Measuring that takes a quiet CPU, which nothing here needs.
tool() {
	timeout 120 "$GTIMEHALT" --mperf-ratio 1 "$@"
}

json() {
	local file=$1
	shift
	tool -j "$@" >"$file"
	check_report "$file"
}

# start NAME OPTION...: a guest for all tests of this file.
start() {
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_start "$@" --seconds 1800 >/dev/null
}

# "pair" halts in guest mode, its vCPU 0 most of the time and its vCPU 1 a little; "sleeper" cannot.
setup_file() {
	export all=$BATS_FILE_TMPDIR/all pair sleeper pair_tid sleeper_tid
	start pair --vcpus 2 --busy 20,70 --pin "$OTHER_CPU,$QUIET_CPU"
	pair=$guest
	start sleeper --busy 10 --hlt exit --pin "$OTHER_CPU"
	sleeper=$guest
	json "$all" -d 2
	pair_tid=$(vcpu_of "$all" pair 1 | jq .tid)
	sleeper_tid=$(vcpu_of "$all" sleeper 0 | jq .tid)
}

teardown_file() {
	kill "$pair" "$sleeper" || :
}

setup() {
	dir=$BATS_TEST_TMPDIR
}

# shown FILE: VMs with their vCPUs, in brief.
shown() {
	jq -c -s '.[0].vms | map([.name, (.vcpus | map(.vcpu))])' "$1"
}

halted_share() {
	vcpu_of "$1" pair 1 | jq '100 * .halted_ns / .wall_ns'
}

# chosen EXPECTED OPTION...
chosen() {
	local expected=$1
	shift
	json "$dir/chosen" -d 1 "$@"
	[[ $(shown "$dir/chosen") == "$expected" ]] || {
		printf '%s: %s, not %s\n' "$*" "$(shown "$dir/chosen")" "$expected"
		return 1
	}
	# A VM is the sum of what is shown of it.
	jq -e -s '.[0].vms | all(.total.wall_ns == (.vcpus | map(.wall_ns) | add) and
		.total.halted_ns == (.vcpus | map(.halted_ns) | add))' "$dir/chosen" >/dev/null
}

# absent PATTERN OPTION...: one line on stderr, nothing on stdout, exit 1.
absent() {
	local pattern=$1
	shift
	run -1 --separate-stderr tool -d 1 "$@"
	# shellcheck disable=SC2154 # set by run
	[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "gtimehalt: "$pattern ]] || {
		printf '%s: %s\n' "$*" "$stderr"
		return 1
	}
}

@test "every filter chooses the same vCPU, and what it shows is the same" {
	[[ $(shown "$all") == '[["pair",[0,1]],["sleeper",[0]]]' ]]
	chosen '[["pair",[1]]]' -t "$pair_tid"
	near "$(halted_share "$dir/chosen")" "$(halted_share "$all")" "$AGREEMENT" "with -t"
	chosen '[["pair",[1]]]' -g 'pa*' --vcpu 1
	near "$(halted_share "$dir/chosen")" "$(halted_share "$all")" "$AGREEMENT" "with -g, --vcpu"
	chosen '[["pair",[1]]]' -p "$pair" --vcpu 1
	near "$(halted_share "$dir/chosen")" "$(halted_share "$all")" "$AGREEMENT" "with -p, --vcpu"
	chosen '[["pair",[0,1]]]' -g pair
	chosen '[["pair",[0]],["sleeper",[0]]]' --vcpu 0
	chosen '[["pair",[1]],["sleeper",[0]]]' -t "$pair_tid,$sleeper_tid"
	chosen '[["pair",[0,1]],["sleeper",[0]]]' -g 'slee*,[p]air'
}

@test "a filter that nothing matches says so: exit 1" {
	absent "there is no thread 4194304" -t "$pair_tid,4194304"
	absent "no vCPU has the thread ID 1" -t "$pair_tid,1"
	absent "no vCPU has the thread ID $pair" -t "$pair"
	absent "no VM has a name like 'pai'" -g pair,pai
	absent "no VM has a vCPU 7" --vcpu 0,7
	absent "no VM or vCPU matches all of the filters" -g sleeper -t "$pair_tid"
	# With -p, nothing else is looked at.
	absent "no vCPU has the thread ID $pair_tid" -p "$sleeper" -g sleeper -t "$pair_tid"
}

# table FILE OPTION...: no line is too wide, and the shares of every row add up to all of its time. Names are short here.
table() {
	local file=$1
	shift
	tool -d 1 "$@" >"$file"
	awk -v rounding="$ROUNDING" 'length > 79 { print "too wide: " $0; exit 1 }
		NR > 3 && !/^#/ { sum = $(NF-5) + $(NF-4) + $(NF-3) + $(NF-2) + $(NF-1)
			if (sum < 100 - rounding || sum > 100 + rounding) { print sum ": " $0; exit 1 } }' "$file" || {
		cat "$file"
		return 1
	}
}

# rows FILE: the fields in front of the shares, the IDs and numbers among them.
rows() {
	awk 'NR > 3 && !/^#/ { for (i = 1; i <= NF - 7; i++) printf "%s ", $i; print "" }' "$1"
}

@test "the three tables show the VMs and vCPUs that JSON has" {
	local vms vcpus both
	table "$dir/both"
	table "$dir/vms" -P
	table "$dir/vcpus" -L
	both=$(jq -r -s '.[0].vms[] | "\(.name) \(.pid) ", (.vcpus[] | "vCPU \(.vcpu) \(.tid) ")' "$all")
	vms=$(jq -r -s '.[0].vms[] | "\(.name) \(.vcpus | length) \(.pid) "' "$all")
	vcpus=$(jq -r -s '.[0].vms[] | .name as $n | .vcpus[] | "\($n) \(.vcpu) \(.tid) "' "$all")
	[[ $(rows "$dir/both") == "$both" ]]
	[[ $(rows "$dir/vms") == "$vms" ]]
	[[ $(rows "$dir/vcpus") == "$vcpus" ]]
	near "$(awk -v tid="$pair_tid" '$3 == tid { print $5 }' "$dir/vcpus")" \
		"$(halted_share "$all")" "$AGREEMENT" "HALTED% of the table"
}

@test "-s puts the greatest first, -r leaves out the rest and says how many" {
	table "$dir/out" -L -s halted -r 1
	[[ $(rows "$dir/out") == "pair 0 "* && $(rows "$dir/out" | wc -l) == 1 ]]
	grep -qx '# 2 more vCPUs' "$dir/out"
	table "$dir/out" -Ls busy -r 2
	[[ $(rows "$dir/out" | head -n 1) == "pair 1 $pair_tid " ]]
	grep -qx '# 1 more vCPU' "$dir/out"
	table "$dir/out" -P -s blocked
	[[ $(rows "$dir/out" | head -n 1) == "sleeper 1 $sleeper " ]]
	table "$dir/out" -s halted
	[[ $(rows "$dir/out" | head -n 2 | tail -n 1) == "vCPU 0 "* ]]
}

@test "a VM that does not pass HLT through is pointed at, wherever it is shown" {
	local hint='# idle in BLOCK% (HLT exits, or paused): sleeper'
	[[ $(jq -c -s '.[0].vms | map([.name, .idle_in_blocked])' "$all") == \
		'[["pair",false],["sleeper",true]]' ]]
	for options in -C -P -L '-s blocked -r 1'; do
		# shellcheck disable=SC2086 # several words
		table "$dir/out" $options
		grep -qxF "$hint" "$dir/out"
	done
	table "$dir/out" -s halted -r 1
	run ! grep -q 'idle in BLOCK%' "$dir/out"
	table "$dir/out" -g pair
	run ! grep -q 'idle in BLOCK%' "$dir/out"
}

@test "CSV has the rows of the table and the figures of JSON" {
	tool --csv -d 2 >"$dir/csv"
	[[ $(cut -d, -f4,5,7-9 "$dir/csv" | tail -n +3) == $(jq -r -s '.[0].vms[] | .name as $n | .pid as $p |
		"vm,\($p),\"\($n)\",,", (.vcpus[] | "vcpu,\($p),\"\($n)\",\(.vcpu),\(.tid)")' "$all") ]]
	# By their names: loaded + wait + blocked = wall in every row; the share of vCPU 1.
	awk -F, -v tid="$pair_tid" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["loaded_ns"] + $at["wait_ns"] + $at["blocked_ns"] != $at["wall_ns"] { exit 1 }
		$at["tid"] == tid { print 100 * $at["halted_ns"] / $at["wall_ns"] }' "$dir/csv" >"$dir/share"
	near "$(cat "$dir/share")" "$(halted_share "$all")" "$AGREEMENT" "halted_ns of CSV"
	tool --csv -Ls halted -r 1 0.5 3 >"$dir/csv"
	[[ $(cut -d, -f4,8 "$dir/csv" | tr '\n' ' ') == 'row,vcpu host, vcpu,0 host, vcpu,0 host, vcpu,0 ' ]]
}

@test "a terminal is cleared between tables, a pipe and -C get an empty line" {
	local clear=$'\033[H\033[2J'
	tool -P 0.5 2 >"$dir/pipe"
	[[ $(grep -c '^[0-2][0-9]:[0-5][0-9]:[0-6][0-9], 0[.][45][0-9]* s$' "$dir/pipe") == 2 ]]
	[[ $(grep -c '^$' "$dir/pipe") == 1 ]]
	run ! grep -q $'\033' "$dir/pipe"
	TERM=xterm script -qc "timeout 60 $GTIMEHALT --mperf-ratio 1 -P 0.5 3" /dev/null >"$dir/terminal" </dev/null
	[[ $(grep -cF "$clear" "$dir/terminal") == 2 ]]
	TERM=xterm script -qc "timeout 60 $GTIMEHALT --mperf-ratio 1 -PC 0.5 3" /dev/null >"$dir/terminal" </dev/null
	run ! grep -q $'\033' "$dir/terminal"
}

# eventually COMMAND...: within a minute.
eventually() {
	local tries
	for ((tries = 0; tries < 120; tries++)); do
		! "$@" || return 0
		sleep 0.5
	done
	echo "not within a minute: $*"
	return 1
}

# last FILE FILTER: whether the last report so far is as the filter says.
last() {
	tail -n 1 "$1" | jq -e "$2" >/dev/null 2>&1
}

@test "-t ends with its thread, -g waits for another VM of that name" {
	local old by_tid by_name
	guest_start mortal --busy 10 --pin "$OTHER_CPU"
	old=$guest
	json "$dir/mortal" -d 1 -p "$old"
	tool -j -t "$(vcpu_of "$dir/mortal" mortal 0 | jq .tid)" 0.4 50 >"$dir/tid" 2>"$dir/tid.stderr" 3>&- &
	by_tid=$!
	timeout 120 "$GTIMEHALT" --mperf-ratio 1 -j -g mortal 0.4 >"$dir/name" 2>"$dir/name.stderr" 3>&- &
	by_name=$!
	eventually last "$dir/tid" '.vms[0].name == "mortal"'
	eventually last "$dir/name" '.vms[0].name == "mortal"'
	kill "$old"
	wait "$by_tid"
	[[ $(cat "$dir/tid.stderr") == 'gtimehalt: warning: the selected VMs or vCPUs have exited' ]]
	jq -e -s 'length < 50 and all(.[]; .vms | length == 1)' "$dir/tid" >/dev/null
	eventually last "$dir/name" '.vms == []'
	guest_start mortal --busy 10 --pin "$OTHER_CPU"
	eventually last "$dir/name" ".vms[0].pid == $guest"
	kill "$by_name"
	wait "$by_name"
	[[ ! -s $dir/name.stderr ]]
	check_report "$dir/name"
	jq -e -s --argjson old "$old" '.[0].vms[0].pid == $old and .[-1].vms[0].name == "mortal" and
		all(.[]; .vms | length <= 1)' "$dir/name" >/dev/null || {
		jq -c '[.vms[] | [.pid, .name]]' "$dir/name"
		return 1
	}
}
