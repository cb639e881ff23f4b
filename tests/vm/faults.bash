# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# What the tests of faults share: a line of the table that tests/faults makes of them, and whether the sums
# after a fault agree with the guest's own account. Loaded behind helper.bash.

# fault HOW EXPECTED SEEN: this test's line of the table; the test's description names the fault. Printed when
# SEEN has been held against EXPECTED, and not before.
fault() {
	printf '# fault: %s | %s | %s | %s\n' "$BATS_TEST_DESCRIPTION" "$1" "$2" "${3//$'\n'/; }" >&3
}

# shown_over FILE NAME VCPU: what all intervals of FILE say of a vCPU, summed, as one object, with the first's
# start_monotonic_ns and the last's end_monotonic_ns.
shown_over() {
	jq -e -s --arg name "$2" --argjson vcpu "$3" '
		(first.start_monotonic_ns) as $from | (last.end_monotonic_ns) as $to |
		[.[].vms[] | select(.name == $name) | .vcpus[] | select(.vcpu == $vcpu)] |
		if length == 0 then error("no row of " + $name) else . end |
		{from: $from, to: $to} + ([.[] | {wall_ns, loaded_ns, halted_ns, guest_ns, host_ns, wait_ns,
			unmeasured_ns, clamped_ns}] | reduce .[] as $row ({};
			reduce ($row | to_entries[]) as $e (.; .[$e.key] += $e.value)))' "$1"
}

# agrees FILE NAME [TOLERANCE_PCT]: halted of the guest's first vCPU over all intervals of FILE against its own
# account of the same span; both are in $agreed afterwards, for the table. A guest takes what the host did while it
# was halted, ticks above all, for halted: its account may be larger by host and wait, and by what the tool says that it
# did not measure; and by nothing else. Switch mode does not know host, and hooks that are not
# exact take some of it for guest: $host_pct, of another run of that span, is how much it was at least.
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

# bounded SHOWN_PCT OWN_PCT UNSEEN_PCT TOLERANCE WHAT: as agrees has it, of shares that are known.
bounded() {
	jq -n -e --argjson shown "$1" --argjson own "$2" --argjson unseen "$3" --argjson t "$4" \
		'$own >= $shown - $t and $own <= $shown + $unseen + $t' >/dev/null || {
		echo "$5: $1% halted, $3% not seen, by its own account $2%"
		return 1
	}
}
