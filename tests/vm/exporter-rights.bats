#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=parallel
#
# The exporter without rights: what it and its helper have left, that it measures all the same, VMs that come and
# go, and a CPU that does. Runs in the bed, on every kernel.

bats_require_minimum_version 1.5.0
load helper

exporter='' url=''

setup_file() {
	ip link set lo up
}

setup() {
	cpu_dir=/sys/devices/system/cpu/cpu$QUIET_CPU
	log=$BATS_TEST_TMPDIR/log
}

teardown() {
	[[ $(<"$cpu_dir/online") == 1 ]] || echo 1 >"$cpu_dir/online"
	exporter_end || :
	guest_end
}

# exporter_start WORD...: starts it, by these words in front if there are any; its PID is in $exporter.
exporter_start() {
	local tries
	"$@" "$GTIMEHALT_EXPORTER" -v --listen=127.0.0.1:0 >/dev/null 2>"$log" 3>&- 4>&- &
	exporter=$!
	for ((tries = 0; tries < 300; tries++)); do
		url=$(sed -n 's,.*listening on ,http://,p' "$log")
		# Attached, bound, and without rights: the filter comes last.
		[[ -z $url || $(status "$exporter" Seccomp) != 2 ]] || return 0
		sleep 0.1
	done
	cat "$log"
	return 1
}

exporter_end() {
	[[ -n $exporter ]] || return 0
	kill "$exporter"
	wait "$exporter"
	exporter=''
}

# status PID KEY: of /proc/PID/status.
status() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# The process that opens MPERF: the exporter's only child.
opener() {
	pgrep -P "$exporter"
}

# scrape FILE: a snapshot of its own, for the last one is more than a second old.
scrape() {
	sleep 1.2
	python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1] + "/metrics", timeout=30).read().decode())' "$url" >"$1"
}

# value FILE NAME [LABEL]: the sum over all that have the label, 'vm="duty"'; nothing when there is none.
value() {
	awk -v name="$2" -v label="${3:-}" '
		{ series = $0; sub(/ [^ ]*$/, "", series) }
		(series == name || index(series, name "{") == 1) && (label == "" || index(series, label)) {
			sum += $NF; found = 1
		}
		END { if (found) printf "%.9f\n", sum }' "$1"
}

# grown FROM TO NAME [LABEL]: 0 where there is none.
grown() {
	local from to
	from=$(value "$1" "${@:3}")
	to=$(value "$2" "${@:3}")
	jq -n "${to:-0} - ${from:-0}"
}

# halted_share FROM TO NAME: per cent of the loaded time of a VM.
halted_share() {
	jq -n "100 * $(grown "$1" "$2" gtimehalt_vm_halted_seconds_total "vm=\"$3\"") /
		$(grown "$1" "$2" gtimehalt_vm_loaded_seconds_total "vm=\"$3\"")"
}

# Whether this kernel lets a process without CAP_BPF use the maps that it holds: since Linux 5.19, or when it is
# told to (kernel.unprivileged_bpf_disabled).
is_bpf_free() {
	! is_linux_before 5 19 || [[ $(</proc/sys/kernel/unprivileged_bpf_disabled) == 0 ]]
}

# no_capability PID [BUT]: none in any set; BUT, a mask in hex, in the permitted and the effective one.
no_capability() {
	local none=0000000000000000 pid=$1 but
	but=$(printf '%016x' "0x${2:-0}")
	echo "process $pid:" && grep -E '^(Name|Uid|Groups|Cap|NoNewPrivs|Seccomp)' "/proc/$pid/status"
	[[ $(status "$pid" CapPrm) == "$but" && $(status "$pid" CapEff) == "$but" ]]
	[[ $(status "$pid" CapInh) == "$none" && $(status "$pid" CapAmb) == "$none" ]]
	[[ $(status "$pid" CapBnd) == "$none" && $(status "$pid" NoNewPrivs) == 1 ]]
	[[ $(status "$pid" Seccomp) == 2 ]]
}

