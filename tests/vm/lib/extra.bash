# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Packages that only some runs need, added to the root on demand: `bed install`. Their stamp contains the key of the
# root, so that a new root lacks them until they are requested again. Sourced by ../bed.

# Prints the packages that were added to this root.
extra_packages()
{
	local stamp=$BED_DIR/stamp/extra key packages

	[[ -f $stamp ]] || return 0
	read -r key packages <"$stamp"
	[[ $key != "$(root_key)" ]] || printf '%s\n' "$packages"
}

extra_is_done()
{
	local package have

	have=" $(extra_packages) "
	for package; do
		[[ $have == *" $package "* ]] || return
	done
}

# Installs into a copy that replaces the root when it is complete, so that an interrupted apt leaves no trace.
extra_setup()
{
	local new=$BED_DIR/root.new started=$EPOCHREALTIME
	local -a all=()

	root_is_done || die "not set up: run 'bed setup' first"
	if extra_is_done "$@"; then
		note "already installed: $*"
		return
	fi
	read -r -a all < <(extra_packages) || :
	mapfile -t all < <(printf '%s\n' "${all[@]}" "$@" | sort -u)
	note "root: installing $*"
	rm -rf --one-file-system "$new"
	cp -a --reflink=auto "$BED_DIR/root" "$new"
	logged extra.log unshare --mount --propagation private -- "$BED_HERE/lib/install" "$new" "$@" ||
		die "could not install $*, see $BED_DIR/log/extra.log"
	stamp_clear extra
	stamp_clear root
	rm -rf --one-file-system "$BED_DIR/root"
	mv "$new" "$BED_DIR/root"
	stamp_set root "$(root_key)"
	stamp_set extra "$(root_key) ${all[*]}"
	note "root: done in $(seconds_since "$started") s, $(du -sh "$BED_DIR/root" | cut -f 1)"
}

bed_install()
{
	(($#)) || die_usage "install: no package"
	[[ " $*" != *' -'* ]] || die_usage "install: options are not supported"
	require_root
	if root_is_done && extra_is_done "$@"; then
		note "already installed: $*"
		return
	fi
	bed_lock setup "install $*"
	extra_setup "$@"
}
