#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The systemd units, as make install installs them. systemd-analyze does not need a running systemd.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	# Without DESTDIR, because the program must be where the units say.
	env -u MAKEFLAGS -u MAKELEVEL make -s install OUTPUT="${OUTPUT:-.output}" \
		PREFIX="$BATS_FILE_TMPDIR/usr" UNITDIR="$BATS_FILE_TMPDIR/units"
}

setup() {
	cd "$BATS_FILE_TMPDIR/units" || return
	# Suppress messages about the /etc of this machine.
	export SYSTEMD_LOG_LEVEL=warning
}

# exposure UNIT: prints the unit's exposure level, from 0.0 (safe) to 10.0 (unsafe).
exposure() {
	systemd-analyze security --offline=yes --no-pager "./$1" |
		sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p'
}

@test "systemd-analyze verify finds no fault" {
	for unit in *.service; do
		run -0 systemd-analyze verify --man=no "./$unit"
		[[ -z $output ]] || {
			echo "$output"
			return 1
		}
	done
}

@test "the units contain the path of the installed program" {
	[[ -x $BATS_FILE_TMPDIR/usr/sbin/gtimehalt ]]
	grep -qx "ExecStart=$BATS_FILE_TMPDIR/usr/sbin/gtimehalt-exporter --listen=.*" gtimehalt-exporter.service
	grep -qx "ExecStart=$BATS_FILE_TMPDIR/usr/sbin/gtimehalt --pin .*" gtimehalt-pin.service
	grep -qx "ExecStop=$BATS_FILE_TMPDIR/usr/sbin/gtimehalt --unpin" gtimehalt-pin.service
	grep -qx "ExecStart=$BATS_FILE_TMPDIR/usr/sbin/gtimehalt-steer .*" gtimehalt-steer.service
	grep -qx "ExecStopPost=$BATS_FILE_TMPDIR/usr/sbin/gtimehalt-steer --unsteer" gtimehalt-steer.service
	run ! grep -r @ --include='*.service' -e '@[A-Z]*@' .
}

# The threshold is the exposure level times ten. The remaining exposure is what the units need: BPF, the network,
# /proc.
@test "the units are as confined as the SECURITY.md says" {
	echo "# exporter $(exposure gtimehalt-exporter.service), pin $(exposure gtimehalt-pin.service)" >&3
	systemd-analyze security --offline=yes --threshold=29 ./gtimehalt-exporter.service
	systemd-analyze security --offline=yes --threshold=24 ./gtimehalt-pin.service
	systemd-analyze security --offline=yes --threshold=30 ./gtimehalt-steer.service
}

@test "the exporter's bounding set is that of its ambient capabilities" {
	diff <(sed -n 's/^AmbientCapabilities=//p' gtimehalt-exporter.service) \
		<(sed -n 's/^CapabilityBoundingSet=//p' gtimehalt-exporter.service)
}

@test "the examples of /etc/default/ contain the units' defaults" {
	local examples=$BATS_FILE_TMPDIR/usr/share/doc/gtimehalt unit name cnt=0
	listen=$(sed -n 's/^#GTIMEHALT_LISTEN=//p' "$examples/gtimehalt-exporter.default")
	grep -qx "Environment=GTIMEHALT_LISTEN=$listen GTIMEHALT_EXPORTER_OPTIONS=" gtimehalt-exporter.service
	run ! grep -v '^#\|^$' "$examples"/*.default
	# Each variable of an example is used by the unit that reads this file.
	for unit in *.service; do
		file=$(sed -n 's,^EnvironmentFile=-/etc/default/,,p' "$unit")
		while read -r name; do
			grep -q "ExecStart=.*\$[{]*$name" "$unit"
			cnt=$((cnt + 1))
		done < <(sed -n 's/^#\(GTIMEHALT_[A-Z_]*\)=.*/\1/p' "$examples/$file.default")
	done
	[[ $cnt == 5 && $(cat "$examples"/*.default | grep -c '^#GTIMEHALT_') == 5 ]]
}

@test "a unit is not restarted on a host that cannot measure; loading KVM later starts it" {
	for unit in *.service; do
		grep -qx 'RestartPreventExitStatus=2 3' "$unit"
		grep -qx 'WantedBy=multi-user.target dev-kvm.device' "$unit"
	done
	for rules in gtimehalt gtimehalt-exporter gtimehalt-steer; do
		grep -qx 'SUBSYSTEM=="misc", KERNEL=="kvm", TAG+="systemd"' "$BATS_FILE_TMPDIR/usr/lib/udev/rules.d/70-$rules.rules"
	done
}

@test "a CPU that comes online, and a reload, start no new measurement" {
	grep -qx "ExecReload=$BATS_FILE_TMPDIR/usr/sbin/gtimehalt --renew" gtimehalt-pin.service
	grep -q "RUN+=\".* $BATS_FILE_TMPDIR/usr/sbin/gtimehalt --renew\"$" "$BATS_FILE_TMPDIR/usr/lib/udev/rules.d/70-gtimehalt.rules"
	run ! grep -- --pin "$BATS_FILE_TMPDIR/usr/lib/udev/rules.d/70-gtimehalt.rules"
}
