# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A VM with Intel's VMX: Bochs, built with ../vmx/bochs.patch, boots the same kernels with the same root. Sourced by
# ../bed.
#
# It has three disks: the root; one with the checkout, /bed and the modules, which is made for each run; and one on
# which L1 leaves the files that it has written, as a tar archive (../vmx/l1). It boots from a CD. The output of the
# command goes through serial ports.

readonly VMX_DIR=$BED_DIR/vmx
readonly VMX_RUN=$VMX_DIR/run/$$

# Packages that Bochs needs on this machine in addition to those of the bed.
readonly VMX_HOST_PACKAGES=(e2fsprogs g++ isolinux make patch syslinux-common xorriso)

readonly VMX_MODULES=(ata_piix sd_mod ext4 overlay msr kvm-intel)

# The number of instructions in a second of L1, on the CPU that executes most.
readonly VMX_IPS=200000000

# The MiB that a run can write below /src and /bed.
readonly VMX_FREE_MB=512

vmx_key()
{
	cat "$BED_HERE"/vmx/{build,bed.h,bochs.patch} | sha256sum | cut -d ' ' -f 1
}

vmx_is_done()
{
	stamp_is vmx "$(vmx_key)" && [[ -x $VMX_DIR/bochs/bochs ]]
}

vmx_setup()
{
	local started=$EPOCHREALTIME fetched=$VMX_DIR/fetched

	vmx_is_done && return
	host_install "${VMX_HOST_PACKAGES[@]}"
	stamp_clear vmx
	rm -rf "$VMX_DIR/bochs" "$fetched"
	mkdir -p "$fetched"
	note "vmx: fetching Bochs' source and BIOS from Debian $ROOT_SUITE"
	(cd "$fetched" && logged vmx-fetch.log vmx_fetch) || die "could not fetch the source of Bochs"
	note "vmx: building $(cd "$fetched" && echo bochs_*.orig.tar.*)"
	logged vmx-build.log "$BED_HERE/vmx/build" "$fetched" "$VMX_DIR/bochs" ||
		die "could not build Bochs, see $BED_DIR/log/vmx-build.log"
	rm -rf "$fetched"
	stamp_set vmx "$(vmx_key)"
	note "vmx: done in $(seconds_since "$started") s"
}

# Fetches Bochs' original source only, because Debian's changes concern packaging. The BIOS in that source supports
# only one CPU; Debian has Bochs' other BIOS in a package of its own.
vmx_fetch()
{
	local dir=$BED_DIR/apt/bochs

	archive_update bochs "$ROOT_SUITE" || return
	sed 's/^deb /deb-src /' "$dir/sources.list" >"$dir/sources.src"
	cat "$dir/sources.src" >>"$dir/sources.list"
	archive_apt bochs apt-get update || return
	archive_apt bochs apt-get source --tar-only --download-only bochs || return
	archive_apt bochs apt-get download bochsbios vgabios
}

# vmx_command COMMAND...: runs it in a VM with VMX and the options in `opt`, and exits with its status.
vmx_command()
{
	local lock

	[[ ${opt[where]} == no && ${opt[mperf]} == yes && -z ${opt[ratio]} ]] ||
		die_usage "--vmx excludes --where, --no-mperf and --ratio"
	mkdir -p "$VMX_DIR"
	exec {lock}>>"$BED_DIR/setup.lock"
	flock "$lock"
	plugin_setup
	image_root_setup
	vmx_setup
	vmx_initramfs_setup
	exec {lock}>&-

	RUN_DIR=$VMX_RUN/bed
	trap 'rm -rf "$VMX_RUN"' EXIT
	vmx_prepare "$@"
	vmx_run
}

