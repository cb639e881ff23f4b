#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The RPM packages that make rpm builds, one for each program: their files and what they need. Built here without the
# build dependencies of the spec, whose names are those of Fedora and RHEL.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	OUTPUT=${OUTPUT:-.output}
	export OUTPUT
	# The first test checks whether this failed.
	env -u MAKEFLAGS -u MAKELEVEL make rpm RPM_OPTIONS=--nodeps OUTPUT="$OUTPUT" >"$BATS_FILE_TMPDIR/log" 2>&1 ||
		touch "$BATS_FILE_TMPDIR/failed"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
}

# query PACKAGE OPTION...: what rpm says of the built package.
query() {
	rpm -q "${@:2}" -p "$OUTPUT"/rpm/RPMS/x86_64/"$1"-[0-9]*.rpm
}

# files_are PACKAGE: compares the package's files but licences and build IDs with stdin. Debian's rpm has the version in
# the name of the folder of documents, and does not compress man pages.
files_are() {
	diff - <(query "$1" -l | grep -v -e '/licenses/' -e '/\.build-id' |
		sed 's,^\(/usr/share/doc/gtimehalt\)-[0-9.]*,\1,; s,[.]8[.]gz$,.8,' | sort)
}

@test "make rpm builds the packages" {
	[[ ! -e $BATS_FILE_TMPDIR/failed ]] || {
		tail -n 30 "$BATS_FILE_TMPDIR/log"
		return 1
	}
}

@test "each package has its program, unit, man page and completion" {
	files_are gtimehalt <<-'END'
		/etc/default/gtimehalt
		/usr/lib/systemd/system/gtimehalt-pin.service
		/usr/lib/udev/rules.d/70-gtimehalt.rules
		/usr/sbin/gtimehalt
		/usr/share/bash-completion/completions/gtimehalt
		/usr/share/doc/gtimehalt
		/usr/share/doc/gtimehalt/CHANGELOG.md
		/usr/share/doc/gtimehalt/README.md
		/usr/share/doc/gtimehalt/SECURITY.md
		/usr/share/gtimehalt
		/usr/share/gtimehalt/gtimehalt-diff.schema.json
		/usr/share/gtimehalt/gtimehalt-summary.schema.json
		/usr/share/gtimehalt/gtimehalt.schema.json
		/usr/share/man/man8/gtimehalt.8
	END
	files_are gtimehalt-steer <<-'END'
		/etc/default/gtimehalt-steer
		/usr/lib/systemd/system/gtimehalt-steer.service
		/usr/lib/udev/rules.d/70-gtimehalt-steer.rules
		/usr/sbin/gtimehalt-steer
		/usr/share/bash-completion/completions/gtimehalt-steer
		/usr/share/man/man8/gtimehalt-steer.8
	END
	query gtimehalt-exporter -l | grep -qx /usr/share/gtimehalt/prometheus/gtimehalt.rules.yml
	query gtimehalt-exporter -l | grep -qx /usr/share/gtimehalt/grafana/gtimehalt.json
}

@test "each package needs the libraries of its program, and no others" {
	query gtimehalt --requires | grep -q '^libncursesw'
	run ! grep -E 'libmicrohttpd|libseccomp|libcap-ng|libsystemd' <(query gtimehalt --requires)
	query gtimehalt-exporter --requires | grep -q '^libmicrohttpd'
	run ! grep -E 'libncurses' <(query gtimehalt-exporter --requires)
}

@test "the options in /etc/default survive an upgrade; a removal ends a pinned measurement" {
	[[ $(query gtimehalt -c) == /etc/default/gtimehalt ]]
	query gtimehalt --scripts | sed -n '/^preuninstall/,/^[a-z]* scriptlet/p' | grep -q 'gtimehalt --unpin'
}
