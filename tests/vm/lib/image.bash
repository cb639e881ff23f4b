# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What L1 boots from: the root as a disk image, and an initramfs for each kernel. Both are made when they are
# missing or older than what they are made of. Sourced by ../bed.

readonly IMAGE_DIR=$BED_DIR/image

# Modules that L1 needs before it has its root, and KVM's, so that they are loaded in a snapshot.
readonly INITRAMFS_MODULES=(virtio_pci virtio_blk ext4 overlay virtio_console 9pnet_virtio 9p msr kvm-amd)

# image_is_done KEY FILE: FILE was made from what KEY tells.
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
	local kernel=$1

	mkdir -p "$IMAGE_DIR"
	image_root_setup
	image_initramfs_setup "$kernel"
}

# The root and the packages that were added to it.
image_root_key()
{
	root_key
	extra_packages
}

image_root_setup()
{
	local key file=$IMAGE_DIR/root.ext4 started=$EPOCHREALTIME

	key=$(image_root_key)
	image_is_done "$key" "$file" && return
	rm -f "$file.new"
	# Without what a read-only disk does not need; checksums need modules on old kernels.
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

# image_tree KERNEL TREE MODULE...: what goes into an initramfs.
image_tree()
{
	local kernel=$1 tree=$2

	shift 2
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/modules"
	install -m 755 "$BED_DIR/root/usr/bin/busybox" "$tree/bin/busybox"
	install -m 755 "$BED_HERE/lib/init" "$tree/init"
	install -m 755 "$BED_HERE/lib/l1-init" "$tree/l1-init"
	image_modules "$kernel" "$tree/modules" "$@" || die "kernel $kernel: cannot gather the modules that L1 boots with"
}

# image_pack TREE FILE: by the tree's own busybox, into FILE.new. Unpacked by an emulated CPU, so not compressed.
image_pack()
{
	(cd "$1" && find . | sort | bin/busybox cpio -o -H newc -R 0:0 2>/dev/null) >"$2.new"
	rm -rf "$1"
}

# image_modules KERNEL DIR MODULE...: the modules with all that they depend on, named in the order of loading. A kernel has some of
# them built in.
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
