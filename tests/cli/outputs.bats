#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Standard streams that are closed, full, slow, or go away, in each form of output: nothing is lost without a word,
# and nothing goes where it should not. A recording of many VMs is replayed; neither root nor KVM, but for a disk of
# its own. tests/cli/outputs.py does what a shell cannot.

# Lines for eval are in single quotes.
# shellcheck disable=SC2016,SC2030,SC2031,SC2153
bats_require_minimum_version 1.5.0

setup_file() {
	export recording=$BATS_FILE_TMPDIR/recording
	"$BATS_TEST_DIRNAME/hostile_names.py" record "$BATS_TEST_DIRNAME/../golden/replay/three-guests.ndjson" --plain \
		>"$recording"
}

setup() {
	GTIMEHALT=$(realpath "${GTIMEHALT:-$BATS_TEST_DIRNAME/../../gtimehalt}")
	dir=$BATS_TEST_TMPDIR
	forms=('' -L '-P -T' -H -HL --csv -j -jH)
	no_space='No space left on device'
	ulimit -c 0
	cd "$dir" || return
}

# tool OPTION...: a line of several words.
tool() {
	# shellcheck disable=SC2068 # several words
	timeout 60 "$GTIMEHALT" --replay "$recording" $@
}

# fails STATUS LINE COMMAND...: with that status and that one line, and nothing on stdout.
fails() {
	local status=$1 line=$2 ended=0
	shift 2
	"$@" >"$dir/shown" 2>"$dir/said" || ended=$?
	# What counts lines says so when its files may not grow either.
	[[ $ended == "$status" && $(grep -v '^libgcov profiling error:' "$dir/said") == "$line" && ! -s $dir/shown ]] || {
		printf 'status %s of %s\n' "$ended" "$*"
		cat "$dir/said"
		return 1
	}
}

# of_its_own: skipped where valgrind runs the tool.
of_its_own() {
	[[ ${INSTRUMENTED:-} != valgrind ]] || skip "valgrind $1"
}

to_nowhere() { tool "$@" >&-; }
to_read_only() { tool "$@" 1</dev/null; }
to_full() { tool "$@" >/dev/full; }

@test "stdout closed, or open for reading alone: one line, exit 1, and no file is written in its place" {
	of_its_own 'opens what was closed'
	local form
	for form in "${forms[@]}"; do
		fails 1 'gtimehalt: cannot write the report: Bad file descriptor' to_nowhere "$form"
		fails 1 'gtimehalt: cannot write the report: Bad file descriptor' to_read_only "$form"
	done
	for form in --help --version; do
		fails 1 'gtimehalt: cannot write to standard output' eval "\"\$GTIMEHALT\" $form >&-"
	done
	# What has no report to write does not need it; and does not take what it opens for it.
	chmod 777 "$dir"
	tool --textfile "$dir/open.prom"
	fails 0 '' eval 'tool --textfile "$dir/closed.prom" >&-'
	fails 0 '' eval 'tool --textfile "$dir/all.prom" <&- >&-'
	tool --textfile "$dir/none.prom" <&- >&- 2>&-
	for form in closed all none; do
		cmp "$dir/open.prom" "$dir/$form.prom"
	done
}

@test "stderr closed or full: what is shown and the exit status are what they were" {
	of_its_own 'opens what was closed'
	local form status
	head -c -100 "$recording" >broken
	for form in "${forms[@]}"; do
		tool "$form" >expected
		tool "$form" 2>&- >shown
		cmp expected shown
		# With a warning that goes nowhere.
		for status in '2>&-' '2>/dev/full'; do
			eval "\"\$GTIMEHALT\" $form --replay broken >shown $status"
			[[ -s shown ]] && cmp -n "$(stat -c %s shown)" expected shown
		done
		status=0
		to_nowhere "$form" 2>&- || status=$?
		[[ $status == 1 ]]
		status=0
		to_full "$form" 2>/dev/full || status=$?
		[[ $status == 1 ]]
	done
	status=0
	"$GTIMEHALT" --no-such-option 2>&- || status=$?
	[[ $status == 2 ]]
}

