# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The Debian root that QEMU runs in, and that L1 has as its own root, from a disk image. Sourced by ../bed.

readonly ROOT_SUITE=trixie
readonly ROOT_SUITES=(trixie trixie-security trixie-backports)

# QEMU's plugins can set the PC since 11.0, with the callbacks used here since 11.1.
readonly QEMU_MIN_MAJOR=11 QEMU_MIN_MINOR=1

readonly ROOT_PACKAGES=(
	bats bpftool bsdextrautils busybox-static ca-certificates file iproute2 jq kmod libbpf1
	libcap-ng0 libelf1t64 libjson-c5 libmicrohttpd12t64 libseccomp2 libsystemd0 linux-perf
	msr-tools procps psmisc python3 qemu-system-x86 socat strace util-linux xz-utils
	zlib1g
)

root_key()
{
	sha256sum <"$BED_HERE/lib/root.bash" | cut -d ' ' -f 1
}

# Only QEMU and its firmware come from backports; the rest stays stable.
root_preferences()
{
	cat <<'EOF'
Package: src:qemu src:seabios
Pin: release n=trixie-backports
Pin-Priority: 990
EOF
}

root_is_done()
{
	stamp_is root "$(root_key)"
}

root_setup()
{
	local key new=$BED_DIR/root.new started=$EPOCHREALTIME

	if root_is_done; then
		note "root: there already"
		return
	fi
	key=$(root_key)
	stamp_clear root
	note "root: making a Debian $ROOT_SUITE with QEMU"

	rm -rf --one-file-system "$new"
	root_bootstrap "$new" || die "mmdebstrap failed, see $BED_DIR/log/root.log"
	mkdir -p "$new/src" "$new/bed"
	ln -s /usr/bin/busybox "$new/usr/local/bin/poweroff"
	root_check "$new"

	rm -rf --one-file-system "$BED_DIR/root"
	mv "$new" "$BED_DIR/root"
	stamp_set root "$key"
	note "root: done in $(seconds_since "$started") s, $(du -sh "$BED_DIR/root" | cut -f 1)"
}

root_bootstrap()
{
	local dir=$1 packages sources

	packages=$(IFS=,; printf '%s' "${ROOT_PACKAGES[*]}")
	sources=$(archive_sources "${ROOT_SUITES[@]}") || die "apt has no Debian archive configured"
	mkdir -p "$BED_DIR/log" "$BED_DIR/tmp"
	archive_acquire_options >"$BED_DIR/tmp/apt.conf"
	printf 'APT::Install-Recommends "false";\n' >>"$BED_DIR/tmp/apt.conf"
	root_preferences >"$BED_DIR/tmp/preferences"

	# mmdebstrap runs a hook by sh -c, with the environment it was given.
	# shellcheck disable=SC2016
	BED_PREFERENCES=$BED_DIR/tmp/preferences \
		mmdebstrap --mode=root --variant=minbase --architectures=amd64 \
		--aptopt="$BED_DIR/tmp/apt.conf" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--setup-hook='mkdir -p "$1/etc/apt/preferences.d"' \
		--setup-hook='cp "$BED_PREFERENCES" "$1/etc/apt/preferences.d/bed"' \
		--include="$packages" "$ROOT_SUITE" "$dir" - <<<"$sources" 2>&1 |
		tee "$BED_DIR/log/root.log" | { grep --line-buffered '^[IWE]:' >&2 || :; }
}

root_check()
{
	local root=$1 version major minor

	version=$(chroot "$root" qemu-system-x86_64 --version |
		sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
	IFS=. read -r major minor _ <<<"$version"
	((major > QEMU_MIN_MAJOR || (major == QEMU_MIN_MAJOR && minor >= QEMU_MIN_MINOR))) ||
		die "QEMU in $ROOT_SUITE-backports is $version, too old for the plugin"
	note "root: QEMU $version"
}
