# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Functions for the tests of faults: they print lines for the table of tests/faults, and check whether the sums after
# a fault agree with the guest's own account. Loaded after helper.bash.

# fault HOW EXPECTED SEEN: prints this test's line for the table; the test's title names the fault. Call it only after
# SEEN has been compared with EXPECTED.
fault() {
	printf '# fault: %s | %s | %s | %s\n' "$BATS_TEST_DESCRIPTION" "$1" "$2" "${3//$'\n'/; }" >&3
}

# shown_over FILE NAME VCPU: prints the sums of a vCPU over all intervals of FILE as one JSON object, from the
# start_monotonic_ns of the first interval to the end_monotonic_ns of the last.
shown_over() {
	jq -e -s --arg name "$2" --argjson vcpu "$3" '
		(first.start_monotonic_ns) as $from | (last.end_monotonic_ns) as $to |
		[.[].vms[] | select(.name == $name) | .vcpus[] | select(.vcpu == $vcpu)] |
		if length == 0 then error("no row of " + $name) else . end |
		{from: $from, to: $to} + ([.[] | {wall_ns, loaded_ns, halted_ns, guest_ns, host_ns, wait_ns,
			unmeasured_ns, clamped_ns}] | reduce .[] as $row ({};
			reduce ($row | to_entries[]) as $e (.; .[$e.key] += $e.value)))' "$1"
}

# agrees FILE NAME [TOLERANCE_PCT]: compares the halted time of the guest's first vCPU over all intervals of FILE with
# the guest's own account of the same span, and sets $agreed to a text with both, for the table. A guest counts what
# the host did while the guest was halted (above all its ticks) as halted, so its account may be larger by host, wait
# and unmeasured time, but by nothing else. Switch mode does not know host, and hooks that are not exact count part of
# it as guest time: set $host_pct to a lower bound of host that another run of the same load has measured.
host_pct=0
agrees() {
	local tolerance=${3:-1} sums own
	sums=$(shown_over "$1" "$2" 0) || return
	own=$("$ACCOUNT" "$BATS_TEST_TMPDIR/$2.json" --from "$(jq .from <<<"$sums")" \
		--to "$(jq .to <<<"$sums")" --vm 0 --vcpu 0 | jq '100 * .share') || return
	sums=$(jq --argjson host "$host_pct" '.host_ns = ([.host_ns // 0, .wall_ns * $host / 100] | max)' <<<"$sums")
	agreed=$(jq -r --argjson own "$own" '
		.wall_ns as $wall | def pct: 10000 * . / $wall | round / 100;
		"\(.halted_ns | pct)% halted (host \(.host_ns | pct), wait \(.wait_ns | pct), unmeasured " +
		"\(.unmeasured_ns | pct)), by its own account \($own * 100 | round / 100)%"' <<<"$sums") || return
	jq -e --argjson own "$own" --argjson t "$tolerance" '
		def pct($of): 100 * . / $of;
		.wall_ns as $wall | (.halted_ns | pct($wall)) as $shown |
		((.host_ns + .wait_ns + .unmeasured_ns) | pct($wall)) as $unseen |
		$own >= $shown - $t and $own <= $shown + $unseen + $t' <<<"$sums" >/dev/null || {
		echo "$BATS_TEST_DESCRIPTION: $agreed"
		return 1
	}
}

# bounded SHOWN_PCT OWN_PCT UNSEEN_PCT TOLERANCE WHAT: makes the same comparison with shares that are already known.
bounded() {
	jq -n -e --argjson shown "$1" --argjson own "$2" --argjson unseen "$3" --argjson t "$4" \
		'$own >= $shown - $t and $own <= $shown + $unseen + $t' >/dev/null || {
		echo "$5: $1% halted, $3% not seen, by its own account $2%"
		return 1
	}
}
