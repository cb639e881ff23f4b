#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian packages that make deb builds, one for each program: their files and their metadata. tests/vm/package.bats
# shows that they can be installed and run.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	OUTPUT=${OUTPUT:-.output}
	git status --porcelain --untracked-files=all >"$BATS_FILE_TMPDIR/before"
	# The first test checks whether this failed.
	env -u MAKEFLAGS -u MAKELEVEL make deb OUTPUT="$OUTPUT" >"$BATS_FILE_TMPDIR/log" 2>&1 ||
		touch "$BATS_FILE_TMPDIR/failed"
	export OUTPUT
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	packages='gtimehalt gtimehalt-exporter gtimehalt-steer'
}

# deb_of PACKAGE: prints the path of the built package.
deb_of() {
	echo "$OUTPUT"/deb/"$1"_*.deb
}

field() {
	dpkg-deb --field "$(deb_of "$1")" "$2"
}

# files_are PACKAGE: compares the package's files with stdin.
files_are() {
	diff - <(dpkg-deb --fsys-tarfile "$(deb_of "$1")" | tar --list | grep -v '/$' | sed 's/[.]md[.]gz$/.md/' | sort)
}

# Prints the version in the Makefile.
version() {
	sed -n 's/^VERSION *:= *//p' Makefile
}

@test "make deb builds the packages, and lintian finds no error" {
	[[ ! -e $BATS_FILE_TMPDIR/failed ]] || {
		tail -n 30 "$BATS_FILE_TMPDIR/log"
		return 1
	}
	# Without lintian, make deb would check nothing.
	command -v lintian
	run ! grep '^E: ' "$BATS_FILE_TMPDIR/log"
}

@test "building the packages does not change the tree" {
	diff "$BATS_FILE_TMPDIR/before" <(git status --porcelain --untracked-files=all)
}

@test "each package has its program, unit, man page and completion; the exporter's, files for Prometheus and Grafana" {
	files_are gtimehalt <<-'END'
		./etc/default/gtimehalt
		./lib/systemd/system/gtimehalt-pin.service
		./lib/udev/rules.d/70-gtimehalt.rules
		./usr/sbin/gtimehalt
		./usr/share/bash-completion/completions/gtimehalt
		./usr/share/doc/gtimehalt/CHANGELOG.md
		./usr/share/doc/gtimehalt/README.md
		./usr/share/doc/gtimehalt/SECURITY.md
		./usr/share/doc/gtimehalt/changelog.gz
		./usr/share/doc/gtimehalt/copyright
		./usr/share/gtimehalt/gtimehalt-diff.schema.json
		./usr/share/gtimehalt/gtimehalt-summary.schema.json
		./usr/share/gtimehalt/gtimehalt.schema.json
		./usr/share/man/man8/gtimehalt.8.gz
	END
	files_are gtimehalt-exporter <<-'END'
		./etc/default/gtimehalt-exporter
		./lib/systemd/system/gtimehalt-exporter.service
		./lib/udev/rules.d/70-gtimehalt-exporter.rules
		./usr/sbin/gtimehalt-exporter
		./usr/share/bash-completion/completions/gtimehalt-exporter
		./usr/share/doc/gtimehalt-exporter/changelog.gz
		./usr/share/doc/gtimehalt-exporter/copyright
		./usr/share/gtimehalt/grafana/gtimehalt.json
		./usr/share/gtimehalt/prometheus/autoscaling-keda.yml
		./usr/share/gtimehalt/prometheus/autoscaling-webhook.yml
		./usr/share/gtimehalt/prometheus/autoscaling.rules.yml
		./usr/share/gtimehalt/prometheus/gtimehalt-targets.yml
		./usr/share/gtimehalt/prometheus/gtimehalt.rules.yml
		./usr/share/gtimehalt/prometheus/scrape.yml
		./usr/share/man/man8/gtimehalt-exporter.8.gz
	END
	files_are gtimehalt-steer <<-'END'
		./etc/default/gtimehalt-steer
		./lib/systemd/system/gtimehalt-steer.service
		./lib/udev/rules.d/70-gtimehalt-steer.rules
		./usr/sbin/gtimehalt-steer
		./usr/share/bash-completion/completions/gtimehalt-steer
		./usr/share/doc/gtimehalt-steer/changelog.gz
		./usr/share/doc/gtimehalt-steer/copyright
		./usr/share/man/man8/gtimehalt-steer.8.gz
	END
}

