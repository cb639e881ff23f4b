#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Standard streams that are closed, full or slow, or whose reader goes away, in each form of output: no output may be
# lost silently, and nothing may be written to the wrong place. A recording of many VMs is replayed. This needs
# neither root nor KVM, except for the test with a small file system. tests/cli/outputs.py does what a shell cannot.

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
	forms=('' -L -P -H -HL --csv -j -jH)
	no_space='No space left on device'
	ulimit -c 0
	cd "$dir" || return
}

# tool OPTION...: runs the tool; each argument may contain several options.
tool() {
	# shellcheck disable=SC2068 # several words
	timeout 60 "$GTIMEHALT" --replay "$recording" $@
}

# metrics FILE OPTION...: writes the metrics of the recording to FILE.
metrics() {
	timeout 60 "$GTIMEHALT-exporter" --replay "$recording" --textfile "$@"
}

# fails STATUS LINE COMMAND...: COMMAND must exit with STATUS, print this one line on stderr, and nothing on stdout.
fails() {
	local status=$1 line=$2 ended=0
	shift 2
	"$@" >"$dir/shown" 2>"$dir/said" || ended=$?
	# Coverage builds print their own error if their files cannot grow.
	[[ $ended == "$status" && $(grep -v '^libgcov profiling error:' "$dir/said") == "$line" && ! -s $dir/shown ]] || {
		printf 'status %s of %s\n' "$ended" "$*"
		cat "$dir/said"
		return 1
	}
}

# of_its_own REASON: skips the test if valgrind runs the tool.
of_its_own() {
	[[ ${INSTRUMENTED:-} != valgrind ]] || skip "valgrind $1"
}

to_nowhere() { tool "$@" >&-; }
to_read_only() { tool "$@" 1</dev/null; }
to_full() { tool "$@" >/dev/full; }

@test "stdout closed, or open for reading only: one line, exit 1, and no other file is written" {
	of_its_own 'reopens closed descriptors'
	local form
	for form in "${forms[@]}"; do
		fails 1 'gtimehalt: cannot write the report: Bad file descriptor' to_nowhere "$form"
		fails 1 'gtimehalt: cannot write the report: Bad file descriptor' to_read_only "$form"
	done
	for form in --help --version; do
		fails 1 'gtimehalt: cannot write to standard output' eval "\"\$GTIMEHALT\" $form >&-"
	done
	# A run without a report on stdout does not need stdout, and its own files must not end up as stdout.
	chmod 777 "$dir"
	metrics "$dir/open.prom"
	fails 0 '' eval 'metrics "$dir/closed.prom" >&-'
	fails 0 '' eval 'metrics "$dir/all.prom" <&- >&-'
	metrics "$dir/none.prom" <&- >&- 2>&-
	for form in closed all none; do
		cmp "$dir/open.prom" "$dir/$form.prom"
	done
}

@test "stderr closed or full: output and exit status do not change" {
	of_its_own 'reopens closed descriptors'
	local form status
	head -c -100 "$recording" >broken
	for form in "${forms[@]}"; do
		tool "$form" >expected
		tool "$form" 2>&- >shown
		cmp expected shown
		# With a warning that cannot be printed.
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

@test "stdin closed: a file can still be read; --replay - prints one line, exit 1" {
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

# cut_short LINE COMMAND...: COMMAND fails with LINE, and the file $out has the first part of the expected output.
cut_short() {
	local size
	fails 1 "$1" "${@:2}"
	size=$(stat -c %s "$out")
	cmp -n "$size" expected "$out"
	((size > 0 && size < $(stat -c %s expected)))
}

limited() { (ulimit -f 8 && tool "$@" >"$out"); }
limited_metrics() { (ulimit -f 8 && metrics g.prom); }

@test "a file-size limit: one line, exit 1, not killed by SIGXFSZ" {
	local form out=$dir/short cnt=0
	chmod 777 "$dir"
	for form in "${forms[@]}"; do
		tool "$form" >expected
		# Short outputs fit.
		(($(stat -c %s expected) > 8 * 1024)) || continue
		cut_short 'gtimehalt: cannot write the report: File too large' limited "$form"
		((++cnt))
	done
	((cnt >= 6))
	echo old >g.prom
	fails 1 'gtimehalt-exporter: cannot write g.prom: File too large' limited_metrics
	[[ $(<g.prom) == old && ! -e .g.prom.new ]]
}

# on_small_disk: runs in its own mount namespace.
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
	# A file of some 30 kB fits; the old and a new one together do not.
	metrics disk/g.prom -g 'vm001*'
	cp disk/g.prom old
	head -c 60000 /dev/zero >disk/else 2>/dev/null || :
	fails 1 "gtimehalt-exporter: cannot write disk/g.prom: $no_space" metrics disk/g.prom
	cmp old disk/g.prom
	[[ $(ls -A disk) == $'else\ng.prom' ]]
	# When there is room again, the new file replaces the old one.
	rm disk/else
	metrics disk/g.prom -g 'vm002*'
	! cmp -s old disk/g.prom || false
}

@test "a full disk: one line, exit 1; a file of metrics stays the old one, and no temporary file is left" {
	unshare -m true 2>/dev/null || skip 'not root: no disk of its own'
	export GTIMEHALT dir no_space
	unshare -m bash -eu -c "$(declare -p forms)
		$(declare -f tool metrics fails cut_short on_small_disk)
		on_small_disk"
}

@test "--textfile with a device, a FIFO or a link: left as it is; one line, exit 1" {
	local line='it exists and is not a regular file' name
	mkfifo fifo
	ln -s /dev/null link
	mknod null c 1 3 2>/dev/null || cp -a fifo null
	for name in fifo link null; do
		fails 1 "gtimehalt-exporter: cannot write $name: $line" metrics "$name"
	done
	[[ -p fifo && -L link && ! -f null && ! -e .fifo.new ]]
}

@test "a slow reader of a pipe, FIFO, socket or terminal gets all of the output, once" {
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" slow
}

@test "a nonblocking stream with a slow reader: no output is lost, and no CPU time is used while waiting" {
	of_its_own 'uses CPU time itself'
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" nonblocking
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" input
}

@test "a reader that goes away: silent end by SIGPIPE; if that is ignored, one line and exit 1" {
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" gone
}

@test "a terminal that hangs up: one line, exit 1" {
	timeout 300 "$BATS_TEST_DIRNAME/outputs.py" "$GTIMEHALT" "$recording" hangup
}
