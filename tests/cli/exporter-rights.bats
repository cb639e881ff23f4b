#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The privileges that the exporter keeps, and its messages to systemd. It serves a recording, so that KVM is not
# needed; root is. tests/vm/exporter-rights.bats tests it while it measures, with the helper that opens MPERF.

bats_require_minimum_version 1.5.0

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT_EXPORTER=${GTIMEHALT:-$src/gtimehalt}-exporter
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

# serve OPTION...: starts an exporter of the recording on a port that the kernel chooses.
serve() {
	"$GTIMEHALT_EXPORTER" --replay "$recording" --listen=127.0.0.1:0 -v "$@" >/dev/null 2>"$dir/log" 3>&- &
	exporter=$!
	confined
}

# confined: waits until the exporter has dropped its privileges.
confined() {
	for ((try = 0; try < 1200; try++)); do
		# The seccomp filter is installed last.
		[[ $(status Seccomp) != 2 ]] || return 0
		sleep 0.05
	done
	cat "$dir/log"
	return 1
}

# status KEY: prints the value of a key of the exporter's /proc/PID/status.
status() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$exporter/status"
}

@test "an exporter started by root becomes nobody, without capabilities, and cannot regain any" {
	need_root
	serve
	id=$(id -u nobody)
	[[ $(status Uid) == "$id"$'\t'"$id"$'\t'"$id"$'\t'"$id" && -z $(status Groups) ]]
	for set in Inh Prm Eff Bnd Amb; do
		[[ $(status Cap$set) == 0000000000000000 ]]
	done
	[[ $(status NoNewPrivs) == 1 && $(status Seccomp) == 2 ]]
}

@test "--user chooses the user" {
	need_root
	serve --user daemon
	[[ $(status Uid) == "$(id -u daemon)"$'\t'* && $(status Gid) == "$(id -g daemon)"$'\t'* ]]
}

@test "an unknown user: exit 1, and nothing is served" {
	need_root
	run -1 --separate-stderr "$GTIMEHALT_EXPORTER" --replay "$recording" --listen=127.0.0.1:0 --user no-such-user
	[[ $stderr == "gtimehalt-exporter: there is no user no-such-user" && -z $output ]]
}

# The files are passed as descriptors, because their directories may be accessible to root only.
serve_as_nobody() {
	# shellcheck disable=SC2016 # the inner shell's
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
		bash -c 'exec "$0" --replay - --listen=127.0.0.1:0' /dev/fd/7 \
		7<"$(readlink -f "$GTIMEHALT_EXPORTER")" <"$recording" >/dev/null 2>"$dir/log" 3>&- &
	exporter=$!
	confined
}

@test "an exporter started by another user keeps that user" {
	need_root
	serve_as_nobody
	[[ $(status Uid) == 65534$'\t'* && $(status CapEff) == 0000000000000000 && $(status NoNewPrivs) == 1 ]]
}

# manager: opens a socket in place of systemd's; the messages sent to it are appended to $dir/told, one per line.
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

# told PATTERN: waits until a message to systemd matches.
told() {
	for ((try = 0; try < 1200; try++)); do
		! grep -qx "$1" "$dir/told" || return 0
		sleep 0.05
	done
	cat "$dir/told"
	return 1
}

@test "systemd is notified: ready, reloading and ready again, stopping" {
	manager
	# The exporter, then running as nobody, must be able to reach the socket through these directories.
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

@test "each line for the journal has its level" {
	: >"$dir/journal"
	JOURNAL_STREAM=$(stat -c %d:%i "$dir/journal") run -1 bash -c \
		"'$GTIMEHALT_EXPORTER' --replay /nowhere 2>'$dir/journal'"
	[[ $(<"$dir/journal") == '<3>gtimehalt-exporter: '* && $(wc -l <"$dir/journal") == 1 ]]
}
