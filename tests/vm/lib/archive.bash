# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Debian archives: where they are is what this machine's apt is configured with, for other suites
# too. Nothing here names a mirror. Sourced by ../bed.

readonly ARCHIVE_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Packages that the host needs, by name.
readonly HOST_PACKAGES=(
	bats debian-archive-keyring gcc kmod libc6-dev libglib2.0-dev mmdebstrap pkg-config procps
	util-linux xz-utils
)

# host_install PACKAGE...: installs those that this machine lacks.
host_install()
{
	local -a missing=()
	local package

	for package; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
			missing+=("$package")
	done
	((${#missing[@]})) || return 0

	note "installing on this machine: ${missing[*]}"
	logged host.log apt-get update || die "apt-get update failed"
	logged host.log env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "${missing[@]}" ||
		die "could not install ${missing[*]}"
}

host_setup()
{
	host_install "${HOST_PACKAGES[@]}"
}

# Prints the URI of the archive that serves SUITE.
archive_uri()
{
	local suite=$1 main security

	main=$(archive_configured_uri main)
	if [[ -z $main ]]; then
		logged host.log apt-get update || return
		main=$(archive_configured_uri main)
	fi
	[[ -n $main ]] || return

	if [[ $suite != *-security ]]; then
		printf '%s\n' "$main"
		return
	fi
	security=$(archive_configured_uri security)
	# Mirrors carry the two archives side by side under these names.
	printf '%s\n' "${security:-${main%/debian*}/debian-security}"
}

# The fields but RELEASE are empty until apt has fetched a Release file.
archive_configured_uri()
{
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F '|' -v want="$1" '
			$1 != "Debian" { next }
			{ kind = $2 ~ /-security$/ ? "security" : $2 ~ /-backports/ ? "" : "main" }
			kind == want { sub(/\/$/, "", $3); print $3; exit }'
}

# Prints a source line for each SUITE.
archive_sources()
{
	local suite uri

	for suite; do
		uri=$(archive_uri "$suite") || return
		printf 'deb [signed-by=%s] %s %s main\n' "$ARCHIVE_KEYRING" "$uri" "$suite"
	done
}

# How this machine's apt fetches (proxies, checks), for an apt that does not read its files.
archive_acquire_options()
{
	apt-config dump | grep '^Acquire::' |
		grep -v -E '^Acquire::(IndexTargets|cdrom|Changelogs|CompressionTypes)\b'
}

# Runs an apt tool on the indices of one set of suites, apart from the machine's own.
# Usage: archive_apt SET TOOL ARGS...
archive_apt()
{
	local dir=$BED_DIR/apt/$1 tool=$2

	shift 2
	"$tool" -o Dir::State="$dir/state" -o Dir::State::status="$dir/state/status" \
		-o Dir::Cache="$dir/cache" -o Dir::Etc::SourceList="$dir/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::Preferences=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null -o APT::Architecture=amd64 \
		-o APT::Sandbox::User=root "$@"
}

# Fetches the indices of SUITES into the set SET. An old release's Release file is no longer
# re-signed once its support ends, so its date says nothing.
archive_update()
{
	local set=$1 dir=$BED_DIR/apt/$1

	shift
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/state/status"
	archive_sources "$@" >"$dir/sources.list" || return
	logged "apt-$set.log" archive_apt "$set" apt-get -o Acquire::Check-Valid-Until=false \
		-o APT::Update::Error-Mode=any update
}
