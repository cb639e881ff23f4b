# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Debian kernels, found in the indices of the suites and unpacked without their maintainer scripts. A kernel is a
# directory with lib/modules/RELEASE, which includes vmlinuz, and the file `release`, which is written last. Sourced
# by ../bed.
#
# To add a kernel, add a name here, and the suites that have it. Any X.Y in the index of trixie-backports can be
# requested by that name without being listed.

kernel_names()
{
	printf '%s\n' 5.10 6.1 6.12 between newest
}

kernel_suites()
{
	case $1 in
	5.10) echo bullseye bullseye-security ;;
	6.1) echo bookworm bookworm-security ;;
	6.12) echo trixie trixie-security ;;
	*) echo trixie-backports ;;
	esac
}

kernel_name_is_valid()
{
	[[ $1 =~ ^([0-9]+\.[0-9]+|between|newest)$ ]]
}

# kernel_candidates NAME SET: prints the image packages to try for a kernel, best first. There may be several, because
# an index can name a package that is no longer in the pool.
kernel_candidates()
{
	local name=$1 set=$2

	case $name in
	5.10 | 6.1 | 6.12 | newest)
		archive_apt "$set" apt-cache depends linux-image-amd64 |
			sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p'
		;;
	between)
		# The latest of the 6.x series: newer than trixie's own, older than `newest`.
		kernel_index "$set" | grep -E '^linux-image-6\.'
		;;
	*)
		kernel_index "$set" | grep -E "^linux-image-${name//./\\.}[.+-]"
		;;
	esac
}

# kernel_index SET: prints all generic signed images in an index, newest first.
kernel_index()
{
	archive_apt "$1" apt-cache pkgnames linux-image- |
		grep -E '^linux-image-[0-9]+\.[0-9]+(\.[0-9]+)?([-+][^-]*)?-amd64$' | sort -V -r
}

# kernel_packages SET PACKAGE: prints PACKAGE and the packages with the other parts of its kernel: since 6.19 Debian
# splits the image into linux-binary and linux-modules. linux-base, with the configuration and an empty System.map, is
# not needed to boot, and is the first one to vanish from an index.
kernel_packages()
{
	printf '%s\n' "$2"
	archive_apt "$1" apt-cache depends "$2" |
		sed -n -E 's/^ *Depends: (<?linux-(binary|modules)-[0-9][^ ]*)$/\1/p'
}

# kernel_is_done KERNEL...: whether all of these kernels are installed.
kernel_is_done()
{
	local name

	for name; do
		[[ -f $BED_DIR/kernel/$name/release ]] || return
	done
}

kernel_setup_all()
{
	local update=$1 name status=0
	local -a unavailable=()

	shift
	for name; do
		kernel_name_is_valid "$name" || die_usage "no such kernel: '$name'"
	done
	for name; do
		status=0
		kernel_setup "$update" "$name" || status=$?
		case $status in
		0) ;;
		"$EXIT_UNAVAILABLE") unavailable+=("$name") ;;
		*) exit "$status" ;;
		esac
	done
	if ((${#unavailable[@]})); then
		note "not available in the archives that apt is configured with: ${unavailable[*]}"
		exit "$EXIT_UNAVAILABLE"
	fi
}

kernel_setup()
{
	local update=$1 name=$2 dir=$BED_DIR/kernel/$2 set package started=$EPOCHREALTIME
	local status=$EXIT_UNAVAILABLE
	local -a suites

	if [[ $update == no ]] && kernel_is_done "$name"; then
		note "kernel $name: already installed ($(<"$dir/release"))"
		return
	fi

	read -r -a suites < <(kernel_suites "$name")
	set=${suites[0]}
	note "kernel $name: fetching the index of ${suites[*]}"
	if ! archive_update "$set" "${suites[@]}"; then
		note "kernel $name: no index for ${suites[*]} (moved to the archive of old releases?)"
		return "$EXIT_UNAVAILABLE"
	fi

	while read -r package; do
		note "kernel $name: fetching $package"
		if kernel_install "$name" "$set" "$package"; then
			note "kernel $name: $(<"$dir/release") in $(seconds_since "$started") s"
			return
		elif (($? != EXIT_UNAVAILABLE)); then
			# A package that the index has and that cannot be installed is a failure, not a kernel that is gone.
			status=$EXIT_FAILURE
		fi
	done < <(kernel_candidates "$name" "$set")
	note "kernel $name: no package of ${suites[*]} could be installed"
	return "$status"
}

kernel_install()
{
	local name=$1 set=$2 package=$3 dir=$BED_DIR/kernel/$1 new=$BED_DIR/kernel/$1.new
	local release=${3#linux-image-} modules deb
	local -a packages

	mapfile -t packages < <(kernel_packages "$set" "$package")
	# apt-cache puts packages that are not in the index in angle brackets.
	if [[ ${packages[*]} == *'<'* ]]; then
		note "kernel $name: $package: other parts of it are no longer in the index"
		return "$EXIT_UNAVAILABLE"
	fi
	rm -rf "$new"
	mkdir -p "$new/deb" "$new/tree" "$new/lib/modules"
	(cd "$new/deb" && logged "kernel-$name.log" archive_apt "$set" apt-get download "${packages[@]}") ||
		return
	for deb in "$new"/deb/*.deb; do
		dpkg-deb -x "$deb" "$new/tree" || return
	done

	modules=$new/lib/modules/$release
	# Since 6.17 modules are below /usr/lib, and since 7.2 vmlinuz is beside them.
	mv "$new"/tree/{usr/,}lib/modules/"$release" "$new/lib/modules/" 2>/dev/null
	[[ -s $modules/vmlinuz ]] || mv "$new/tree/boot/vmlinuz-$release" "$modules/vmlinuz" || return
	depmod -b "$new" "$release" || return
	rm -rf "$new/deb" "$new/tree"

	kernel_check "$modules" || return
	printf '%s\n' "$release" >"$new/release"
	rm -rf "$dir"
	mv "$new" "$dir"
}

kernel_check()
{
	local module

	[[ -s $1/vmlinuz ]] || return
	for module in kvm-amd msr 9p 9pnet_virtio; do
		grep -q -E "(^|/)$module\.ko" "$1/modules.dep" || {
			note "no module $module in ${1##*/}"
			return "$EXIT_FAILURE"
		}
	done
}

kernel_list()
{
	local name

	{
		kernel_names
		find "$BED_DIR/kernel" -mindepth 2 -maxdepth 2 -name release -printf '%P\n' 2>/dev/null |
			sed 's|/.*||'
	} | sort -u -V | while read -r name; do
		if [[ -f $BED_DIR/kernel/$name/release ]]; then
			printf '%-10s %-28s installed\n' "$name" "$(<"$BED_DIR/kernel/$name/release")"
		else
			printf '%-10s %-28s not installed\n' "$name" -
		fi
	done
}
