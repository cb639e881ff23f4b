# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The tools that can be attached while instructions are counted: how each is started on the housekeeping CPU, how to
# see that it works, and how it ends. Sourced by guest.bash.
#
# tool_start ROW TID returns 0 when the tool is attached, and $TOOL_SKIPPED if this kernel, host or build does not
# have it, with the reason in $skip_reason.

readonly TOOL_SKIPPED=77

tool_pid='' tool_log='' skip_reason=''

# Prints all rows, in the order of the table.
rows()
{
	printf '%s\n' none switch entry entry:fentry entry:kprobe entry:tracepoint entry:histogram \
		entry:histogram-long perf:kvm_exit perf:kvm_entry,kvm_exit perf:kvm-stat perf:thread bpftrace:count \
		bcc:kvmexit none-again
}

# Prints the title of a row in the table.
row_title()
{
	case $1 in
	none) echo 'nothing' ;;
	none-again) echo 'nothing, again' ;;
	switch) echo 'gtimehalt --mode switch' ;;
	entry:histogram) echo 'gtimehalt -H' ;;
	entry:histogram-long) echo 'gtimehalt -H, after stints of 2 us and more' ;;
	entry) echo 'gtimehalt' ;;
	entry:*) echo "gtimehalt --hook ${1#*:}" ;;
	perf:kvm_exit) echo 'perf stat -a -e kvm:kvm_exit' ;;
	perf:kvm_entry,kvm_exit) echo 'perf stat -a -e kvm:kvm_entry,kvm:kvm_exit' ;;
	perf:kvm-stat) echo 'perf kvm stat record -a' ;;
	perf:thread) echo 'perf stat -e msr/tsc/,msr/mperf/ -t TID' ;;
	bpftrace:count) echo 'bpftrace tracepoint:kvm:kvm_exit { @[tid] = count(); }' ;;
	bcc:kvmexit) echo 'kvmexit (bcc)' ;;
	*) return 1 ;;
	esac
}

skip()
{
	skip_reason=$1
	return "$TOOL_SKIPPED"
}

# launch COMMAND...: runs COMMAND in the background on the housekeeping CPU; its output goes to $tool_log. A shell makes its
# background children ignore SIGINT, which ends the tools: env restores its default effect.
launch()
{
	tool_log=$tmp/tool.log
	: >"$tool_log"
	taskset -c "$OTHER_CPU" env --default-signal=INT "$@" </dev/null >>"$tool_log" 2>&1 &
	tool_pid=$!
}

# wait_for COMMAND...: repeats COMMAND until it succeeds or the tool has exited. bcc may compile for over a minute.
wait_for()
{
	local tries
	for ((tries = 0; tries < 3000; tries++)); do
		! "$@" || return 0
		kill -0 "$tool_pid" 2>/dev/null || break
		sleep 0.1
	done
	printf 'the tool does not work:\n' >&2
	cat "$tool_log" >&2
	return 1
}

# Measures one interval that is longer than any measurement, so that counters are read by force only at its ends.
gtimehalt_start()
{
	launch "$GTIMEHALT" -v "$@" 1000
	# The message comes after attaching; the first snapshot follows.
	wait_for grep -q 'baseline: ' "$tool_log" && sleep 0.5
}

# perf_start COMMAND...: starts perf and waits for its message that the events are enabled.
perf_start()
{
	rm -f "$tmp/ctl" "$tmp/ack"
	mkfifo "$tmp/ctl" "$tmp/ack"
	launch perf "$@" -D -1 --control "fifo:$tmp/ctl,$tmp/ack"
	# Opens both FIFOs for reading and writing, so that opening does not wait if perf has exited.
	exec {ctl}<>"$tmp/ctl" {ack}<>"$tmp/ack"
	echo enable >&"$ctl"
	wait_for perf_is_enabled "$ack"
	exec {ctl}>&- {ack}>&-
}

perf_is_enabled()
{
	local said
	read -r -t 1 said <&"$1" && [[ $said == ack* ]]
}

bpftrace_start()
{
	command -v bpftrace >/dev/null || skip 'bpftrace is missing: bed install bpftrace' || return
	launch bpftrace -e "$1"
	wait_for bpf_is_on_kvm_exit
}

bpf_is_on_kvm_exit()
{
	bpftool perf show | grep -q 'tracepoint *kvm_exit'
}

# kvmexit works with VMX only. It finds the kernel headers by two links below /lib/modules. The headers' package has these
# links, but the bed mounts each run's own copy of the modules over them.
kvmexit_start()
{
	local release
	command -v kvmexit-bpfcc >/dev/null || skip 'kvmexit is missing: bed install bpfcc-tools' || return
	grep -qw vmx /proc/cpuinfo || skip 'it works on hosts with VMX only' || return
	release=$(uname -r)
	ln -sfn "/usr/src/linux-headers-$release" "/lib/modules/$release/build"
	ln -sfn "/usr/src/linux-headers-${release%-*}-common" "/lib/modules/$release/source"
	launch kvmexit-bpfcc 1000
	wait_for bpf_is_on_kvm_exit
}

tool_start()
{
	local row=$1 tid=$2
	tool_pid='' skip_reason=''
	case $row in
	none | none-again) ;;
	switch) gtimehalt_start --mode switch ;;
	entry) gtimehalt_start ;;
	entry:fentry)
		[[ -e /sys/kernel/btf/kvm ]] || skip 'kvm has no BTF on this kernel' || return
		gtimehalt_start --hook fentry
		;;
	# MPERF is read only after long stints, which all stints in the slow bed are. Therefore another build with
	# stretched durations is used.
	entry:histogram) GTIMEHALT=$STRETCHED gtimehalt_start -H ;;
	entry:histogram-long) gtimehalt_start -H ;;
	entry:*) gtimehalt_start --hook "${row#*:}" ;;
	perf:kvm_exit) perf_start stat -a -e kvm:kvm_exit ;;
	perf:kvm_entry,kvm_exit) perf_start stat -a -e kvm:kvm_entry,kvm:kvm_exit ;;
	perf:kvm-stat) perf_start kvm stat record -a -o "$tmp/perf.data" ;;
	perf:thread) perf_start stat -e msr/tsc/,msr/mperf/ -t "$tid" ;;
	bpftrace:count) bpftrace_start 'tracepoint:kvm:kvm_exit { @[tid] = count(); }' ;;
	bcc:kvmexit) kvmexit_start ;;
	*)
		echo "no such row: $row" >&2
		return 2
		;;
	esac
}

# tool_stop: fails if the tool had exited by itself.
tool_stop()
{
	local status=0
	[[ $tool_pid ]] || return 0
	kill -INT "$tool_pid" 2>/dev/null || status=1
	wait "$tool_pid" || :
	tool_pid=''
	((status == 0)) || {
		echo 'the tool has exited too early:' >&2
		cat "$tool_log" >&2
	}
	return "$status"
}
