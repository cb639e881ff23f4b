# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2054 # QEMU's options have commas
#
# Running a VM. Sourced by ../bed.
#
# Everything that belongs to a VM runs in its own mount and PID namespaces (lib/enter): when their first process dies,
# the kernel kills the others and removes the mounts, however this script ends.
#
# The directory of the run is shared with L1, as /bed. L1 reads `command` from it, and writes `booted` and `status`;
# the console log is there as well. The directory stays if the VM has died.
#
# There are two kinds of time. A virtual VM (-icount) has a clock that counts instructions: other load on the machine
# below has no effect, idle time costs nothing, and its CPUs take turns on one core. A parallel VM (multi-threaded
# TCG) has a core for each CPU, and the time of the machine below.

RUN_DIR=$BED_DIR/run/$$

# An instruction takes 8 virtual nanoseconds: 125 million instructions a second.
readonly VM_ICOUNT_SHIFT=3

# EPYC is the CPU model whose SVM features TCG supports. Its features that TCG lacks are switched off here, because
# QEMU would warn of each of them, for each CPU, on the command's stderr.
readonly VM_CPU=EPYC,+svm,+npt,-fxsr-opt,-misalignsse,-osvw,-topoext,-nrip-save,-xsavec

# After this time, a VM that is to become a snapshot is considered not to have booted.
readonly VM_SNAPSHOT_TIMEOUT_S=180

