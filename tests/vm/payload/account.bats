#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# payload-account with reports that the tests write; neither KVM nor the payload is needed.

bats_require_minimum_version 1.5.0

setup() {
	account=${ACCOUNT:-$BATS_TEST_DIRNAME/../../../${OUTPUT:-.output}/tests/payload/payload-account}
	[[ ${OUTPUT:-} != /* || ${ACCOUNT:-} ]] || account=$OUTPUT/tests/payload/payload-account
	report=$BATS_TEST_TMPDIR/report.json
}

# vcpu VM VCPU [JQ-ASSIGNMENT]: prints a vCPU that ran from 1000 to 2000 and halted from 1100 to 1200, 1300 to 1350
# and 1900 to 2000.
vcpu() {
	jq -nc --argjson vm "$1" --argjson vcpu "$2" '{$vm, $vcpu, tid: 42, complete: true, mapped: true, dropped: 0,
		uncertain_ns: 7, start_ns: 1000, end_ns: 2000, tsc_offset: -9000000000000000000, waited_ns: null,
		segments: [[1100, 1200], [1300, 1350], [1900, 2000]]}'" | ${3:-.}"
}

# report VCPU...: writes a report in the payload's format.
report() {
	local IFS=,
	printf '{"payload":1,"name":"x","clock":{"begin":{"tsc":18446744073709551615}},"vcpus":[%s]}\n' "$*" >"$report"
}

# refused WORDS ARGUMENT...: must be refused with one line that contains WORDS.
refused() {
	local words=$1
	shift
	run --separate-stderr -1 "$account" "$@"
	[[ $stderr == "payload-account: "*"$words"* && ${#stderr_lines[@]} == 1 && -z $output ]] || {
		echo "$stderr"
		return 1
	}
}

@test "a whole run, byte by byte" {
	report "$(vcpu 0 0)"
	[[ $("$account" "$report") == '{"vm": 0, "vcpu": 0, "tid": 42, "span_ns": 1000, "halted_ns": 250, "halts": 3, "share": 0.25, "uncertain_ns": 7}' ]]
	[[ $("$account" - <"$report") == "$("$account" "$report")" ]]
}

# span FROM TO HALTED HALTS SHARE: compares the result for a span.
span() {
	diff - <("$account" "$report" --from "$1" --to "$2") <<-END
		{"vm": 0, "vcpu": 0, "tid": 42, "span_ns": $(($2 - $1)), "halted_ns": $3, "halts": $4, "share": $5, "uncertain_ns": 7}
	END
}

@test "segments are clipped to the span" {
	report "$(vcpu 0 0)"
	span 1000 1100 0 0 0.0
	span 1100 1200 100 1 1.0
	span 1150 1151 1 1 1.0
	span 1199 1301 2 2 0.019608
	span 1200 1300 0 0 0.0
	span 1150 1950 150 3 0.1875
	span 1850 2000 100 1 0.666667
}

@test "a share is printed with as few digits as possible" {
	local halted_ns share
	while read -r halted_ns share; do
		report "$(vcpu 0 0 ".start_ns = 0 | .end_ns = 1000000 | .segments = [[0, $halted_ns]]")"
		[[ $("$account" "$report") == *"\"share\": $share, "* ]] || {
			"$account" "$report"
			return 1
		}
	done <<-'END'
		0 0.0
		1 1e-06
		10 1e-05
		12 1.2e-05
		99 9.9e-05
		100 0.0001
		101 0.000101
		500000 0.5
		999999 0.999999
		1000000 1.0
	END
}

@test "each of several vCPUs has a line, or only the chosen ones" {
	report "$(vcpu 0 0)" "$(vcpu 0 1)" "$(vcpu 1 0)"
	[[ $("$account" "$report" | jq -c '[.vm, .vcpu]') == $'[0,0]\n[0,1]\n[1,0]' ]]
	[[ $("$account" "$report" --vm 0 | jq -c '[.vm, .vcpu]') == $'[0,0]\n[0,1]' ]]
	[[ $("$account" --vcpu=0 "$report" | jq -c '[.vm, .vcpu]') == $'[0,0]\n[1,0]' ]]
	[[ $("$account" "$report" --vm 1 --vcpu 0 | jq -c '[.vm, .vcpu]') == '[1,0]' ]]
	refused 'no such vCPU' "$report" --vm 1 --vcpu 1
}

@test "refused: spans and vCPUs that the report does not cover" {
	report "$(vcpu 0 0)"
	refused 'vm 0 vcpu 0: its run is 1000 to 2000' "$report" --from 999
	refused 'vm 0 vcpu 0: its run is 1000 to 2000' "$report" --to 2001
	refused 'an empty span' "$report" --from 1500 --to 1500
	refused 'an empty span' "$report" --from 2000 --to 1000
	report "$(vcpu 0 0 '.complete = false')"
	refused 'the guest did not end its account' "$report"
	report "$(vcpu 0 0 '.mapped = false')"
	refused 'its TSC has no mapping' "$report"
	report "$(vcpu 0 0 '.dropped = 3')"
	refused 'its log overflowed, 3 halts are missing' "$report"
}

@test "refused: files that are no report" {
	local change
	refused 'No such file' "$BATS_TEST_TMPDIR/none"
	: >"$report"
	refused 'ends too early' "$report"
	for change in 'del(.dropped)' '.dropped = "0"' '.complete = 1' '.start_ns = 1.5' '.end_ns = null' '.segments = {}' \
		'.segments[1] = [1]' '.segments[1] = 1' '.segments[1][0] = "1"' '.segments[1] = [1350, 1300]' \
		'.end_ns = 99999999999999999999999' 'del(.tid)'; do
		report "$(vcpu 0 0 "$change")"
		run --separate-stderr -1 "$account" "$report"
		[[ -z $output && ${#stderr_lines[@]} == 1 ]] || {
			echo "$change: $output $stderr"
			return 1
		}
	done
	report "$(vcpu 0 0)"
	head -c -10 "$report" >"$report.cut"
	refused 'ends too early' "$report.cut"
	{ cat "$report"; echo x; } >"$report.more"
	refused 'no JSON' "$report.more"
	{ cat "$report"; printf '\0'; } >"$report.nul"
	refused "$report.nul" "$report.nul"
	sed 's/"x"/"ü"/' "$report" >"$report.utf8"
	refused 'is not ASCII' "$report.utf8"
	echo '{"vcpus":3}' >"$report"
	refused "no array 'vcpus'" "$report"
	echo '{"vcpus":[]}' >"$report"
	refused 'no such vCPU' "$report"
}

@test "wrong usage: one line, exit 2" {
	local args
	report "$(vcpu 0 0)"
	for args in '' "$report x" '--fro 1 x' "$report --from" "$report --from 0x10" "$report --from=" "$report --to 1.5" \
		"$report --vm 99999999999999999999" "$report --bogus"; do
		# shellcheck disable=SC2086 # these are words
		run --separate-stderr -2 "$account" $args
		[[ -z $output && ${#stderr_lines[@]} == 1 ]]
	done
	run -0 "$account" --help
	[[ $output == usage:* ]]
}
