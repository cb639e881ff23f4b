# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What can be attached while instructions are counted: how each tool is started on the housekeeping
# CPU, how it is known to be at work, how it ends. Sourced by l1.
#
# A row is a name of rows(). tool_start ROW PID TID returns when the tool is attached; 77 when this
# kernel or this binary does not have it, with the reason in $skip_reason.

declare tool_pid='' skip_reason='' tool_log=''

has_fentry() {
	[[ -e /sys/kernel/btf/kvm ]]
}

# All rows, in the order of the table.
rows() {
	printf '%s\n' none switch entry:fentry entry:kprobe entry:tracepoint perf:kvm_exit none-again
}

# launch COMMAND...: in the background on the housekeeping CPU; both outputs go to $tool_log.
launch() {
	tool_log=$tmp/tool.log
	: >"$tool_log"
	taskset -c "$OTHER_CPU" "$@" </dev/null >>"$tool_log" 2>&1 &
	tool_pid=$!
}

# wait_for PATTERN: until the tool has said so, or has ended.
wait_for() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		grep -qE "$1" "$tool_log" && return
		kill -0 "$tool_pid" 2>/dev/null || break
		sleep 0.1
	done
	printf 'the tool is not at work:\n' >&2
	cat "$tool_log" >&2
	return 1
}

# One interval that is longer than any measurement: no forced reads are made but at its ends.
gtimehalt_start() {
	launch "$GTIMEHALT" -v "$@" 1000
	# Said behind the attachment; the first snapshot follows.
	wait_for 'baseline: ' && sleep 0.5
}

# perf_stat_start OPTION...: perf says itself when its events are enabled.
perf_stat_start() {
	rm -f "$tmp/ctl" "$tmp/ack"
	mkfifo "$tmp/ctl" "$tmp/ack"
	launch perf stat --control "fifo:$tmp/ctl,$tmp/ack" -D -1 "$@"
	timeout 30 bash -c 'echo enable >"$1"; read -r said <"$2"; [[ $said == ack* ]]' - "$tmp/ctl" "$tmp/ack" || {
		cat "$tool_log" >&2
		return 1
	}
}

tool_start() {
	local row=$1
	tool_pid='' skip_reason=''
	case $row in
	none | none-again) ;;
	switch) gtimehalt_start --mode switch ;;
	entry:*)
		if [[ $row == entry:fentry ]] && ! has_fentry; then
			skip_reason='kvm has no BTF on this kernel'
			return 77
		fi
		gtimehalt_start --mode entry --hook "${row#*:}"
		;;
	perf:kvm_exit) perf_stat_start -a -e kvm:kvm_exit ;;
	*)
		echo "no such row: $row" >&2
		return 2
		;;
	esac
}

tool_stop() {
	[[ $tool_pid ]] || return 0
	kill -INT "$tool_pid" 2>/dev/null || :
	wait "$tool_pid" || :
	tool_pid=''
}
