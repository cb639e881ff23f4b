#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --pin, --renew and --unpin in a bpffs to which other users can write, which is the kernel's default. Runs as root in
# a mount namespace with its own bpffs. bpftool creates the BPF objects, and nothing is measured.

bats_require_minimum_version 1.5.0

PINNED=/sys/fs/bpf/gtimehalt
# The line that --unpin prints after a success.
UNPINNED='unpinned: the measurement has ended'

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	GTIMEHALT=$(realpath "${GTIMEHALT:-${OUTPUT:-.output}/gtimehalt}")
	[[ $EUID == 0 ]] || skip "mounts bpffs: as root"
	unshare -m mount -t bpf bpf /sys/fs/bpf || skip "this kernel has no bpffs"
	victim=$BATS_TEST_TMPDIR/victim
	mkdir "$victim" "$victim/links"
	touch "$victim"/{about,a,links/b}
	chmod -R go= "$victim"
	export PINNED GTIMEHALT victim
}

# in_bpffs MODE: runs the script on stdin, with an empty bpffs of this mode at /sys/fs/bpf.
in_bpffs() {
	cat >"$BATS_TEST_TMPDIR/script"
	# shellcheck disable=SC2016 # the inner shell's
	unshare -m bash -e -o pipefail -c '
		mount -t bpf -o mode="$1" bpf /sys/fs/bpf
		stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all "$@"; }
		# status CMD...: prints the exit status of CMD, and its stderr on stdout.
		status() { local s=0; "$@" 2>&1 || s=$?; echo "status $s"; }
		make_map() { bpftool map create "$1" type array key 4 value "${2:-56}" entries 1 name "${1##*/}"; }
		. "$2"' - "$1" "$BATS_TEST_TMPDIR/script" 3>&-
}

nothing_deleted() {
	[[ $(find "$victim" -type f | wc -l) == 3 ]]
}

