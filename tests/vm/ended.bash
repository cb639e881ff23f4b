# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Functions for tests that end gtimehalt: they send signals at random moments, and check what is left behind in the
# kernel and elsewhere. Loaded after faults.bash. FAULTS_SEED=N repeats the random choices of a run.

PINNED=/sys/fs/bpf/gtimehalt

# Random moments lie within so many ms after the start, because the start takes a second in the bed.
SPAN_MS=2000

# If the end takes longer than this, the test fails because of a hang.
END_MAX_MS=20000

setup_file() {
	export FAULTS_SEED=${FAULTS_SEED:-$RANDOM}
	echo "# FAULTS_SEED=$FAULTS_SEED" >&3
	ip link set lo up
}

setup() {
	ulimit -c 0
	draw_begin
}

teardown() {
	[[ -z ${tool:-} ]] || ! is_running "$tool" || kill -KILL "$tool"
	[[ ! -e $PINNED ]] || "$GTIMEHALT" --unpin || :
	[[ -e /sys/module/$KVM_VENDOR ]] || modprobe "$KVM_VENDOR"
	guest_end
}

# Seeds the random choices of a test, so that FAULTS_SEED repeats them.
draw_begin() {
	RANDOM=$((FAULTS_SEED + BATS_TEST_NUMBER))
	signals=(INT TERM HUP QUIT KILL)
	runs=0 early=0 done_before=0 slowest_ms=0
	out=$BATS_TEST_TMPDIR/out
	err=$BATS_TEST_TMPDIR/err
}

# all_but SIGNAL: removes SIGNAL from those that may be drawn.
all_but() {
	local kept=() signal
	for signal in "${signals[@]}"; do
		[[ $signal == "$1" ]] || kept+=("$signal")
	done
	signals=("${kept[@]}")
}

# draw I N: sets ms, a moment in the I-th of N equal parts of the span.
draw() {
	ms=$((SPAN_MS * $1 / $2 + RANDOM % (SPAN_MS / $2)))
}

sleep_ms() {
	sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

# Reads /proc, because kill -0 also succeeds for a zombie, which an ended child is until the shell waits for it.
is_running() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
	[[ $stat != *') Z '* ]]
}

# await_end PID: waits until the process has ended. Sets $ended to its exit status and $took_ms to the duration.
await_end() {
	local begin=${EPOCHREALTIME/./}
	while is_running "$1"; do
		if ((${EPOCHREALTIME/./} - begin > END_MAX_MS * 1000)); then
			echo "process $1 does not end:"
			ps -ef
			cat "/proc/$1/stack" || :
			kill -KILL "$1" || :
			return 1
		fi
		sleep 0.02
	done
	took_ms=$(((${EPOCHREALTIME/./} - begin) / 1000))
	((took_ms <= slowest_ms)) || slowest_ms=$took_ms
	ended=0
	# Bash reports killed children on stderr.
	wait "$1" 2>/dev/null || ended=$?
}

# begin COMMAND...: starts it in the background. Sets $tool to its PID; its output goes to $out and $err. A shell lets
# background processes ignore SIGINT and SIGQUIT, so both are reset, as for a command that a user starts.
begin() {
	env --default-signal=INT,QUIT "$@" >"$out" 2>"$err" 3>&- 4>&- &
	tool=$!
}

# end_at SIGNAL MS COMMAND...: starts the command and sends it SIGNAL, MS milliseconds later.
end_at() {
	local signal=$1 ms=$2
	shift 2
	begin "$@"
	sleep_ms "$ms"
	kill "-$signal" "$tool" 2>/dev/null || :
	await_end "$tool"
	echo "$signal at $ms ms: status $ended, $took_ms ms later, $(wc -l <"$out") lines"
	((++runs))
}

# ended_by SIGNAL: fails unless the last run ended as signal(7) and the section EXIT STATUS of gtimehalt(8) say:
# killed by the signal if it cannot be caught or arrived before the handler was installed; otherwise with status 0.
# Sets $is_early.
ended_by() {
	local number
	number=$(kill -l "$1")
	is_early=no
	case $1:$ended in
	KILL:$((128 + number)) | QUIT:$((128 + number))) ;;
	KILL:0 | QUIT:0) ((++done_before)) ;;
	*:0) ;;
	*:$((128 + number)))
		# The signal arrived before the handler was installed, so nothing may have been printed yet.
		is_early=yes
		((++early))
		[[ ! -s $out ]] || {
			echo "killed by $1, with output:"
			cat "$out"
			return 1
		}
		;;
	*)
		echo "status $ended after SIG$1"
		cat "$out" "$err"
		return 1
		;;
	esac
	[[ ! -s $err ]] || {
		cat "$err"
		return 1
	}
}

# Prints everything that the tool could leave behind.
host_state() {
	local kind
	for kind in link prog map; do
		printf '%s %s\n' "$kind" "$(bpftool -j "$kind" show | jq -c 'map(.id) | sort')"
	done
	cat /sys/kernel/tracing/kprobe_events /sys/kernel/tracing/enabled_functions /sys/kernel/debug/kprobes/list
	sed -n 's/^\(kvm[a-z_]*\) [0-9]* \([0-9]*\).*/\1: \2 users/p' /proc/modules
	find /sys/fs/bpf | sort
	cat /proc/sys/kernel/bpf_stats_enabled
	pgrep -l gtimehalt || :
	find /proc/[0-9]*/fd -lname 'anon_inode:*perf*' -o -lname 'anon_inode:*bpf*' 2>/dev/null || :
	ls -A /tmp /dev/shm /var/tmp
}

