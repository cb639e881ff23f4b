#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=vmx
#
# An Intel host: what the exporter has counted between two scrapes against the guest's own account. Runs in the bed
# with VMX.

bats_require_minimum_version 1.5.0
load helper
load faults
load ended
load guests
load host

setup_file() {
	:
}

setup() {
	exporter=''
}

teardown() {
	[[ -z $exporter ]] || kill "$exporter" 2>/dev/null || :
	guest_end
}

# A scrape can be as old as the last snapshot, so the span is long.
@test "what is scraped is what the guest says, whether it halts by HLT or by MWAIT" {
	local idle from to halted unmeasured own
	for idle in hlt mwait; do
		guest_start duty --busy 30 --idle "$idle" --pin "$QUIET_CPU"
		serving_begin "$GTIMEHALT"
		sleep 2
		from=$(scrape_mark)
		sleep 20
		to=$(scrape_mark)
		serving_end
		guest_end
		scraped_between "$from" "$to" duty
		read -r _ halted unmeasured own <<<"$scraped"
		printf '# %s: %s%% halted, by its own account %s%%\n' "$idle" "$halted" "$own" >&3
		near "$halted" "$own" 0.5 "halted share"
		[[ $unmeasured == 0 ]]
	done
}
