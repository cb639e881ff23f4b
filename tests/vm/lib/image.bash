# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What L1 boots from: a disk image of the root, and an initramfs for each kernel. Both are made if they are missing,
# or if what they are made of has changed. Sourced by ../bed.

readonly IMAGE_DIR=$BED_DIR/image

# Modules that L1 needs to mount its root, and KVM's, so that a snapshot has them loaded.
readonly INITRAMFS_MODULES=(virtio_pci virtio_blk ext4 overlay virtio_console 9pnet_virtio 9p msr kvm-amd)

# image_is_done KEY FILE: whether FILE was made from what KEY identifies.
image_is_done()
{
	[[ -s $2 && -f $2.key && $(<"$2.key") == "$1" ]]
}

image_publish()
{
	mv "$2.new" "$2"
	printf '%s\n' "$1" >"$2.key"
}

image_setup()
{
	image_root_setup
	image_initramfs_setup "$1"
}

# Prints the keys of the root and of the packages that were added to it.
image_root_key()
{
	root_key
	extra_packages
}

image_root_setup()
{
	local key file=$IMAGE_DIR/root.ext4 started=$EPOCHREALTIME

	mkdir -p "$IMAGE_DIR"
	key=$(image_root_key)
	image_is_done "$key" "$file" && return
	rm -f "$file.new"
	# Without features that a read-only disk does not need; metadata checksums would need modules on old kernels.
	logged image.log mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -m 0 -b 4096 -I 256 \
		-d "$BED_DIR/root/" "$file.new" \
		"$(($(du -sm "$BED_DIR/root/" | cut -f 1) * 3 / 2 + 128))M" ||
		die "could not make the disk image of the root, see $BED_DIR/log/image.log"
	image_publish "$key" "$file"
	note "root: disk image in $(seconds_since "$started") s"
}

image_initramfs_key()
{
	local dir=$BED_DIR/kernel/$1

	printf '%s %s\n' "$(<"$dir/release")" "$(stat -c %Y "$dir/release")"
	cat "$BED_HERE/lib/init" "$BED_HERE/lib/l1-init" "$BED_HERE/lib/image.bash" | sha256sum
}

image_initramfs_setup()
{
	local kernel=$1 key file=$IMAGE_DIR/initramfs-$1 tree=$IMAGE_DIR/tree.$BASHPID

	key=$(image_initramfs_key "$kernel")
	image_is_done "$key" "$file" && return
	image_tree "$kernel" "$tree" "${INITRAMFS_MODULES[@]}"
	image_pack "$tree" "$file"
	image_publish "$key" "$file"
}

# image_tree KERNEL TREE MODULE...: makes the files of an initramfs.
image_tree()
{
	local kernel=$1 tree=$2

	shift 2
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/modules"
	install -m 755 "$BED_DIR/root/usr/bin/busybox" "$tree/bin/busybox"
	install -m 755 "$BED_HERE/lib/init" "$tree/init"
	install -m 755 "$BED_HERE/lib/l1-init" "$tree/l1-init"
	image_modules "$kernel" "$tree/modules" "$@" || die "kernel $kernel: cannot collect the modules L1 boots with"
}

# image_pack TREE FILE: packs the tree into FILE.new with the tree's own busybox. Not compressed, because an emulated
# CPU unpacks it.
image_pack()
{
	(cd "$1" && find . | sort | bin/busybox cpio -o -H newc -R 0:0 2>/dev/null) >"$2.new"
	rm -rf "$1"
}

# image_modules KERNEL DIR MODULE...: copies the modules and their dependencies, with names in the order of loading.
# Modules that are built into the kernel are skipped.
image_modules()
{
	local kernel=$1 dir=$2 release module file name number=10
	local -A seen=()

	shift 2
	release=$(<"$BED_DIR/kernel/$kernel/release")
	for module; do
		while read -r _ file _; do
			[[ ! -v seen[$file] ]] || continue
			seen[$file]=1
			name=${file##*/}
			case $file in
			*.xz) xz -dc "$file" ;;
			*.zst) zstd -dqc "$file" ;;
			*) cat "$file" ;;
			esac >"$dir/$((number++))-${name%%.ko*}.ko" || return
		done < <(modprobe -C /dev/null -d "$BED_DIR/kernel/$kernel" -S "$release" --show-depends "$module" 2>/dev/null | grep ^insmod)
	done
	((${#seen[@]} > 0))
}