# Makes the same initramfs as for the other bed, with other modules and the scripts for this one.
vmx_initramfs_setup()
{
	local key file=$IMAGE_DIR/initramfs-${opt[kernel]}-vmx tree=$IMAGE_DIR/tree.$BASHPID module

	key=$(image_initramfs_key "${opt[kernel]}" && cat "$BED_HERE"/vmx/{disks,l1} "$BED_HERE/lib/vmx.bash" | sha256sum)
	image_is_done "$key" "$file" && return
	image_tree "${opt[kernel]}" "$tree" "${VMX_MODULES[@]}"
	cp "$BED_HERE/vmx/disks" "$tree/machine-init"
	cp "$BED_HERE/vmx/l1" "$tree/machine-l1"
	for module in "$tree"/modules/*.ko; do
		vmx_unsign "$module"
	done
	image_pack "$tree" "$file"
	image_publish "$key" "$file"
}

# vmx_unsign FILE: removes the signature from a module (include/linux/module_signature.h), because checking signatures
# takes a third of the instructions of a boot.
vmx_unsign()
{
	local magic='~Module signature appended~' size

	[[ $(tail -c 28 "$1" | tr -d '\0') == "$magic" ]] || return 0
	size=$(tail -c 32 "$1" | od -A n -t u4 -N 4 --endian=big)
	truncate -s "-$((28 + 12 + size))" "$1"
}

vmx_prepare()
{
	local kernel=$BED_DIR/kernel/${opt[kernel]} modules dir

	for dir in "$VMX_DIR"/run/*; do
		[[ -e /proc/${dir##*/} ]] || rm -rf "$dir"
	done
	mkdir -p "$VMX_RUN"
	vm_prepare "$@"
	touch "$RUN_DIR/virtual"
	modules=$kernel/lib/modules/$(<"$kernel/release")
	logged "vmx-disk-$$.log" unshare --mount --propagation private -- "$BED_HERE/vmx/disk" "$VMX_RUN/run.img" \
		"$VMX_FREE_MB" "src=$BED_REPO" "bed=$RUN_DIR" "modules=$modules" changes= work= ||
		die "could not make a disk for the run"
	rm -f "$BED_DIR/log/vmx-disk-$$.log"
	truncate -s "${VMX_FREE_MB}M" "$VMX_RUN/results"
	vmx_boot_disc "$modules/vmlinuz"
	vmx_config >"$VMX_RUN/bochsrc"
}

# vmx_boot_disc VMLINUZ: makes the CD to boot from.
vmx_boot_disc()
{
	local tree=$VMX_RUN/disc

	mkdir -p "$tree"
	cp "$1" "$tree/vmlinuz"
	cp "$IMAGE_DIR/initramfs-${opt[kernel]}-vmx" "$tree/initrd"
	cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$tree"
	# loglevel=5: each character of a message takes time on the serial port. reboot=t: a panic causes a triple
	# fault, which ends Bochs. cryptomgr.notests=1: the kernel's self-tests of ciphers would double the time of
	# the boot.
	cat >"$tree/isolinux.cfg" <<-EOF
		default bed
		label bed
		 kernel /vmlinuz
		 append initrd=/initrd console=ttyS0,115200 reboot=t cryptomgr.notests=1 $(vm_kernel_args) loglevel=5
	EOF
	logged "vmx-disc-$$.log" xorriso -as mkisofs -o "$VMX_RUN/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot \
		-boot-load-size 4 -boot-info-table "$tree" || die "could not make a disc to boot from"
	rm -rf "$tree" "$BED_DIR/log/vmx-disc-$$.log"
}

# A Haswell has EPT, VPID and unrestricted guests; later models have APICv, with which Bochs loses interrupts. The
# root's disk is `volatile`, because Bochs locks disks of other modes.
vmx_config()
{
	local memory_mb=${opt[memory]%[MG]}

	[[ ${opt[memory]} == *M ]] || memory_mb=$((memory_mb * 1024))
	cat <<-EOF
		cpu: model=corei7_haswell_4770, count=${opt[cpus]}, ips=$VMX_IPS, reset_on_triple_fault=0, ignore_bad_msrs=1
		memory: guest=$memory_mb, host=$memory_mb
		romimage: file=$VMX_DIR/bochs/bios
		vgaromimage: file=$VMX_DIR/bochs/vgabios
		vga: extension=cirrus
		pci: enabled=1, chipset=i440fx
		clock: sync=none, time0=$EPOCHSECONDS
		ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
		ata0-master: type=disk, path=$IMAGE_DIR/root.ext4, mode=volatile, journal=$VMX_RUN/root.redo
		ata0-slave: type=disk, path=$VMX_RUN/run.img, mode=flat
		ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
		ata1-master: type=disk, path=$VMX_RUN/results, mode=flat
		ata1-slave: type=cdrom, path=$VMX_RUN/boot.iso, status=inserted
		boot: cdrom
		com1: enabled=1, mode=file, dev=$VMX_RUN/console.log
		com2: enabled=1, mode=file, dev=$VMX_RUN/stdout
		com3: enabled=1, mode=file, dev=$VMX_RUN/stderr
		log: $VMX_RUN/bochs.log
		panic: action=fatal
		error: action=report
		info: action=ignore
		debug: action=ignore
		display_library: nogui
	EOF
}