@test "stdin closed: a file is read all the same; as the recording it is one line, exit 1" {
	local form
	for form in "${forms[@]}"; do
		tool "$form" >expected
		tool "$form" <&- >shown
		cmp expected shown
	done
	fails 1 'gtimehalt: -: Bad file descriptor' eval '"$GTIMEHALT" --replay - <&-'
	fails 1 'gtimehalt: -: Is a directory' eval '"$GTIMEHALT" --replay - </'
}

@test "a full device: one line, exit 1, in each form" {
	local form
	for form in "${forms[@]}"; do
		fails 1 "gtimehalt: cannot write the report: $no_space" to_full "$form"
	done
	for form in --help --version; do
		fails 1 'gtimehalt: cannot write to standard output' eval "\"\$GTIMEHALT\" $form >/dev/full"
	done
}

# cut_short COMMAND LINE: what is in the file by the name of shown is as much of what was to be written as fits.
cut_short() {
	local size
	fails 1 "$1" "${@:2}"
	size=$(stat -c %s "$out")
	cmp -n "$size" expected "$out"
	((size > 0 && size < $(stat -c %s expected)))
}

limited() { (ulimit -f 8 && tool "$@" >"$out"); }
limited_metrics() { (ulimit -f 8 && tool --textfile g.prom); }

@test "a file that may not grow any more: one line, exit 1, and not a signal that says nothing" {
	local form out=$dir/short cnt=0
	chmod 777 "$dir"
	for form in "${forms[@]}"; do
		tool "$form" >expected
		# Those that fit do.
		(($(stat -c %s expected) > 8 * 1024)) || continue
		cut_short 'gtimehalt: cannot write the report: File too large' limited "$form"
		((++cnt))
	done
	((cnt >= 6))
	echo old >g.prom
	fails 1 'gtimehalt: cannot write g.prom: File too large' limited_metrics
	[[ $(<g.prom) == old && ! -e .g.prom.new ]]
}

# on_small_disk: in a mount namespace of its own.
on_small_disk() {
	mkdir -p disk
	mount -t tmpfs -o size=64k,mode=777 tmpfs disk
	out=disk/short
	for form in "${forms[@]}"; do
		tool "$form" >expected
		(($(stat -c %s expected) > 70000)) || continue
		cut_short "gtimehalt: cannot write the report: $no_space" eval "tool $form >\$out"
		rm disk/short
	done
	# Some 30 kB fit, and twice as much does not.
	tool -g vm001 --textfile disk/g.prom
	cp disk/g.prom old
	head -c 60000 /dev/zero >disk/else 2>/dev/null || :
	fails 1 "gtimehalt: cannot write disk/g.prom: $no_space" tool --textfile disk/g.prom
	cmp old disk/g.prom
	[[ $(ls -A disk) == $'else\ng.prom' ]]
	# With room again it is the new one.
	rm disk/else
	tool -g vm002 --textfile disk/g.prom
	! cmp -s old disk/g.prom || false
}

@test "a full disk: one line, exit 1; a file of metrics is the old one, and nothing lies beside it" {
	unshare -m true 2>/dev/null || skip 'not root: no disk of its own'
	export GTIMEHALT dir no_space
	unshare -m bash -eu -c "$(declare -p forms)
		$(declare -f tool fails cut_short on_small_disk)
		on_small_disk"
}

@test "a file of metrics that is none: a device, a FIFO, a link are left as they are; one line, exit 1" {
	local line='it exists and is not a regular file' name
	mkfifo fifo
	ln -s /dev/null link
	mknod null c 1 3 2>/dev/null || cp -a fifo null
	for name in fifo link null; do
		fails 1 "gtimehalt: cannot write $name: $line" tool --textfile "$name"
	done
	[[ -p fifo && -L link && ! -f null && ! -e .fifo.new ]]
}

@test "a reader that takes a little at a time, from a pipe, a FIFO, a socket, a terminal: all of it, once" {
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" slow
}

@test "a stream that does not block, and a reader that takes its time: nothing is lost, and no time spent on it" {
	of_its_own 'takes the time'
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" nonblocking
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" input
}

@test "a reader that goes away: a quiet end by SIGPIPE; where that is ignored, one line and exit 1" {
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" gone
}

@test "a terminal that hangs up: one line, exit 1" {
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" hangup
}