vm_command()
{
	local -A opt=([kernel]=6.12 [cpus]=2 [memory]='' [append]='' [plain]=no [count]=no [where]=no [ratio]=''
		[mperf]=yes [kvm]=yes [timeout]=900 [time]=virtual [cold]=no)
	local action=$1

	shift
	while (($#)); do
		case $1 in
		--kernel | --cpus | --memory | --append | --ratio | --timeout)
			(($# > 1)) || die_usage "$1 needs a value"
			opt[${1#--}]=$2
			shift
			;;
		--plain | --cold) opt[${1#--}]=yes ;;
		--virtual | --parallel | --vmx) opt[time]=${1#--} ;;
		--count) opt[count]=yes ;;
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
	# The plugin counts in parallel time only, and Bochs always.
	[[ ${opt[count]} == no || ${opt[time]} == vmx ]] || opt[time]=parallel
	if [[ $action == shell ]]; then
		[[ ${opt[time]} != vmx ]] || die_usage "shell goes without --vmx"
		# A user at a terminal needs a clock that does not run ahead.
		opt[time]=parallel
	fi
	[[ ${opt[memory]} ]] || opt[memory]=$([[ ${opt[time]} == vmx ]] && echo 1G || echo 4G)
	vm_check_options "$action" "$@"

	require_root
	[[ -d $BED_DIR/root && -f $BED_DIR/stamp/root ]] || die "not set up: run 'bed setup' first"
	kernel_is_done "${opt[kernel]}" ||
		die "kernel ${opt[kernel]} is not installed: run 'bed setup ${opt[kernel]}' first"

	bed_lock "${opt[time]/vmx/virtual}" "$action ${opt[kernel]} $*"
	[[ ${opt[time]} != vmx ]] || vmx_command "$@"
	vm_setup
	trap 'rm -rf "$RUN_DIR"' EXIT
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

# Makes what the bed builds itself, for all runs; locked, because several runs may find it missing at the same time.
vm_setup()
{
	local lock

	exec {lock}>>"$BED_DIR/setup.lock"
	flock "$lock"
	plugin_setup
	image_setup "${opt[kernel]}"
	SNAPSHOT=''
	if vm_has_snapshot; then
		SNAPSHOT=$BED_DIR/snapshot/${opt[kernel]}-${opt[time]}-plain-${opt[plain]}.$(vm_snapshot_key)
		[[ -s $SNAPSHOT ]] || vm_snapshot_make "$SNAPSHOT" || SNAPSHOT=''
	fi
	exec {lock}>&-
}

# vm_prepare COMMAND...: makes the directory of the run.
vm_prepare()
{
	local dir

	# Remove the directories of VMs that died; they were kept so that their consoles could be read.
	for dir in "$BED_DIR"/run/*; do
		[[ -e /proc/${dir##*/} ]] || rm -rf "$dir"
	done
	rm -rf "$RUN_DIR"
	mkdir -p "$RUN_DIR"
	cp "$BED_DIR"/bin/{mperf.so,spin,l2probe} "$RUN_DIR"
	printf '%s\0' "$@" >"$RUN_DIR/command"
	printf '%s\n' "$EPOCHREALTIME" >"$RUN_DIR/now"
	[[ ${opt[time]} != virtual ]] || touch "$RUN_DIR/virtual"
}

vm_kernel_args()
{
	# tsc=reliable: the clocksource watchdog compares TSC with a clock that the outer scheduler can delay, and
	# would declare TSC unstable. oops=panic: a kernel that oopsed must not go on, so that the test does not pass.
	local args="console=ttyS0 loglevel=6 panic=-1 tsc=reliable oops=panic" last=$((opt[cpus] - 1))

	if [[ ${opt[plain]} == no ]] && ((last > 0)); then
		# CPU 0 does the housekeeping; guests under test are pinned to the other CPUs.
		args+=" nohz_full=1-$last isolcpus=1-$last rcu_nocbs=1-$last irqaffinity=0"
	fi
	# Instructions are counted with the mitigations that hosts have by default.
	[[ ${opt[count]} == yes ]] || args+=" mitigations=off"
	printf '%s\n' "$args bed.kvm=${opt[kvm]} ${opt[append]}"
}

# Snapshots exist only for the options that most runs use; other runs boot.
vm_has_snapshot()
{
	[[ ${opt[cpus]} == 2 && ${opt[memory]} == 4G && -z ${opt[append]} && ${opt[count]} == no &&
		${opt[mperf]} == yes && ${opt[kvm]} == yes && ${opt[cold]} == no ]]
}

vm_snapshot_key()
{
	local -a qemu

	vm_qemu_command
	{
		printf '%s\n' "${qemu[@]}" "$(vm_kernel_args)"
		cat "$IMAGE_DIR/root.ext4.key" "$IMAGE_DIR/initramfs-${opt[kernel]}.key"
		sha256sum <"$BED_DIR/bin/mperf.so"
	} | sha256sum | cut -c 1-16
}

# Sets `qemu` to the command line to run inside the root, without what is specific to one run.
vm_qemu_command()
{
	local name

	qemu=(
		qemu-system-x86_64 -name bed -M q35 -cpu "$VM_CPU" -smp "${opt[cpus]}" -m "${opt[memory]}"
		-nodefaults -no-user-config -display none -no-reboot
		-kernel /media/vmlinuz
		-initrd "/mnt/image/initramfs-${opt[kernel]}"
		-drive "file=/mnt/image/root.ext4,format=raw,if=none,id=root,readonly=on,file.locking=off"
		-device virtio-blk-pci,drive=root
		-device virtio-rng-pci
		-device virtio-serial-pci
		-device virtserialport,chardev=stdout,name=bed.stdout,nr=1
		-device virtserialport,chardev=stderr,name=bed.stderr,nr=2
	)
	for name in src bed media; do
		qemu+=(-fsdev "local,id=$name,path=/$name,security_model=none,multidevs=remap")
	done
	qemu+=(
		-device virtio-9p-pci,fsdev=src,mount_tag=src
		-device virtio-9p-pci,fsdev=bed,mount_tag=bed
		-device virtio-9p-pci,fsdev=media,mount_tag=modules
	)
	if [[ ${opt[time]} == virtual ]]; then
		qemu+=(-accel tcg,thread=single -icount "shift=$VM_ICOUNT_SHIFT,sleep=off")
	else
		qemu+=(-accel tcg,thread=multi)
	fi
}

# vm_plugin_args NAME=VALUE...: prints the argument of QEMU's -plugin.
vm_plugin_args()
{
	local -a plugin=(/bed/mperf.so "$@")

	[[ ${opt[count]} == no ]] || plugin+=(count=on)
	[[ ${opt[where]} == no ]] || plugin+=(where=/bed/where)
	[[ -z ${opt[ratio]} ]] || plugin+=("ratio=${opt[ratio]}")
	(IFS=,; printf '%s\n' "${plugin[*]}")
}

# vm_enter COMMAND...: execs COMMAND in the namespaces; --pdeathsig ends it even if this script is killed by SIGKILL.
vm_enter()
{
	exec setpriv --pdeathsig KILL \
		unshare --mount --pid --fork --kill-child --propagation private -- \
		"$BED_HERE/lib/enter" "$BED_DIR" "$BED_REPO" "$RUN_DIR" "${opt[kernel]}" "$@"
}

# vm_snapshot_make FILE: boots a VM until L1 waits, and saves its state. If that fails, the run boots instead.
vm_snapshot_make()
{
	local file=$1 vm driver timer first started=$EPOCHREALTIME
	local -a qemu

	mkdir -p "${file%/*}"
	# Remove snapshots of earlier versions of the bed; a running VM has read its snapshot completely.
	rm -f "${file%.*}".*
	vm_prepare true
	mkfifo "$RUN_DIR/monitor.in" "$RUN_DIR/monitor.out"
	vm_qemu_command
	qemu+=(
		-chardev file,id=stdout,path=/dev/null -chardev file,id=stderr,path=/dev/null
		-serial file:/bed/console.log -chardev pipe,id=monitor,path=/bed/monitor -mon chardev=monitor
		-plugin "$(vm_plugin_args)" -append "$(vm_kernel_args) bed.wait=yes"
	)
	(vm_enter "${qemu[@]}") {BED_LOCK_FD}>&- </dev/null >"$RUN_DIR/qemu.log" 2>&1 &
	vm=$!
	{
		until grep -q '^l1-init: ready' "$RUN_DIR/console.log" 2>/dev/null; do sleep 0.1; done
		cat "$RUN_DIR/monitor.out" >"$RUN_DIR/monitor.log" &
		printf 'migrate_set_parameter max-bandwidth 100G\nmigrate file:/bed/state\nquit\n' >"$RUN_DIR/monitor.in"
		wait
	} {BED_LOCK_FD}>&- &
	driver=$!
	setpriv --pdeathsig KILL sleep "$VM_SNAPSHOT_TIMEOUT_S" {BED_LOCK_FD}>&- &
	timer=$!
	trap 'vm_stop "$vm" "$driver" "$timer"; exit 143' INT TERM HUP
	wait -n -p first "$vm" "$timer" || :
	vm_stop "$vm" "$driver" "$timer"
	trap - INT TERM HUP
	if [[ ! -s $RUN_DIR/state ]] || grep -q '^Error' "$RUN_DIR/monitor.log"; then
		note "kernel ${opt[kernel]}: could not make a snapshot; booting instead:"
		cat "$RUN_DIR/qemu.log" "$RUN_DIR/monitor.log" >&2 2>/dev/null || :
		tail -n 20 "$RUN_DIR/console.log" >&2 2>/dev/null || :
		return "$EXIT_FAILURE"
	fi
	mv "$RUN_DIR/state" "$file"
	note "kernel ${opt[kernel]}: snapshot in $(seconds_since "$started") s, $(du -h "$file" | cut -f 1)"
}

# Sets `qemu` to the complete command line of a run.
vm_run_command()
{
	vm_qemu_command
	[[ ${opt[mperf]} == no ]] || qemu+=(-plugin "$(vm_plugin_args wanted=on)")
	if [[ -n $SNAPSHOT ]]; then
		qemu+=(-append "$(vm_kernel_args) bed.wait=yes" -incoming "file:/mnt/snapshot/${SNAPSHOT##*/}")
	else
		qemu+=(-append "$(vm_kernel_args)")
	fi
}

vm_shell()
{
	local -a qemu

	[[ -t 0 && -t 1 ]] || die "shell needs a terminal"
	touch "$RUN_DIR/shell"
	vm_run_command
	qemu+=(
		-chardev file,id=stdout,path=/dev/null -chardev file,id=stderr,path=/dev/null
		-serial mon:stdio
	)
	(vm_enter "${qemu[@]}") {BED_LOCK_FD}>&-
}

# QEMU truncates its output files and makes them nonblocking. Therefore it gets pipes instead of this script's stdout,
# which may be a file.
vm_run()
{
	local vm timer first status=0 started=$EPOCHREALTIME
	local -a qemu relays=()

	vm_run_command
	qemu+=(
		-chardev file,id=stdout,path=/bed/stdout -chardev file,id=stderr,path=/bed/stderr
		-serial file:/bed/console.log
	)
	mkfifo "$RUN_DIR/stdout" "$RUN_DIR/stderr"
	cat "$RUN_DIR/stdout" &
	relays+=($!)
	cat "$RUN_DIR/stderr" >&2 &
	relays+=($!)
	(vm_enter "${qemu[@]}") {BED_LOCK_FD}>&- </dev/null >"$RUN_DIR/qemu.log" 2>&1 &
	vm=$!
	setpriv --pdeathsig KILL sleep "${opt[timeout]}" {BED_LOCK_FD}>&- &
	timer=$!
	trap 'vm_stop "$vm" "$timer" "${relays[@]}"; exit 130' INT
	trap 'vm_stop "$vm" "$timer" "${relays[@]}"; exit 143' TERM HUP

	wait -n -p first "$vm" "$timer" || :
	kill -KILL "$vm" "$timer" 2>/dev/null || :
	# If QEMU has ended before it opened its ends of the pipes, the relays still wait; opening them here ends
	# that.
	: <>"$RUN_DIR/stdout" <>"$RUN_DIR/stderr"
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
		vm_report_death "died, or did not boot"
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
	note "kernel ${opt[kernel]}, ${opt[time]} time: start $(awk -v a="$1" -v b="$booted" 'BEGIN { printf "%.1f", b-a }') s," \
		"command $(awk -v a="$booted" -v b="$ended" 'BEGIN { printf "%.1f", b-a }') s," \
		"all $(seconds_since "$1") s$stolen"
}

vm_report_death()
{
	trap - EXIT
	note "kernel ${opt[kernel]}: the VM $1; output of QEMU, and the end of its console ($RUN_DIR/console.log):"
	cat "$RUN_DIR/qemu.log" >&2
	tail -n 60 "$RUN_DIR/console.log" >&2 2>/dev/null || note "(nothing)"
}

vm_selftest()
{
	local kernel=6.12

	# --files is followed by the files in tests/suites, all of which are run anyway.
	[[ ${1:-} != --files ]] || set --
	if (($#)); then
		[[ $1 == --kernel && $# == 2 ]] || die_usage "selftest: only --kernel NAME is supported"
		kernel=$2
	fi
	require_root
	exec env BED_DIR="$BED_DIR" BED_KERNEL="$kernel" bats --tap "$BED_HERE/bed.bats"
}
