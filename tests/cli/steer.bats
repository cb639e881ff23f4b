#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line of gtimehalt-steer, its man page and its completion; needs neither root nor KVM.
# tests/vm/steer.bats tests what the program does.

bats_require_minimum_version 1.5.0

setup() {
	src=$BATS_TEST_DIRNAME/../..
	STEER=${STEER:-$src/gtimehalt-steer}
	page=$src/doc/gtimehalt-steer.8
}

# Replaces the builtin, which fails outside of a completion that readline has started.
compopt() {
	:
}

# completed WORD: prints the completions of WORD, sorted.
completed() {
	# shellcheck source=contrib/completion/gtimehalt-steer.bash
	. "$src/contrib/completion/gtimehalt-steer.bash"
	COMP_WORDS=(gtimehalt-steer "$1")
	COMP_CWORD=1
	_gtimehalt_steer
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

@test "--help and --version print to stdout; --help stays below 80 columns and lists every exit status" {
	run -0 --separate-stderr "$STEER" --help
	[[ -z $stderr && $(awk '{ if (length > w) w = length } END { print w }' <<<"$output") -lt 80 ]]
	for status in 0 1 2 3; do
		grep -q "^ *$status  [a-z]" <<<"$output"
	done
	run -0 --separate-stderr "$STEER" --version
	[[ -z $stderr && $output =~ ^gtimehalt-steer\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	# shellcheck disable=SC2016 # for the inner shell
	run -1 bash -c '"$1" --help >/dev/full' - "$STEER"
}

@test "wrong usage: one line on stderr that names the bad argument, nothing on stdout, exit 2" {
	while read -r word args; do
		# shellcheck disable=SC2086 # several words
		run -2 --separate-stderr "$STEER" $args
		[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "gtimehalt-steer: "*"$word"* ]] || {
			printf 'gtimehalt-steer %s: %s\n' "$args" "$stderr"
			return 1
		}
	done <<-'END'
		CGROUP
		CGROUP 0.2
		--frobnicate --frobnicate hk
		--busy --busy 101 hk
		--busy --busy -1 hk
		--halted --halted x hk
		--halted --halted 60 hk
		--halted --busy 30 hk
		--dwell --dwell 61 hk
		--dwell --dwell -1 hk
		--min --min 0 hk
		--min --min 8193 hk
		--rate --rate 0 hk
		--rate --rate 17 hk
		--mperf-ratio --mperf-ratio 0 hk
		--textfile --textfile - hk
		INTERVAL hk 0.01
		INTERVAL hk 11
		INTERVAL hk 1.2.3
		--status --status hk
		--status --status --min 2
		--unsteer --unsteer --status
		--unsteer --unsteer -j
		--status --status --sched
		--sched --sched hk
		--sched --sched 0.2
		--sched --sched --dwell 2
		--sched --sched --dry-run
		--sched --sched -j
		machine.slice machine.slice
		machine.slice /sys/fs/cgroup/machine.slice/a.scope
		'/' /
		'a//b' a//b
		'../a' ../a
		'a/.' a/.
	END
}

@test "without a cgroup file system, root or KVM: one line says what is missing, exit 3" {
	[[ ! -e /sys/module/kvm_amd && ! -e /sys/module/kvm_intel ]] || skip 'this host has KVM'
	run -3 --separate-stderr "$STEER" --dry-run no-such-cgroup
	[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == gtimehalt-steer:* ]]
}

@test "the man page is well formed" {
	run -0 --separate-stderr env MANWIDTH=80 man --warnings -l "$page"
	[[ -z $stderr ]]
	run mandoc -T lint "$page"
	faults=$(grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' <<<"$output" || :)
	[[ -z $faults ]]
}

@test "the man page and the completion have the options of --help, with the same letters and values" {
	"$STEER" --help | sed -nE 's/^ +(-([A-Za-z?]), )?--([a-z-]+)(=([A-Z]+))?( .*|$)/\2 \3 \5/p' | sort >"$BATS_TEST_TMPDIR/help"
	sed -nE 's/^\.It (Fl ([A-Za-z]) , )?Fl Fl ([a-z-]+)( Ar ([A-Z]+))?$/\2 \3 \5/p' "$page" | sort >"$BATS_TEST_TMPDIR/page"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/help") == 16 ]]
	diff "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/page"
	diff <(completed --) <(sed -E 's/^\S* (\S+) .*/--\1/' "$BATS_TEST_TMPDIR/help" | sort)
}

@test "the man page has the defaults of --help" {
	mapfile -t defaults < <("$STEER" --help | tr -s '\n ' ' ' | grep -oE -- '--[a-z]+=[A-Z]+ [^()]*\([0-9]+\)' |
		sed -E 's/^--([a-z]+)=.*\(([0-9]+)\)$/\1 \2/')
	((${#defaults[@]} == 5))
	for default in "${defaults[@]}"; do
		sed -n "/^\.It Fl Fl ${default% *} /,/^\.It/p" "$page" | tr '\n' ' ' | grep -q "; ${default#* } by default" || {
			echo "$default is not there"
			return 1
		}
	done
}

@test "the man page documents every metric family" {
	mapfile -t names < <(grep -oE 'FAMILY\([A-Z]+, "[a-z_]+"' "$src"/src/steer/{steer,sched}_text.c | cut -d '"' -f 2)
	((${#names[@]} == 14))
	for name in "${names[@]}"; do
		grep -qE "^\.It Sy .*\bgtimehalt_steer_$name(_total)?\b" "$page"
	done
}

@test "the completion offers cgroups, one level at a time" {
	mkdir -p "$BATS_TEST_TMPDIR/system.slice/a.service" "$BATS_TEST_TMPDIR/user.slice"
	export GTIMEHALT_CGROUPS=$BATS_TEST_TMPDIR
	[[ $(completed sys) == system.slice ]]
	[[ $(completed system.slice/) == system.slice/a.service ]]
}
