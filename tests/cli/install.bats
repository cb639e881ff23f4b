#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make install and make uninstall, with a temporary directory as DESTDIR.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	root=$BATS_TEST_TMPDIR/root
}

# make_in TARGET [VARIABLE=VALUE...]: runs make with that DESTDIR.
make_in() {
	env -u MAKEFLAGS -u MAKELEVEL make -s "$1" OUTPUT="${OUTPUT:-.output}" DESTDIR="$root" "${@:2}"
}

# installed: prints the mode and path of each installed file.
installed() {
	find "$root" -type f -printf '%m %P\n' | sort -k 2
}

@test "make install puts each file in its place, and the installed programs run" {
	make_in install
	diff - <(installed) <<-'END'
		644 usr/local/lib/systemd/system/gtimehalt-exporter.service
		644 usr/local/lib/systemd/system/gtimehalt-pin.service
		644 usr/local/lib/systemd/system/gtimehalt-steer.service
		644 usr/local/lib/udev/rules.d/70-gtimehalt-exporter.rules
		644 usr/local/lib/udev/rules.d/70-gtimehalt-steer.rules
		644 usr/local/lib/udev/rules.d/70-gtimehalt.rules
		755 usr/local/sbin/gtimehalt
		755 usr/local/sbin/gtimehalt-exporter
		755 usr/local/sbin/gtimehalt-steer
		644 usr/local/share/bash-completion/completions/gtimehalt
		644 usr/local/share/bash-completion/completions/gtimehalt-exporter
		644 usr/local/share/bash-completion/completions/gtimehalt-steer
		644 usr/local/share/doc/gtimehalt/CHANGELOG.md
		644 usr/local/share/doc/gtimehalt/README.md
		644 usr/local/share/doc/gtimehalt/SECURITY.md
		644 usr/local/share/doc/gtimehalt/gtimehalt-exporter.default
		644 usr/local/share/doc/gtimehalt/gtimehalt-steer.default
		644 usr/local/share/doc/gtimehalt/gtimehalt.default
		644 usr/local/share/gtimehalt/grafana/gtimehalt.json
		644 usr/local/share/gtimehalt/gtimehalt-diff.schema.json
		644 usr/local/share/gtimehalt/gtimehalt-summary.schema.json
		644 usr/local/share/gtimehalt/gtimehalt.schema.json
		644 usr/local/share/gtimehalt/prometheus/autoscaling-keda.yml
		644 usr/local/share/gtimehalt/prometheus/autoscaling-webhook.yml
		644 usr/local/share/gtimehalt/prometheus/autoscaling.rules.yml
		644 usr/local/share/gtimehalt/prometheus/gtimehalt-targets.yml
		644 usr/local/share/gtimehalt/prometheus/gtimehalt.rules.yml
		644 usr/local/share/gtimehalt/prometheus/scrape.yml
		644 usr/local/share/man/man8/gtimehalt-exporter.8
		644 usr/local/share/man/man8/gtimehalt-steer.8
		644 usr/local/share/man/man8/gtimehalt.8
	END
	for program in gtimehalt gtimehalt-exporter gtimehalt-steer; do
		run -0 "$root/usr/local/sbin/$program" --version
	done
	cmp "$root/usr/local/share/man/man8/gtimehalt.8" doc/gtimehalt.8
	MANPATH=$root/usr/local/share/man man -w 8 gtimehalt
}

@test "PREFIX is respected" {
	make_in install PREFIX=/opt/a
	[[ -z $(installed | grep -v ' opt/a/' || :) && $(installed | wc -l) == 31 ]]
}

@test "bash-completion finds the completion by the program's name" {
	make_in install
	run -0 bash --norc -c ". '$root/usr/local/share/bash-completion/completions/gtimehalt'; complete -p gtimehalt"
	[[ $output == 'complete -F _gtimehalt gtimehalt' ]]
}

@test "make uninstall removes what make install has installed, and nothing else" {
	mkdir -p "$root/usr/local/sbin" "$root/usr/local/share/gtimehalt"
	touch "$root/usr/local/sbin/other" "$root/usr/local/share/gtimehalt/of-the-operator"
	make_in install
	make_in uninstall
	diff - <(installed | cut -d ' ' -f 2) <<-'END'
		usr/local/sbin/other
		usr/local/share/gtimehalt/of-the-operator
	END
	[[ ! -e $root/usr/local/share/doc/gtimehalt ]]
	# Where nothing is installed, it does nothing.
	make_in uninstall
}
