# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Commands that say TAP, several at a time, as one stream in their order. Loaded by tests/bats,
# tests/cli/run, tests/unit/run and tests/instrumented/run.

# Each is a line of shell.
commands=()

# run_all JOBS: all of them, so many at a time; none is left. One that dies without a word has failed. Returns whether
# none has. Signals have their default effect in them: nohup ignores SIGHUP, and bash SIGINT in the background, which a
# program under test would inherit.
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
		# cmocka has no reason for a skipped test, and calls it "not ok".
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
