#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A start that fails half way, for want of descriptors or memory. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper
load faults
load ended

# refused LIMIT COMMAND...: with an option of prlimit(1) one line and a status that is documented, or it worked and
# shows the guest. Below what ld.so needs it is not the tool that speaks.
refused() {
	local status=0
	prlimit "$@" >"$out" 2>"$err" 3>&- 4>&- || status=$?
	# A library that is loaded speaks for itself, before main().
	sed -i '/^Error in GnuTLS initialization:/d' "$err"
	echo "$1: status $status, $(head -n 1 "$err")"
	case $status in
	0) [[ ! -s $err ]] && { [[ $* != *' -d '* ]] || grep -q '  vCPU 0' "$out"; } ;;
	1) [[ ! -s $out && $(wc -l <"$err") == 1 && $(<"$err") == gtimehalt*': '* ]] ;;
	127) grep -q 'error while loading shared libraries' "$err" ;;
	*) false ;;
	esac || {
		cat "$out" "$err"
		return 1
	}
	((status == 0 || status == 127)) || sed 's/.*: //' "$err" >>"$BATS_TEST_TMPDIR/said"
	echo "$status" >>"$BATS_TEST_TMPDIR/statuses"
}

# bats test_tags=core-newest
@test "too few descriptors, too little memory: one line, and nothing left" {
	local n
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	users=$(<"/sys/module/$KVM_VENDOR/refcnt")
	state_begin
	for n in 4 5 6 8 10 16 20 24 26 28 29 30 31 32 33 34 35 36; do
		refused "--nofile=$n" "$GTIMEHALT" -d 0.05
	done
	for n in 14 15 16 18 20 22 24 26; do
		refused "--as=$((n << 20))" "$GTIMEHALT" -d 0.05
	done
	for n in 7 20 30 34; do
		refused "--nofile=$n" timeout --preserve-status -s TERM 4 "$GTIMEHALT_EXPORTER" --listen=127.0.0.1:0
	done
	if can_pin; then
		for n in 20 30 34 36; do
			refused "--nofile=$n" "$GTIMEHALT" --pin
			[[ ! -e $PINNED ]] || "$GTIMEHALT" --unpin
		done
	fi
	nothing_runs
	nothing_left
	grep -vq 0 "$BATS_TEST_TMPDIR/statuses"
	fault 'RLIMIT_NOFILE 4 to 36, RLIMIT_AS 14 to 26 MiB; one shot, gtimehalt-exporter, --pin' \
		'one line and status 1, or it works; nothing left' \
		"statuses $(sort "$BATS_TEST_TMPDIR/statuses" | uniq -c | awk '{ printf "%s%d: %d times", sep, $2, $1; sep = ", " }'); \
$(sort "$BATS_TEST_TMPDIR/said" | uniq -c | awk '{ n = $1; $1 = ""; printf "%s%s:%d", sep, $0, n; sep = "," }')"
}
