# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Runs several commands that print TAP at the same time, and prints their output as one stream, in the order of the
# commands. Loaded by tests/bats, tests/cli/run, tests/unit/run, tests/instrumented/run and tests/intel.

# The commands to run: each is a line of shell.
commands=()

# run_all JOBS: runs all commands, at most JOBS at a time, and empties the list. A command that exits with an error
# but printed no failed test counts as a failed test. Returns 0 if all succeeded. Signals are reset to their default
# effect in the commands: nohup ignores SIGHUP, and bash ignores SIGINT in background processes, and a program under
# test would inherit that.
run_all() {
	local jobs=$1 said i status failed=0 skip_reason='not possible here'
	((EUID == 0)) || skip_reason='not root'
	said=$(mktemp -d "${TMPDIR:-/tmp}/gtimehalt-jobs.XXXXXX") || return
	for ((i = 0; i < ${#commands[@]}; i++)); do
		while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
		{
			env --default-signal=HUP,INT,QUIT bash -c "${commands[i]}" </dev/null >"$said/$i"
			echo $? >"$said/$i.status"
		} &
	done
	wait
	for ((i = 0; i < ${#commands[@]}; i++)); do
		# cmocka prints a skipped test as "not ok" and gives no reason.
		sed -i -E "s/^not ok ([0-9]+) # SKIP (.*)/ok \1 - \2 # SKIP $skip_reason/" "$said/$i"
		cat "$said/$i"
		status=$(<"$said/$i.status")
		((status == 0)) || failed=1
		if ((status)) && ! grep -q '^not ok ' "$said/$i"; then
			printf '1..1\nnot ok 1 - exit status %d: %s\n' "$status" "${commands[i]}"
		fi
	done
	rm -rf "$said"
	commands=()
	return "$failed"
}
