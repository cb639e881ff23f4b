# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Running a VM. Sourced by ../bed.
#
# All that belongs to a VM lives in a mount and PID namespace of its own (lib/enter): when its
# first process dies, the kernel kills the rest and drops the mounts, however this script ends.
#
# One directory is shared with L1, as /bed: BED_DIR/run. L1 reads `command` from it, and writes
# `booted` and `status`; the console log is there too, and stays until the next run.

readonly RUN_DIR=$BED_DIR/run

# EPYC is the CPU model whose SVM features TCG can do; what it cannot is switched off here, since
# QEMU would warn of each, once a CPU, on the command's stderr.
readonly VM_CPU=EPYC,+svm,+npt,-fxsr-opt,-misalignsse,-osvw,-topoext,-nrip-save,-xsavec

vm_command()
{
	local -A opt=([kernel]=6.12 [cpus]=2 [memory]=4G [append]='' [plain]=no [count]=no [where]=no [ratio]=''
		[mperf]=yes [kvm]=yes [timeout]=900)
	local action=$1

	shift
	while (($#)); do
		case $1 in
		--kernel | --cpus | --memory | --append | --ratio | --timeout)
			(($# > 1)) || die_usage "$1 needs a value"
			opt[${1#--}]=$2
			shift
			;;
		--plain | --count) opt[${1#--}]=yes ;;
		--where) opt[count]=yes opt[where]=yes ;;
		--no-mperf | --no-kvm) opt[${1#--no-}]=no ;;
		--)
			shift
			break
			;;
		-*) die_usage "unknown option '$1'" ;;
		*) break ;;
		esac
		shift
	done
	vm_check_options "$action" "$@"

	require_root
	[[ -d $BED_DIR/root && -f $BED_DIR/stamp/root ]] || die "not set up: run 'bed setup' first"
	kernel_is_done "${opt[kernel]}" ||
		die "kernel ${opt[kernel]} is not installed: run 'bed setup ${opt[kernel]}' first"

	bed_lock "$action ${opt[kernel]} $*"
	plugin_setup
	vm_prepare "$@"
	if [[ $action == shell ]]; then
		vm_shell
	else
		vm_run
	fi
}

vm_check_options()
{
	local action=$1 name

	shift
	for name in cpus timeout; do
		[[ ${opt[$name]} =~ ^[1-9][0-9]*$ ]] || die_usage "--$name '${opt[$name]}' is not a number"
	done
	[[ ${opt[memory]} =~ ^[1-9][0-9]*[MG]$ ]] || die_usage "--memory '${opt[memory]}': like 4G"
	[[ ${opt[ratio]} =~ ^[0-9.]*$ ]] || die_usage "--ratio '${opt[ratio]}' is not a decimal number"
	kernel_name_is_valid "${opt[kernel]}" || die_usage "no such kernel: '${opt[kernel]}'"
	[[ $action == shell || $# -gt 0 ]] || die_usage "$action: no command"
}

vm_prepare()
{
	rm -rf "$RUN_DIR"
	mkdir -p "$RUN_DIR" "$BED_DIR/mnt"
	cp "$BED_DIR"/bin/{mperf.so,spin,l2probe} "$RUN_DIR"
	printf '%s\0' "$@" >"$RUN_DIR/command"
	printf '%s\n' "${opt[kvm]}" >"$RUN_DIR/kvm"
}

vm_kernel_args()
{
	# The watchdog compares TSC with a clock that the outer scheduler can delay, and would then
	# declare TSC unstable. A kernel that oopsed must not go on and pass.
	local args="tsc=reliable oops=panic" last=$((opt[cpus] - 1))

	# A shell shares the console; else it goes to a log.
	[[ $action == shell ]] || args+=" loglevel=7"

	if [[ ${opt[plain]} == no ]] && ((last > 0)); then
		# CPU 0 does the housekeeping; guests under test are pinned to the others.
		args+=" nohz_full=1-$last isolcpus=1-$last rcu_nocbs=1-$last irqaffinity=0"
	fi
	printf '%s\n' "$args ${opt[append]}"
}

vm_qemu_args()
{
	local -a args=(-accel "tcg,thread=multi" -cpu "$VM_CPU") plugin=(/bed/mperf.so)

	[[ ${opt[count]} == no ]] || plugin+=(count=on)
	[[ ${opt[where]} == no ]] || plugin+=(where=/bed/where)
	[[ -z ${opt[ratio]} ]] || plugin+=("ratio=${opt[ratio]}")
	[[ ${opt[mperf]} == no ]] || args+=(-plugin "$(IFS=,; printf '%s' "${plugin[*]}")")
	printf '%s\n' "${args[*]} $*"
}

# Sets `vng` to the command line that runs inside the root. EXTRA QEMU arguments follow.
vm_vng_command()
{
	vng=(
		vng --run "$(<"$BED_DIR/kernel/${opt[kernel]}/release")"
		--disable-kvm --disable-microvm --force-9p --rw --user root --name bed
		--cpus "${opt[cpus]}" --memory "${opt[memory]}" --append "$(vm_kernel_args)"
		--qemu-opts="$(vm_qemu_args "$@")"
	)
}

# Execs into the namespaces; --pdeathsig for the case that this script is killed outright.
vm_enter()
{
	exec setpriv --pdeathsig KILL \
		unshare --mount --pid --fork --kill-child --propagation private -- \
		"$BED_HERE/lib/enter" "$BED_DIR" "$BED_REPO" "${opt[kernel]}" "$@"
}

vm_shell()
{
	local -a vng

	[[ -t 0 && -t 1 ]] || die "shell needs a terminal"
	vm_vng_command
	(vm_enter "${vng[@]}") {BED_LOCK_FD}>&-
}

# QEMU truncates what it writes its output to, and sets it non-blocking: so it never gets this
# script's own stdout, which may be a file, but pipes. Its console goes to a log by `-set`, the
# only handle on the chardev that virtme-ng points at /dev/null.
vm_run()
{
	local vm timer first status=0 started=$EPOCHREALTIME
	local -a vng relays=()

	vm_vng_command -set chardev.console.path=/bed/console.log
	vng+=(--exec "exec /src/tests/vm/lib/l1")

	mkfifo "$RUN_DIR/stdout" "$RUN_DIR/stderr"
	cat "$RUN_DIR/stdout" &
	relays+=($!)
	cat "$RUN_DIR/stderr" >&2 &
	relays+=($!)
	(vm_enter "${vng[@]}") {BED_LOCK_FD}>&- \
		</dev/null >"$RUN_DIR/stdout" 2>"$RUN_DIR/stderr" &
	vm=$!
	setpriv --pdeathsig KILL sleep "${opt[timeout]}" {BED_LOCK_FD}>&- &
	timer=$!
	trap 'vm_stop "$vm" "$timer" "${relays[@]}"; exit 130' INT
	trap 'vm_stop "$vm" "$timer" "${relays[@]}"; exit 143' TERM HUP

	wait -n -p first "$vm" "$timer" || :
	kill -KILL "$vm" "$timer" 2>/dev/null || :
	wait "$vm" "$timer" "${relays[@]}" 2>/dev/null || :
	trap - INT TERM HUP

	if [[ -s $RUN_DIR/status ]]; then
		status=$(<"$RUN_DIR/status")
		vm_report "$started"
	elif [[ $first == "$timer" ]]; then
		status=$EXIT_TIMEOUT
		vm_report_death "killed at its timeout of ${opt[timeout]} s"
	else
		status=$EXIT_VM_DIED
		vm_report_death "died, or did not come up"
	fi
	exit "$status"
}

vm_stop()
{
	kill -KILL "$@" 2>/dev/null || :
	wait "$@" 2>/dev/null || :
}

vm_report()
{
	local booted ended stolen=''

	booted=$(stat -c %.2Y "$RUN_DIR/booted")
	ended=$(stat -c %.2Y "$RUN_DIR/status")
	[[ ! -s $RUN_DIR/stolen ]] || stolen="; stolen: $(<"$RUN_DIR/stolen")"
	note "kernel ${opt[kernel]}: boot $(awk -v a="$1" -v b="$booted" 'BEGIN { printf "%.1f", b-a }') s," \
		"command $(awk -v a="$booted" -v b="$ended" 'BEGIN { printf "%.1f", b-a }') s," \
		"all $(seconds_since "$1") s$stolen"
}

vm_report_death()
{
	note "kernel ${opt[kernel]}: the VM $1; the end of its console ($RUN_DIR/console.log):"
	tail -n 60 "$RUN_DIR/console.log" >&2 2>/dev/null || note "(nothing)"
}

vm_selftest()
{
	local kernel=6.12

	if (($#)); then
		[[ $1 == --kernel && $# == 2 ]] || die_usage "selftest: --kernel NAME or nothing"
		kernel=$2
	fi
	require_root
	exec env BED_DIR="$BED_DIR" BED_KERNEL="$kernel" bats "$BED_HERE/bed.bats"
}
