#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package, as make deb builds it: what is in it, and what it says of itself. That it installs and
# runs, tests/vm/package.bats shows.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	OUTPUT=${OUTPUT:-.output}
	git status --porcelain --untracked-files=all >"$BATS_FILE_TMPDIR/before"
	# Its status is the first test's.
	env -u MAKEFLAGS -u MAKELEVEL make deb OUTPUT="$OUTPUT" >"$BATS_FILE_TMPDIR/log" 2>&1 ||
		touch "$BATS_FILE_TMPDIR/failed"
	export OUTPUT
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	deb=$(echo "$OUTPUT"/deb/gtimehalt_*.deb)
}

field() {
	dpkg-deb --field "$deb" "$1"
}

# The version that the Makefile has.
version() {
	sed -n 's/^VERSION *:= *//p' Makefile
}

@test "make deb builds it, and lintian finds no error" {
	[[ ! -e $BATS_FILE_TMPDIR/failed ]] || {
		tail -n 30 "$BATS_FILE_TMPDIR/log"
		return 1
	}
	# Without it, make deb checks nothing.
	command -v lintian
	run ! grep '^E: ' "$BATS_FILE_TMPDIR/log"
}

@test "the tree is as it was before" {
	diff "$BATS_FILE_TMPDIR/before" <(git status --porcelain --untracked-files=all)
}

@test "it has the program, its units, its page, its completion, its schema, and what others make of its metrics" {
	diff - <(dpkg-deb --fsys-tarfile "$deb" | tar --list | grep -v '/$' | sort) <<-'END'
		./etc/default/gtimehalt
		./lib/systemd/system/gtimehalt-exporter.service
		./lib/systemd/system/gtimehalt-pin.service
		./lib/systemd/system/gtimehalt-steer.service
		./lib/udev/rules.d/70-gtimehalt.rules
		./usr/sbin/gtimehalt
		./usr/sbin/gtimehalt-steer
		./usr/share/bash-completion/completions/gtimehalt
		./usr/share/bash-completion/completions/gtimehalt-steer
		./usr/share/doc/gtimehalt/README.md.gz
		./usr/share/doc/gtimehalt/changelog.gz
		./usr/share/doc/gtimehalt/copyright
		./usr/share/gtimehalt/grafana/gtimehalt.json
		./usr/share/gtimehalt/gtimehalt.schema.json
		./usr/share/gtimehalt/prometheus/autoscaling-keda.yml
		./usr/share/gtimehalt/prometheus/autoscaling-webhook.yml
		./usr/share/gtimehalt/prometheus/autoscaling.rules.yml
		./usr/share/gtimehalt/prometheus/gtimehalt-targets.yml
		./usr/share/gtimehalt/prometheus/gtimehalt.rules.yml
		./usr/share/gtimehalt/prometheus/scrape.yml
		./usr/share/man/man8/gtimehalt-steer.8.gz
		./usr/share/man/man8/gtimehalt.8.gz
	END
}

@test "it is of the program's version, and needs what the program is linked to" {
	[[ $(field Version) == "$(version)" && $(field Architecture) == amd64 ]]
	for library in libbpf libcap-ng libjson-c libmicrohttpd libncursesw libseccomp libsystemd libc6; do
		[[ $(field Depends) == *"$library"* ]]
	done
}

@test "its services are neither enabled nor started by installing it" {
	dpkg-deb --control "$deb" "$BATS_TEST_TMPDIR/control"
	cd "$BATS_TEST_TMPDIR/control"
	grep -qx /etc/default/gtimehalt conffiles
	# Enabled again is only what the operator had enabled.
	[[ $(grep -c 'deb-systemd-helper enable' postinst) == 3 ]]
	[[ $(grep -c 'helper --quiet was-enabled' postinst) == 3 ]]
	# Started is only what ran, and a pinned measurement is left alone but when the package goes.
	[[ $(grep -ho "deb-systemd-invoke.*service'" ./*inst) == \
		$'deb-systemd-invoke try-restart \'gtimehalt-exporter.service\'\ndeb-systemd-invoke try-restart \'gtimehalt-steer.service\'' ]]
	grep -q 'deb-systemd-invoke stop gtimehalt-exporter.service gtimehalt-pin.service gtimehalt-steer.service' prerm
}

@test "what building needs is said in debian/control too" {
	packages=$(sed -n '/^BUILD_PACKAGES/,/[^\\]$/p' Makefile | sed 's/.*:=//; s/\\//' | tr -s ' \t' '\n' | grep .)
	[[ $(wc -l <<<"$packages") -gt 8 ]]
	for package in $packages; do
		# These are build-essential.
		[[ $package == gcc || $package == make ]] ||
			sed -n '/^Build-Depends/,/^[^ ]*:/p' debian/control | grep -qw -- "$package" || {
			echo "$package is not there"
			return 1
		}
	done
}

# That every file agrees with debian/copyright is a check of tests/lint, so that it is seen before a commit.
@test "a file under another licence than debian/copyright says is found" {
	printf '# SPDX-License-Identifier: GPL-2.0-or-later\n' >"$BATS_TEST_TMPDIR/a-file"
	run -1 tests/package/copyright.py debian/copyright "$BATS_TEST_TMPDIR/a-file"
	[[ $output == *"is under GPL-2 or BSD-2-clause"*"1 files, 1 faults" ]]
	run -1 tests/package/copyright.py debian/copyright README.md
}