# depends PACKAGE: prints the packages of libraries that PACKAGE depends on, without versions.
depends() {
	field "$1" Depends | tr ',' '\n' | sed -E 's/^ *([a-z-]+).*/\1/' | grep '^lib' | sort -u | paste -sd ' '
}

@test "the packages have the programs' version, and each depends on the libraries that its program links, no others" {
	for package in $packages; do
		[[ $(field "$package" Version) == "$(version)" && $(field "$package" Architecture) == amd64 ]]
	done
	[[ $(depends gtimehalt) == 'libbpf libc libjson-c libncursesw libtinfo' ]]
	[[ $(depends gtimehalt-exporter) == 'libbpf libc libcap-ng libjson-c libmicrohttpd libseccomp libsystemd' ]]
	[[ $(depends gtimehalt-steer) == 'libbpf libc libcap-ng libjson-c libseccomp libsystemd' ]]
}

@test "installing a package neither enables nor starts its service" {
	for package in $packages; do
		control=$BATS_TEST_TMPDIR/$package unit=$package.service
		[[ $package != gtimehalt ]] || unit=gtimehalt-pin.service
		dpkg-deb --control "$(deb_of "$package")" "$control"
		grep -qx "/etc/default/$package" "$control/conffiles"
		# Only a service that the operator had enabled is enabled again.
		[[ $(grep -c 'deb-systemd-helper enable' "$control/postinst") == 1 ]]
		[[ $(grep -c 'helper --quiet was-enabled' "$control/postinst") == 1 ]]
		# A pinned measurement is stopped only when the package is removed; others are restarted if they run.
		[[ $(grep -ho "deb-systemd-invoke.*service'" "$control"/*inst || :) == \
			"$([[ $package == gtimehalt ]] || echo "deb-systemd-invoke try-restart '$unit'")" ]]
		grep -q "deb-systemd-invoke stop $unit " "$control/prerm"
	done
}

@test "debian/control lists all packages that building needs" {
	needed=$(sed -n '/^BUILD_PACKAGES/,/[^\\]$/p' Makefile | sed 's/.*:=//; s/\\//' | tr -s ' \t' '\n' | grep .)
	[[ $(wc -l <<<"$needed") -gt 8 ]]
	for package in $needed; do
		# These are part of build-essential.
		[[ $package == gcc || $package == make ]] ||
			sed -n '/^Build-Depends/,/^[^ ]*:/p' debian/control | grep -qw -- "$package" || {
			echo "$package is not there"
			return 1
		}
	done
}

@test "the changelog is that of the Debian packages" {
	dpkg-deb --fsys-tarfile "$(deb_of gtimehalt)" | tar -xO ./usr/share/doc/gtimehalt/changelog.gz | zcat |
		grep -q "^gtimehalt ($(version)) "
}

# tests/lint checks every file against debian/copyright, so that a difference is seen before a commit.
@test "a file with another licence than debian/copyright says is detected" {
	printf '# SPDX-License-Identifier: GPL-2.0-or-later\n' >"$BATS_TEST_TMPDIR/a-file"
	run -1 tests/package/copyright.py debian/copyright "$BATS_TEST_TMPDIR/a-file"
	[[ $output == *"is under GPL-2 or BSD-2-clause"*"1 files, 1 faults" ]]
	run -1 tests/package/copyright.py debian/copyright README.md
}
