#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whose vCPU is it, while VMs and vCPUs come and go. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper

# See gtimehalt-vms.bats: one vCPU shares its CPU with the tool.
clamped_max=10

linux_guest=$src/tests/vm/linux-guest
tool=''

setup() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
	export TMPDIR=$BATS_TEST_TMPDIR
}

teardown() {
	[[ -z $tool ]] || kill "$tool" 2>/dev/null || :
	guest_end
	"$linux_guest/stop" plug
}

# watch_begin FILE OPTION...: the tool, an interval a second, until watch_end.
watch_begin() {
	local file=$1
	shift
	timeout 120 "$GTIMEHALT" -j "$@" 1 >"$file" 3>&- &
	tool=$!
}

watch_end() {
	kill -INT "$tool"
	wait "$tool"
	tool=''
}

# intervals FILE N: waits until so many more intervals have ended.
intervals() {
	local want=$(($(wc -l <"$1") + $2)) tries
	for ((tries = 0; tries < 300; tries++)); do
		(($(wc -l <"$1") >= want)) && return
		sleep 0.1
	done
	return 1
}

# qmp COMMAND [ARGUMENTS]: what QEMU returns.
qmp() {
	printf '%s\n' '{"execute": "qmp_capabilities"}' "{\"execute\": \"$1\", \"arguments\": ${2:-{\}}}" |
		socat -t 2 - "UNIX-CONNECT:$TMPDIR/qmp" |
		jq -c 'select(has("return") or has("error"))' | tail -n 1
}

# threads: "NUMBER TID" of each vCPU, as QEMU has it.
threads() {
	qmp query-cpus-fast | jq -c '[.return[] | [."cpu-index", ."thread-id"]] | sort'
}

# shown FILE: the same as the tool had it last.
shown() {
	tail -n 1 "$1" | jq -c '[.vms[] | .vcpus[] | [.vcpu, .tid]] | sort'
}

# vcpu_sets FILE: the numbers in each interval, equal neighbours once.
vcpu_sets() {
	jq -c '[.vms[] | .vcpus[].vcpu] | sort' "$1" | uniq | paste -s -d ' '
}

# bats test_tags=parallel
@test "a vCPU plugged in has its number, one that is unplugged leaves no ghost" {
	local out=$BATS_TEST_TMPDIR/out.json pid cpu
	"$linux_guest/build" "$TMPDIR/initramfs.cpio"
	# Without names for threads: the number must be KVM's.
	pid=$("$linux_guest/start" --name plug --smp 1 --busy none --seconds 110 \
		--initrd "$TMPDIR/initramfs.cpio" -- -smp maxcpus=2 -name debug-threads=off \
		-qmp "unix:$TMPDIR/qmp,server=on,wait=off")
	watch_begin "$out" -p "$pid"
	intervals "$out" 2
	[[ $(shown "$out") == "$(threads)" ]]

	cpu=$(qmp query-hotpluggable-cpus | jq -c '.return[] | select(has("qom-path") | not) |
		.props + {driver: .type, id: "second"}')
	[[ $(qmp device_add "$cpu" | jq -c .) == '{"return":{}}' ]]
	intervals "$out" 2
	echo "plugged in: $(shown "$out"), QEMU says $(threads)"
	[[ $(shown "$out" | jq -c 'map(.[0])') == '[0,1]' && $(shown "$out") == "$(threads)" ]]

	# The guest's kernel has to agree, and answers when it has been told by ACPI.
	for _ in {1..10}; do
		qmp device_del '{"id": "second"}' >/dev/null
		intervals "$out" 1
		[[ $(threads | jq length) == 1 ]] && break
	done
	# The sums of a thread that has ended are in one more interval.
	intervals "$out" 2
	echo "unplugged: $(shown "$out"), QEMU says $(threads)"
	[[ $(threads | jq -c 'map(.[0])') == '[0]' && $(shown "$out") == "$(threads)" ]]

	# Again: QEMU takes the vCPU that it had kept, and another thread.
	[[ $(qmp device_add "$cpu" | jq -c .) == '{"return":{}}' ]]
	intervals "$out" 2
	[[ $(shown "$out" | jq -c 'map(.[0])') == '[0,1]' && $(shown "$out") == "$(threads)" ]]
	watch_end
	echo "in order: $(vcpu_sets "$out")"
	[[ $(vcpu_sets "$out") == '[0] [0,1] [0] [0,1]' ]]
	jq -s -e 'all(.[].vms[]; .name == "plug")' "$out" >/dev/null
}

# guest_start_as PID NAME OPTION...: guest_start with that PID. What guest_start runs before gets the PIDs in
# front of it: by how many a try misses is what the next one goes back.
guest_start_as() {
	local pid=$1 last=$(($1 - 2)) tries
	shift
	for ((tries = 0; tries < 20; tries++)); do
		echo "$last" >/proc/sys/kernel/ns_last_pid
		guest_start "$@"
		((guest == pid)) && return
		((last -= guest - pid))
		kill -9 "$guest"
		wait "$guest" || :
		unset 'guests[-1]'
	done
	return 1
}

# bats test_tags=core
@test "a VM killed, and another one with its PID: right names, no ghost" {
	local out=$BATS_TEST_TMPDIR/out.json pid
	guest_start first --busy 50 --vcpus 2 --pin "$OTHER_CPU,$QUIET_CPU"
	pid=$guest
	watch_begin "$out"
	intervals "$out" 2
	[[ $(tail -n 1 "$out" | jq -c '[.vms[] | [.pid, .name, (.vcpus | length)]]') == "[[$pid,\"first\",2]]" ]]
	kill -9 "$pid"
	wait "$pid" || :
	guests=()
	guest_start_as "$pid" second --busy 50 --pin "$QUIET_CPU"
	intervals "$out" 3
	watch_end
	jq -c '[.vms[] | [.pid, .name, [.vcpus[] | [.vcpu, .tid]]]]' "$out" | uniq
	[[ $(tail -n 1 "$out" | jq -c '[.vms[] | [.pid, .name, (.vcpus | length)]]') == "[[$pid,\"second\",1]]" ]]
	# Of a try that missed its PID there may be rows too; and the second may be seen before it has a vCPU.
	jq -c --argjson pid "$pid" '.vms |= map(select(.pid == $pid and .vcpus != []))' "$out" >"$out.pid"
	check_report "$out.pid"
	# Never two of them at once, nor one with the other's vCPUs, though both have the TIDs behind the PID.
	jq -s -e 'all(.[]; (.vms | length) <= 1) and
		(map(.vms[] | [.name, (.vcpus | length)]) | unique == [["first", 2], ["second", 1]]) and
		(map(.vms[].name) | . == sort)' "$out.pid" >/dev/null
}