state_begin() {
	host_state >"$BATS_TEST_TMPDIR/state"
}

# Fails unless the host is again in its state at state_begin. The kernel may free objects only after the process has
# ended, so this waits up to 5 s.
nothing_left() {
	local tries
	for ((tries = 0; tries < 20; tries++)); do
		diff "$BATS_TEST_TMPDIR/state" <(host_state) >"$BATS_TEST_TMPDIR/left" && return
		sleep 0.25
	done
	echo "left behind:"
	cat "$BATS_TEST_TMPDIR/left"
	return 1
}

# A faster check than nothing_left: attached programs would hold a reference on the KVM module, and no process of the
# tool may exist.
nothing_runs() {
	local tries
	for ((tries = 0; tries < 50; tries++)); do
		[[ $(<"/sys/module/$KVM_VENDOR/refcnt") == "$users" ]] && ! pgrep gtimehalt >/dev/null && return
		sleep 0.1
	done
	echo "$KVM_VENDOR has $(<"/sys/module/$KVM_VENDOR/refcnt") users, $users before; $(pgrep -l gtimehalt)"
	return 1
}

# Fails unless every line of the file is a JSON object, and there is at least one.
objects_whole() {
	[[ -s $1 && -z $(tail -c 1 "$1") ]] && jq -e -s 'all(type == "object")' "$1" >/dev/null
}

# tell EXPECTED [MORE]: prints the line for the fault table about runs that were ended at random moments.
tell() {
	fault "SIG$(IFS=/ && echo "${signals[*]}") at $runs moments of the first $((SPAN_MS / 1000)) s, seed $FAULTS_SEED" \
		"$1; nothing attached, no process, no file left" \
		"$early ended by the signal itself, $done_before were done before it${2:+, $2}; the slowest \
end $slowest_ms ms; links, programs, maps, probes, users of kvm, bpffs as before"
}

# can_pin: true since Linux 5.15.
can_pin() {
	! is_linux_before 5 15
}

# exporter_begin OPTION...: starts an exporter and waits until it measures. Sets $tool to its PID and $port to its
# port.
exporter_begin() {
	local tries
	out=$BATS_TEST_TMPDIR/exporter.out err=$BATS_TEST_TMPDIR/exporter.err
	begin "$GTIMEHALT_EXPORTER" -v --listen=127.0.0.1:0 "$@"
	for ((tries = 0; tries < 400; tries++)); do
		port=$(sed -n 's,.*listening on 127.0.0.1:,,p' "$err")
		[[ -z $port ]] || ! grep -q 'Seccomp:.2' "/proc/$tool/status" || return 0
		sleep 0.05
	done
	cat "$err"
	return 1
}

# scrape NAME...: prints, for each name, the sum over all series of this name; without names, all metrics.
scrape() {
	local name text
	exec 9<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&9
	text=$(cat <&9)
	exec 9>&-
	for name; do
		awk -v name="$name" '$1 == name || index($1, name "{") == 1 { sum += $NF } END { printf "%.9f ", sum }' \
			<<<"$text"
	done
}

# top_begin: starts --top in a terminal of its own. The terminal settings before and after are in the files "before"
# and "after"; $script is the PID of script(1).
top_begin() {
	local dir=$BATS_TEST_TMPDIR tries
	rm -f "$dir"/{before,after,status,pid,screen}
	[[ -p $dir/keys ]] || mkfifo "$dir/keys"
	exec {keys}<>"$dir/keys"
	cat >"$dir/in-terminal" <<-END
		stty -a >$dir/before
		sh -c 'echo \$\$ >$dir/pid.new; mv $dir/pid.new $dir/pid; exec env --default-signal=INT,QUIT $GTIMEHALT --top 0.2'
		echo \$? >$dir/status
		stty -a >$dir/after
	END
	TERM=xterm script -qec "sh $dir/in-terminal" "$dir/screen" <&"$keys" >/dev/null 2>&1 3>&- 4>&- &
	script=$!
	for ((tries = 0; tries < 200; tries++)); do
		[[ ! -e $dir/pid ]] || break
		sleep 0.02
	done
	tool=$(<"$dir/pid")
}

# Waiting for script is enough: it waits for the shell, which waits for the tool.
top_end() {
	local dir=$BATS_TEST_TMPDIR
	await_end "$script"
	exec {keys}>&-
	[[ ! -e $dir/status ]] || ended=$(<"$dir/status")
}

# Stolen time of the CPU under test, in per cent, above which a measurement does not count and is repeated.
STOLEN_MAX=${STOLEN_MAX:-1}

# quietly COMMAND...: runs it as void_if_stolen() does, with this limit for the CPU under test.
quietly() {
	void_if_stolen "$QUIET_CPU=$STOLEN_MAX" "$@"
}

uptime_ns() {
	local up
	read -r up _ </proc/uptime
	printf '%s0000000\n' "${up/./}"
}
