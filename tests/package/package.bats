#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package that make deb builds: its files and its metadata. tests/vm/package.bats shows that it can be
# installed and runs.

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
	deb=$(echo "$OUTPUT"/deb/gtimehalt_*.deb)
}

field() {
	dpkg-deb --field "$deb" "$1"
}

# Prints the version in the Makefile.
version() {
	sed -n 's/^VERSION *:= *//p' Makefile
}

@test "make deb builds the package, and lintian finds no error" {
	[[ ! -e $BATS_FILE_TMPDIR/failed ]] || {
		tail -n 30 "$BATS_FILE_TMPDIR/log"
		return 1
	}
	# Without lintian, make deb would check nothing.
	command -v lintian
	run ! grep '^E: ' "$BATS_FILE_TMPDIR/log"
}

@test "building the package does not change the tree" {
	diff "$BATS_FILE_TMPDIR/before" <(git status --porcelain --untracked-files=all)
}

@test "the package has the program, units, man page, completion, schema, and files for Prometheus and Grafana" {
	diff - <(dpkg-deb --fsys-tarfile "$deb" | tar --list | grep -v '/$' |
		sed 's/[.]md[.]gz$/.md/' | sort) <<-'END'
		./etc/default/gtimehalt
		./lib/systemd/system/gtimehalt-exporter.service
		./lib/systemd/system/gtimehalt-pin.service
		./lib/systemd/system/gtimehalt-steer.service
		./lib/udev/rules.d/70-gtimehalt.rules
		./usr/sbin/gtimehalt
		./usr/sbin/gtimehalt-steer
		./usr/share/bash-completion/completions/gtimehalt
		./usr/share/bash-completion/completions/gtimehalt-steer
		./usr/share/doc/gtimehalt/CHANGELOG.md
		./usr/share/doc/gtimehalt/README.md
		./usr/share/doc/gtimehalt/SECURITY.md
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

@test "the package has the program's version, and depends on the libraries that the program links" {
	[[ $(field Version) == "$(version)" && $(field Architecture) == amd64 ]]
	for library in libbpf libcap-ng libjson-c libmicrohttpd libncursesw libseccomp libsystemd libc6; do
		[[ $(field Depends) == *"$library"* ]]
	done
}

@test "installing the package neither enables nor starts its services" {
	dpkg-deb --control "$deb" "$BATS_TEST_TMPDIR/control"
	cd "$BATS_TEST_TMPDIR/control"
	grep -qx /etc/default/gtimehalt conffiles
	# Only services that the operator had enabled are enabled again.
	[[ $(grep -c 'deb-systemd-helper enable' postinst) == 3 ]]
	[[ $(grep -c 'helper --quiet was-enabled' postinst) == 3 ]]
	# Only a running exporter and a running gtimehalt-steer are restarted; a pinned measurement is stopped only when the package is removed.
	[[ $(grep -ho "deb-systemd-invoke.*service'" ./*inst) == \
		$'deb-systemd-invoke try-restart \'gtimehalt-exporter.service\'\ndeb-systemd-invoke try-restart \'gtimehalt-steer.service\'' ]]
	grep -q 'deb-systemd-invoke stop gtimehalt-exporter.service gtimehalt-pin.service gtimehalt-steer.service' prerm
}

@test "debian/control lists all packages that building needs" {
	packages=$(sed -n '/^BUILD_PACKAGES/,/[^\\]$/p' Makefile | sed 's/.*:=//; s/\\//' | tr -s ' \t' '\n' | grep .)
	[[ $(wc -l <<<"$packages") -gt 8 ]]
	for package in $packages; do
		# These are part of build-essential.
		[[ $package == gcc || $package == make ]] ||
			sed -n '/^Build-Depends/,/^[^ ]*:/p' debian/control | grep -qw -- "$package" || {
			echo "$package is not there"
			return 1
		}
	done
}

@test "its changelog is that of the package" {
	dpkg-deb --fsys-tarfile "$deb" | tar -xO ./usr/share/doc/gtimehalt/changelog.gz | zcat |
		grep -q "^gtimehalt ($(version)) "
}

# tests/lint checks every file against debian/copyright, so that a difference is seen before a commit.
@test "a file with another licence than debian/copyright says is detected" {
	printf '# SPDX-License-Identifier: GPL-2.0-or-later\n' >"$BATS_TEST_TMPDIR/a-file"
	run -1 tests/package/copyright.py debian/copyright "$BATS_TEST_TMPDIR/a-file"
	[[ $output == *"is under GPL-2 or BSD-2-clause"*"1 files, 1 faults" ]]
	run -1 tests/package/copyright.py debian/copyright README.md
}
