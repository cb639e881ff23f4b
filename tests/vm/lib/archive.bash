# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Debian archives: their addresses are those in the configuration of this machine's apt, also for other suites. No
# mirror is named here. Sourced by ../bed.

readonly ARCHIVE_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Packages that the bed needs on this machine.
readonly HOST_PACKAGES=(
	bats debian-archive-keyring gcc kmod libc6-dev libglib2.0-dev mmdebstrap pkg-config procps
	util-linux xz-utils
)

# host_install PACKAGE...: installs the packages that this machine lacks.
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

# archive_uri SUITE: prints the URI of the archive that serves SUITE.
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
	# Mirrors have the two archives next to each other under these names.
	printf '%s\n' "${security:-${main%/debian*}/debian-security}"
}

# archive_configured_uri KIND: prints the URI of the main or security archive that apt uses. Until apt has fetched a
# Release file, only RELEASE has a value, and nothing is printed.
archive_configured_uri()
{
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F '|' -v want="$1" '
			$1 != "Debian" { next }
			{ kind = $2 ~ /-security$/ ? "security" : $2 ~ /-backports/ ? "" : "main" }
			kind == want { sub(/\/$/, "", $3); print $3; exit }'
}

# archive_sources SUITE...: prints a source line for each suite.
archive_sources()
{
	local suite uri

	for suite; do
		uri=$(archive_uri "$suite") || return
		printf 'deb [signed-by=%s] %s %s main\n' "$ARCHIVE_KEYRING" "$uri" "$suite"
	done
}

# Prints how this machine's apt fetches (proxies, checks), for an apt that does not read its configuration files.
archive_acquire_options()
{
	apt-config dump | grep '^Acquire::' |
		grep -v -E '^Acquire::(IndexTargets|cdrom|Changelogs|CompressionTypes)\b'
}

# archive_apt SET TOOL ARGS...: runs an apt tool on the indices of a set of suites, separate from the machine's own.
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

# archive_update SET SUITE...: fetches the indices of the suites into SET. When the support of a release has ended,
# its Release file is no longer signed again, so its expiry date is ignored.
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
