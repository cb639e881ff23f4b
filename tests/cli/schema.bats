#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# JSON is checked against its published schema, by a validator that does not depend on this program.

# `run` sets output in functions that several tests call, not in a subshell of a test.
# shellcheck disable=SC2030,SC2031
bats_require_minimum_version 1.5.0

setup() {
	src=$BATS_TEST_DIRNAME/../..
	REPORTS=${REPORTS:-$(cd "$src" && realpath "${OUTPUT:-.output}")/tests/schema/reports}
	python3 -c 'import jsonschema' || {
		echo 'python3-jsonschema is missing: make test-deps installs it'
		return 1
	}
}

validate() {
	"$src/tests/schema/validate.py" "$@" "$src/contrib/gtimehalt.schema.json"
}

@test "reports of every shape conform to the schema, and contain nothing that it does not define" {
	"$REPORTS" >"$BATS_TEST_TMPDIR/reports"
	run -0 validate <"$BATS_TEST_TMPDIR/reports"
	[[ $output == "8 lines, "*" 0 faults" ]]
}

@test "missing, additional and mistyped members are refused at every place" {
	"$REPORTS" >"$BATS_TEST_TMPDIR/reports"
	run -0 validate --mutate <"$BATS_TEST_TMPDIR/reports"
	[[ $output =~ ^8\ lines,\ [0-9]{4,}\ mutants,\ 0\ faults$ ]]
}

@test "numbers that are unknown in switch mode are refused there" {
	"$REPORTS" | jq -c 'select(.mode == "switch")' >"$BATS_TEST_TMPDIR/report"
	for member in guest_ns busy_ns host_ns entries; do
		for at in .vms[0].total .vms[0].vcpus[0]; do
			jq -c "$at.$member = 0" "$BATS_TEST_TMPDIR/report" >"$BATS_TEST_TMPDIR/wrong"
			run -1 validate <"$BATS_TEST_TMPDIR/wrong"
			[[ $output == *"$member"* ]]
		done
	done
}

# other_form FORM: its JSON of every shape conforms to its schema, and each fault in it is refused.
other_form() {
	local schema=$src/contrib/gtimehalt-$1.schema.json
	"$REPORTS" "$1" >"$BATS_TEST_TMPDIR/$1"
	run -0 "$src/tests/schema/validate.py" --mutate "$schema" <"$BATS_TEST_TMPDIR/$1"
	[[ $output =~ ^8\ lines,\ [0-9]{4,}\ mutants,\ 0\ faults$ ]]
}

@test "summaries and comparisons conform to their schemas, and faults are refused at every place" {
	other_form summary
	other_form diff
}

@test "empty output is not taken for a valid one" {
	run -1 validate </dev/null
}