vmx_run()
{
	local vm timer first status=0 started=$EPOCHREALTIME
	local -a relays=()

	mkfifo "$VMX_RUN/stdout" "$VMX_RUN/stderr"
	cat "$VMX_RUN/stdout" &
	relays+=($!)
	cat "$VMX_RUN/stderr" >&2 &
	relays+=($!)
	# Bochs opens a serial port's file only when something is written to it. Keep the FIFOs open for it, so that
	# the relays do not wait for that, and get the end of file when Bochs exits.
	setpriv --pdeathsig KILL "$VMX_DIR/bochs/bochs" -q -f "$VMX_RUN/bochsrc" {BED_LOCK_FD}>&- \
		7>"$VMX_RUN/stdout" 8>"$VMX_RUN/stderr" </dev/null >"$VMX_RUN/bochs.out" 2>&1 &
	vm=$!
	setpriv --pdeathsig KILL sleep "${opt[timeout]}" {BED_LOCK_FD}>&- &
	timer=$!
	trap 'vm_stop "$vm" "$timer" "${relays[@]}"; exit 130' INT
	trap 'vm_stop "$vm" "$timer" "${relays[@]}"; exit 143' TERM HUP

	wait -n -p first "$vm" "$timer" || :
	kill -KILL "$vm" "$timer" 2>/dev/null || :
	wait "$vm" "$timer" "${relays[@]}" 2>/dev/null || :
	trap - INT TERM HUP

	if vmx_results; then
		status=$(<"$RUN_DIR/status")
		vmx_report "$started"
	elif [[ $first == "$timer" ]]; then
		status=$EXIT_TIMEOUT
		vmx_report_death "killed at its timeout of ${opt[timeout]} s"
	else
		status=$EXIT_VM_DIED
		vmx_report_death "died, or did not boot"
	fi
	exit "$status"
}

# Copies what L1 has written below /bed and /src to the directories here. Fails if there is no exit status.
vmx_results()
{
	local changes=$VMX_RUN/changes file

	tar -x -f "$VMX_RUN/results" -C "$VMX_RUN" 2>/dev/null || return
	[[ -s $RUN_DIR/status ]] || return
	# The overlay marks files that L1 has removed by character devices.
	find "$changes" -type c -printf '%P\0' | while IFS= read -r -d '' file; do
		rm -rf "${BED_REPO:?}/$file" "${changes:?}/$file"
	done
	cp -a "$changes/." "$BED_REPO"
}

vmx_report()
{
	local booted ended

	read -r booted ended <"$RUN_DIR/uptime"
	note "kernel ${opt[kernel]}, VMX: boot $booted s, command $(awk -v a="$booted" -v b="$ended" \
		'BEGIN { printf "%.1f", b - a }') s of its own time, all $(seconds_since "$1") s"
}

vmx_report_death()
{
	trap - EXIT
	note "kernel ${opt[kernel]}, VMX: the VM $1; output of Bochs, and the end of its console ($VMX_RUN/console.log):"
	tail -n 5 "$VMX_RUN/bochs.log" >&2 2>/dev/null || :
	tail -n 60 "$VMX_RUN/console.log" >&2 2>/dev/null || note "(nothing)"
	rm -f "$VMX_RUN"/{run.img,boot.iso,results}
}