@test "--unpin, --pin and --renew do not follow symbolic links that a user has made" {
	run -0 in_bpffs 1777 <<-'END'
		stranger mkdir $PINNED
		stranger ln -s "$victim" $PINNED/links
		status "$GTIMEHALT" --unpin
		status "$GTIMEHALT" --pin
		status "$GTIMEHALT" --renew
		rm -r $PINNED
		stranger ln -s "$victim" $PINNED
		status "$GTIMEHALT" --unpin
		status "$GTIMEHALT" --pin
		[[ -L $PINNED ]]
	END
	echo "$output"
	nothing_deleted
	[[ ${lines[0]} == *"nothing is pinned: $PINNED is a directory of user 65534, mode 0755"*"rm -r $PINNED" ]]
	[[ ${lines[1]} == 'status 0' ]]
	[[ ${lines[2]} == *"cannot pin: $PINNED is a directory of user 65534"* && ${lines[3]} == 'status 1' ]]
	[[ ${lines[4]} == 'status 0' ]]
	[[ ${lines[5]} == *"nothing is pinned: $PINNED is a symbolic link of user 65534"* && ${lines[6]} == 'status 0' ]]
	[[ ${lines[7]} == *"cannot pin: $PINNED is a symbolic link of user 65534"* && ${lines[8]} == 'status 1' ]]
	((${#lines[@]} == 9))
}

@test "links in root's own directory are removed, but not what they point to" {
	run -0 in_bpffs 0700 <<-'END'
		mkdir $PINNED
		ln -s "$victim" $PINNED/links
		ln -s "$victim/a" $PINNED/vcpus
		status "$GTIMEHALT" --unpin
		[[ ! -e $PINNED ]]
	END
	nothing_deleted
	[[ $output == "$UNPINNED"$'\nstatus 0' ]]
}

@test "a directory that others can write to is made private before it is emptied" {
	run -0 in_bpffs 1777 <<-'END'
		mkdir -m 0777 $PINNED
		make_map $PINNED/about
		stranger ln -s "$victim" $PINNED/links
		status "$GTIMEHALT" --unpin
		[[ ! -e $PINNED ]]
	END
	nothing_deleted
	[[ $output == "$UNPINNED"$'\nstatus 0' ]]
}

@test "objects pinned by a user are neither read nor removed, and one line says so" {
	run -0 in_bpffs 1777 <<-'END'
		mkdir $PINNED
		for name in about vcpus ended shared; do make_map $PINNED/$name 4096; done
		chown -R 65534:65534 $PINNED
		status "$GTIMEHALT" -d 0.1
		status "$GTIMEHALT" --unpin
		[[ -e $PINNED/about ]]
	END
	echo "$output"
	[[ $(grep -c "the pinned measurement is not used, because another user may have made it: $PINNED is a directory of user 65534" <<<"$output") == 1 ]]
	# The tool then measures by itself, and what it prints depends on the host.
	[[ $output != *"no VM is running"* && $output != *'status 1'[0-9][0-9]* ]]
	[[ ${lines[-1]} == 'status 0' && ${lines[-2]} == *'nothing is pinned: '* ]]
}

@test "objects of other sizes pinned by root are not read, and one line says so" {
	run -0 in_bpffs 0700 <<-'END'
		mkdir -m 0700 $PINNED
		for name in about vcpus ended shared; do make_map $PINNED/$name 4096; done
		status "$GTIMEHALT" -d 0.1
		status "$GTIMEHALT" --pin
		status "$GTIMEHALT" --renew
		status "$GTIMEHALT" --unpin
		[[ ! -e $PINNED ]]
	END
	echo "$output"
	[[ $(grep -c "warning: the pinned measurement is not used, .*about has another value size than in this build of gtimehalt" <<<"$output") == 1 ]]
	[[ $(grep -c 'gtimehalt: the pinned measurement is not used, .*--unpin it and --pin it again$' <<<"$output") == 2 ]]
	[[ ${lines[-1]} == 'status 0' && ${lines[-2]} == "$UNPINNED" && ${lines[-3]} == 'status 1' ]]
}

@test "directories and files of users are ignored silently while they are not in the way" {
	run -0 in_bpffs 1777 <<-'END'
		stranger mkdir -p $PINNED/links/x /sys/fs/bpf/other
		status "$GTIMEHALT" -d 0.1 | grep -c -e "$PINNED" -e interrupted || :
		status "$GTIMEHALT" --renew
		rm -r $PINNED
		mkdir -m 0700 $PINNED $PINNED/links
		make_map $PINNED/vcpus
		make_map $PINNED/links/hook
		status "$GTIMEHALT" --unpin
		[[ ! -e $PINNED && -d /sys/fs/bpf/other ]]
	END
	[[ $output == $'0\nstatus 0\n'"$UNPINNED"$'\nstatus 0' ]]
}

@test "an incomplete measurement is reported and removed; an empty directory is removed silently" {
	run -0 in_bpffs 1777 <<-'END'
		mkdir -m 0700 $PINNED $PINNED/links
		status "$GTIMEHALT" -d 0.1 | grep -c -e "$PINNED" -e interrupted || :
		make_map $PINNED/links/hook
		status "$GTIMEHALT" -d 0.1 | grep -c 'interrupted --pin or --unpin has left programs running.*remove them with --unpin'
		status "$GTIMEHALT" --unpin
		[[ ! -e $PINNED ]]
	END
	[[ $output == $'0\n1\n'"$UNPINNED"$'\nstatus 0' ]]
}

@test "nothing is pinned where other users could replace it" {
	run -0 in_bpffs 0700 <<-'END'
		chmod 0777 /sys/fs/bpf
		status "$GTIMEHALT" --pin
		chmod 1777 /sys/fs/bpf
		chown 65534 /sys/fs/bpf
		status "$GTIMEHALT" --pin
		[[ ! -e $PINNED ]]
	END
	[[ ${lines[0]} == *'cannot pin: /sys/fs/bpf belongs to user 0 and has mode 0777'*'chmod 0700 /sys/fs/bpf' ]]
	[[ ${lines[2]} == *'cannot pin: /sys/fs/bpf belongs to user 65534 and has mode 1777'* ]]
	[[ ${lines[1]} == 'status 1' && ${lines[3]} == 'status 1' ]]
}

@test "a user's lock on bpffs blocks nobody" {
	run -0 in_bpffs 1777 <<-'END'
		mkdir -m 0700 $PINNED
		make_map $PINNED/vcpus
		stranger flock /sys/fs/bpf sleep 6 &
		while flock -n /sys/fs/bpf true; do sleep 0.05; done
		status timeout 4 "$GTIMEHALT" --unpin
		wait
	END
	[[ $output == "$UNPINNED"$'\nstatus 0' ]]
}

@test "a lock that is not released: waiting ends, and the message names the process; a signal ends the wait" {
	run -0 in_bpffs 1777 <<-'END'
		mkdir -m 0700 $PINNED
		make_map $PINNED/about
		exec 4<$PINNED
		flock 4
		begun=$SECONDS
		status timeout 60 "$GTIMEHALT" --unpin
		((SECONDS - begun >= 20 && SECONDS - begun < 40))
		status timeout -s INT 1 "$GTIMEHALT" --pin
		[[ -e $PINNED/about ]]
		echo "process of flock:" $(awk '/FLOCK/ { print $5 }' /proc/locks | tr '\n' ' ')
	END
	echo "$output"
	[[ ${lines[0]} =~ process\ ([0-9]+)\ has\ held\ the\ lock\ on\ $PINNED\ for\ 20\ s:\ wait\ for\ it,\ or\ end\ it$ ]]
	[[ " ${lines[3]} " == *" ${BASH_REMATCH[1]} "* ]]
	[[ ${lines[1]} == 'status 1' && ${lines[2]} == 'status 124' ]]
}

@test "many --unpin at once: one removes, all succeed, and none removes a new measurement" {
	run -0 in_bpffs 1777 <<-'END'
		mkdir -m 0700 $PINNED $PINNED/links
		for i in {1..20}; do make_map $PINNED/links/hook$i; done
		for i in {1..8}; do "$GTIMEHALT" --unpin 2>&1 & pids[i]=$!; done
		for i in {1..8}; do wait "${pids[i]}"; done
		[[ ! -e $PINNED ]]
	END
	echo "$output"
	[[ $(grep -c 'nothing is pinned' <<<"$output") == 7 && $(grep -cx "$UNPINNED" <<<"$output") == 1 && ${#lines[@]} == 8 ]]
}

@test "removing the package or the installation removes what was pinned by hand; upgrading does not" {
	PATH=${GTIMEHALT%/*}:$PATH
	run -0 in_bpffs 1777 <<-'END'
		# Hide systemd, so that its units on this machine are not stopped.
		[[ ! -d /run/systemd/system ]] || mount -t tmpfs none /run/systemd
		mkdir -m 0700 $PINNED
		make_map $PINNED/about
		sh debian/gtimehalt.prerm upgrade 2
		[[ -e $PINNED/about ]]
		sh debian/gtimehalt.prerm remove
		[[ ! -e $PINNED ]]
		sh debian/gtimehalt.prerm remove
		mkdir -m 0700 $PINNED
		make_map $PINNED/about
		mkdir -p "$victim/usr/sbin"
		cp "$GTIMEHALT" "$victim/usr/sbin"
		make -s uninstall PREFIX="$victim/usr" DESTDIR=/nowhere
		[[ -e $PINNED/about ]]
		make -s uninstall PREFIX="$victim/usr"
		[[ ! -e $PINNED && ! -e $victim/usr/sbin/gtimehalt ]]
	END
	[[ -z $output ]]
}