# confined UID: the exporter and its helper are this user, and have no right but what this kernel asks for.
confined() {
	local uid=$1 pid caps
	if is_bpf_free; then
		no_capability "$exporter"
	else
		# CAP_BPF, and it says so.
		no_capability "$exporter" 8000000000
		grep -q 'keeps CAP_BPF' "$log"
	fi
	pid=$(opener)
	caps=$(status "$pid" CapEff)
	echo "# the helper's capability: $caps" >&3
	# CAP_PERFMON; or CAP_SYS_ADMIN, where perf_event_paranoid is above 2.
	if (($(</proc/sys/kernel/perf_event_paranoid) > 2)); then
		[[ $caps == 0000004000000000 || $caps == 0000000000200000 ]]
	else
		[[ $caps == 0000004000000000 ]]
	fi
	no_capability "$pid" "$caps"
	[[ $(status "$pid" Name) == gtimehalt-open && $(tr '\0' ' ' <"/proc/$pid/cmdline") == "gtimehalt: opens MPERF"* ]]
	# One descriptor, a socket; nothing of BPF's, not by a mapping either.
	[[ $(ls "/proc/$pid/fd") == 0 && $(readlink "/proc/$pid/fd/0") == socket:* ]]
	run ! grep -E 'anon_inode:|bpf-' "/proc/$pid/maps"
	for pid in "$exporter" "$(opener)"; do
		[[ $(status "$pid" Uid) == "$uid"$'\t'"$uid"$'\t'"$uid"$'\t'"$uid" && -z $(status "$pid" Groups) ]]
	done
}

# No file is open for writing but the log: the flags of a descriptor end in 1 or 2 then.
writes_nothing() {
	local fd path
	for fd in /proc/"$exporter"/fd/*; do
		path=$(readlink "$fd") || continue
		# Memory that libbpf holds in the place of a map that is not made is no file.
		[[ $path == /* && $path != /memfd:* && $path != /dev/null && $path != "$log" ]] || continue
		echo "$fd: $path $(grep flags "/proc/$exporter/fdinfo/${fd##*/}")"
		grep -q 'flags:.*0$' "/proc/$exporter/fdinfo/${fd##*/}" || return 1
	done
}

# bats test_tags=core
@test "started by root: it is nobody, has no capability, and measures" {
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	exporter_start
	confined "$(id -u nobody)"
	writes_nothing
	scrape "$BATS_TEST_TMPDIR/from"
	sleep 5
	scrape "$BATS_TEST_TMPDIR/to"
	near "$(halted_share "$BATS_TEST_TMPDIR/from" "$BATS_TEST_TMPDIR/to" duty)" 40 5 'halted share'
	[[ $(value "$BATS_TEST_TMPDIR/to" gtimehalt_snapshot_failures_total) == 0.000000000 ]]
}

