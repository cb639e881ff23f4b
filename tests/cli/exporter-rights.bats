#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the exporter keeps of its rights, and what it tells systemd: of a recording, so without KVM. As root; of a
# host that is measured, and with the helper that opens MPERF, see tests/vm/exporter-rights.bats.

bats_require_minimum_version 1.5.0

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT=${GTIMEHALT:-$src/gtimehalt}
	recording=$src/tests/golden/replay/three-guests.ndjson
	dir=$BATS_TEST_TMPDIR
	exporter=''
}

teardown() {
	[[ -z $exporter ]] || kill "$exporter" 2>/dev/null || :
}

need_root() {
	((EUID == 0)) || skip 'not root: there is nothing to drop'
}

# serve OPTION...: an exporter of the recording, on a port that the kernel chooses.
serve() {
	"$GTIMEHALT" --replay "$recording" --exporter=127.0.0.1:0 -v "$@" >/dev/null 2>"$dir/log" 3>&- &
	exporter=$!
	confined
}

# confined: waits until it is.
confined() {
	for ((try = 0; try < 1200; try++)); do
		# The filter is the last thing that is done.
		[[ $(status Seccomp) != 2 ]] || return 0
		sleep 0.05
	done
	cat "$dir/log"
	return 1
}

# status KEY: of /proc/PID/status.
status() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$exporter/status"
}

@test "root's exporter is nobody, without a capability, and can get none" {
	need_root
	serve
	id=$(id -u nobody)
	[[ $(status Uid) == "$id"$'\t'"$id"$'\t'"$id"$'\t'"$id" && -z $(status Groups) ]]
	for set in Inh Prm Eff Bnd Amb; do
		[[ $(status Cap$set) == 0000000000000000 ]]
	done
	[[ $(status NoNewPrivs) == 1 && $(status Seccomp) == 2 ]]
}

@test "--user says who" {
	need_root
	serve --user daemon
	[[ $(status Uid) == "$(id -u daemon)"$'\t'* && $(status Gid) == "$(id -g daemon)"$'\t'* ]]
}

@test "a user that is not there: exit 1, and nothing is served" {
	need_root
	run -1 --separate-stderr "$GTIMEHALT" --replay "$recording" --exporter=127.0.0.1:0 --user no-such-user
	[[ $stderr == "gtimehalt: there is no user no-such-user" && -z $output ]]
}

# By descriptors: the folders that the files are in may be root's.
serve_as_nobody() {
	# shellcheck disable=SC2016 # the inner shell's
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
		bash -c 'exec "$0" --replay - --exporter=127.0.0.1:0' /dev/fd/7 \
		7<"$(readlink -f "$GTIMEHALT")" <"$recording" >/dev/null 2>"$dir/log" 3>&- &
	exporter=$!
	confined
}

@test "another user's exporter stays that user" {
	need_root
	serve_as_nobody
	[[ $(status Uid) == 65534$'\t'* && $(status CapEff) == 0000000000000000 && $(status NoNewPrivs) == 1 ]]
}

# manager: a socket in systemd's place; what it is told goes to $dir/told, a datagram a line.
manager() {
	command -v python3 >/dev/null || skip 'there is no python3'
	python3 - "$dir" 3>&- <<-'END' &
		import os, socket, sys
		directory = sys.argv[1]
		end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		end.bind(directory + "/notify")
		os.chmod(directory + "/notify", 0o777)
		end.settimeout(20)
		with open(directory + "/told", "w", buffering=1) as told:
		    while True:
		        text = end.recv(4096).decode()
		        told.write(text.replace("\n", " ") + "\n")
		        if text == "STOPPING=1":
		            break
	END
	manager=$!
	for ((try = 0; try < 1200; try++)); do
		[[ -S $dir/notify ]] && break
		sleep 0.05
	done
	export NOTIFY_SOCKET=$dir/notify
}

# told PATTERN: waits until systemd has been told so.
told() {
	for ((try = 0; try < 1200; try++)); do
		! grep -qx "$1" "$dir/told" || return 0
		sleep 0.05
	done
	cat "$dir/told"
	return 1
}

@test "systemd is told: ready, reloading and ready, stopping" {
	manager
	# Nobody is to reach the socket, below folders that are root's.
	chmod 755 "$dir" "$BATS_RUN_TMPDIR" "$(dirname "$dir")"
	serve
	told READY=1
	kill -HUP "$exporter"
	told 'RELOADING=1 MONOTONIC_USEC=[0-9]*'
	kill -TERM "$exporter"
	wait "$exporter"
	wait "$manager"
	diff - <(sed 's/USEC=[0-9]*/USEC=N/' "$dir/told") <<-'END'
		READY=1
		RELOADING=1 MONOTONIC_USEC=N
		READY=1
		STOPPING=1
	END
}

@test "the journal is told the level of each line" {
	: >"$dir/journal"
	JOURNAL_STREAM=$(stat -c %d:%i "$dir/journal") run -1 bash -c \
		"'$GTIMEHALT' --replay /nowhere 2>'$dir/journal'"
	[[ $(<"$dir/journal") == '<3>gtimehalt: '* && $(wc -l <"$dir/journal") == 1 ]]
}