@test "started as systemd starts it, with the unit's capabilities and no others" {
	local unit=$src/contrib/systemd/gtimehalt-exporter.service.in caps
	caps=$(sed -n 's/^AmbientCapabilities=//p' "$unit" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	[[ $caps == *+sys_admin* && $caps == *+perfmon* ]]
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	# LimitMEMLOCK= and LimitNOFILE=: without CAP_SYS_RESOURCE it cannot raise them itself.
	exporter_start prlimit --memlock=unlimited --nofile=65536 \
		setpriv --reuid 61234 --regid 61234 --clear-groups --inh-caps "-all,$caps" \
		--ambient-caps "-all,$caps" --bounding-set "-all,$caps" --no-new-privs
	confined 61234
	scrape "$BATS_TEST_TMPDIR/from"
	sleep 5
	scrape "$BATS_TEST_TMPDIR/to"
	near "$(halted_share "$BATS_TEST_TMPDIR/from" "$BATS_TEST_TMPDIR/to" duty)" 40 5 'halted share'
}

@test "VMs that come have their names, those that go are gone, and nothing is said about it" {
	local before
	guest_start first --busy 60 --pin "$QUIET_CPU"
	exporter_start
	before=$(wc -l <"$log")
	guest_start second --busy 20 --pin "$OTHER_CPU"
	scrape "$BATS_TEST_TMPDIR/both"
	[[ $(value "$BATS_TEST_TMPDIR/both" gtimehalt_vm_info 'vm="first"') == 1.000000000 ]]
	[[ $(value "$BATS_TEST_TMPDIR/both" gtimehalt_vm_info 'vm="second"') == 1.000000000 ]]
	[[ $(value "$BATS_TEST_TMPDIR/both" gtimehalt_vms) == 2.000000000 ]]
	kill "${guests[1]}"
	wait "${guests[1]}" || :
	unset 'guests[1]'
	scrape "$BATS_TEST_TMPDIR/last"
	scrape "$BATS_TEST_TMPDIR/one"
	scrape "$BATS_TEST_TMPDIR/one"
	# What it did last stays for minutes, whoever asks, and does not grow.
	scrape "$BATS_TEST_TMPDIR/again"
	[[ $(value "$BATS_TEST_TMPDIR/one" gtimehalt_vm_info 'vm="second"') == 1.000000000 ]]
	[[ $(value "$BATS_TEST_TMPDIR/one" gtimehalt_vm_loaded_seconds_total 'vm="second"') == \
		$(value "$BATS_TEST_TMPDIR/again" gtimehalt_vm_loaded_seconds_total 'vm="second"') ]]
	[[ $(value "$BATS_TEST_TMPDIR/one" gtimehalt_vm_info 'vm="first"') == 1.000000000 ]]
	[[ $(value "$BATS_TEST_TMPDIR/one" gtimehalt_vms) == 1.000000000 ]]
	[[ $(wc -l <"$log") == "$before" ]] || {
		cat "$log"
		return 1
	}
}

@test "a CPU goes offline and comes back while a guest runs: MPERF is opened again, and totals are right" {
	local dir=$BATS_TEST_TMPDIR tid errors
	# Linux 6.12 refuses (EBUSY); tests/kernels runs this test on ordinary CPUs, on every kernel.
	[[ ! -s /sys/devices/system/cpu/isolated || -z $(</sys/devices/system/cpu/isolated) ]] ||
		skip "an isolated CPU does not go offline"
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	exporter_start
	scrape "$dir/before"
	echo 0 >"$cpu_dir/online"
	scrape "$dir/offline"
	sleep 1
	echo 1 >"$cpu_dir/online"
	# The kernel has taken its CPU from it, and does not give it back.
	tid=$(grep -lx 'CPU 0/KVM' /proc/"$guest"/task/*/comm | cut -d / -f 5)
	taskset -cp "$QUIET_CPU" "$tid" >/dev/null
	# Windows on the stale event are not measured, and counted; the snapshot after them mends it.
	sleep 2
	scrape "$dir/stale"
	scrape "$dir/mended"
	errors=$(grown "$dir/before" "$dir/mended" gtimehalt_mperf_errors_total)
	echo "# MPERF could not be read $errors times" >&3
	jq -n -e "$errors > 0" >/dev/null
	grep -q "MPERF could not be read on CPU $QUIET_CPU: reopened" "$log"
	scrape "$dir/from"
	sleep 5
	scrape "$dir/to"
	[[ $(grown "$dir/from" "$dir/to" gtimehalt_mperf_errors_total) == 0 ]]
	jq -n -e "$(grown "$dir/from" "$dir/to" gtimehalt_vm_unmeasured_seconds_total 'vm="duty"') < 0.001" >/dev/null
	near "$(halted_share "$dir/from" "$dir/to" duty)" 40 5 'halted share'
	# Over all of it, what was not measured was said so.
	jq -n -e "$(grown "$dir/before" "$dir/mended" gtimehalt_vm_halted_seconds_total 'vm="duty"') <=
		$(grown "$dir/before" "$dir/mended" gtimehalt_vm_loaded_seconds_total 'vm="duty"')" >/dev/null
	# It did all that without getting a right back.
	confined "$(id -u nobody)"
}

@test "its helper ends with it, however it ends, and nothing stays attached" {
	local programs helper
	programs=$(bpftool -j prog list | jq length)
	exporter_start
	helper=$(opener)
	exporter_end
	[[ ! -e /proc/$helper && $(bpftool -j prog list | jq length) == "$programs" ]]
	exporter_start
	helper=$(opener)
	kill -KILL "$exporter"
	wait "$exporter" || :
	exporter=''
	sleep 1
	[[ ! -e /proc/$helper || $(status "$helper" State) == Z* ]]
	[[ $(bpftool -j prog list | jq length) == "$programs" ]]
	[[ $(awk -v module="$KVM_VENDOR" '$1 == module { print $3 }' /proc/modules) == 0 ]]
}

@test "without its helper it goes on, and says once what it cannot do any more" {
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	exporter_start
	kill -KILL "$(opener)"
	scrape "$BATS_TEST_TMPDIR/from"
	sleep 2
	scrape "$BATS_TEST_TMPDIR/to"
	near "$(halted_share "$BATS_TEST_TMPDIR/from" "$BATS_TEST_TMPDIR/to" duty)" 40 8 'halted share'
}
