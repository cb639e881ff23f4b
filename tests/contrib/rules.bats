#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prometheus' own checks of the files in contrib/prometheus. Neither root nor a server is needed.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../../contrib/prometheus" || return
	promtool=$BATS_TEST_DIRNAME/promtool
}

@test "promtool check rules finds no fault" {
	run -0 --separate-stderr "$promtool" check rules --lint=all --lint-fatal gtimehalt.rules.yml \
		autoscaling.rules.yml
	[[ -z $stderr && $(grep -c 'SUCCESS: [1-9]' <<<"$output") == 2 ]]
}

@test "promtool test rules: shares, oversized VMs, noisy neighbours, a failing exporter" {
	run -0 "$promtool" test rules gtimehalt.rules.test.yml
}

@test "autoscaling: scaling out and in, by service" {
	run -0 "$promtool" test rules autoscaling.rules.test.yml
}

@test "the test of a rule detects a wrong rule" {
	cp gtimehalt.rules.yml gtimehalt.rules.test.yml "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	sed -i 's/ - rate(gtimehalt_vm_halted_seconds_total/ + rate(gtimehalt_vm_halted_seconds_total/' gtimehalt.rules.yml
	run -1 "$promtool" test rules gtimehalt.rules.test.yml
	[[ $output == *vm:gtimehalt_busy:ratio_rate5m* ]]
}

# An alert that no test has ever seen fire may be wrong.
@test "every alert fires in some test" {
	local alert
	while read -r alert; do
		grep -qE "alertname(: |=\")$alert\b" gtimehalt.rules.test.yml autoscaling.rules.test.yml || {
			echo "$alert"
			return 1
		}
	done < <(sed -n 's/^ *- alert: //p' gtimehalt.rules.yml autoscaling.rules.yml)
}

@test "the scrape configuration of a fleet is valid, and instance is the host's name" {
	run -0 "$promtool" check config scrape.yml
	run -0 --separate-stderr "$promtool" check service-discovery scrape.yml gtimehalt
	[[ $(jq -r '.[].labels | "\(.instance) \(.zone) \(.__address__)"' <<<"$output" | sort) == \
		$'192.0.2.7 west 192.0.2.7:10177\nkvm1 east kvm1.example.net:10177\nkvm2 east kvm2.example.net:10177' ]]
}

@test "the commented-out parts of it are valid, too" {
	sed -E 's/^(  +)# (  )?(dns_sd_configs:|metric_relabel_configs:|  ?- (names|source_labels):|  +(regex|action):)/\1\2\3/' \
		scrape.yml >"$BATS_TEST_TMPDIR/scrape.yml"
	cp ./*.rules.yml gtimehalt-targets.yml "$BATS_TEST_TMPDIR"
	[[ $(diff scrape.yml "$BATS_TEST_TMPDIR/scrape.yml" | grep -c '^>') == 6 ]]
	run -0 "$promtool" check config "$BATS_TEST_TMPDIR/scrape.yml"
}

@test "the other examples are valid YAML, and use metrics that the rules record" {
	/usr/bin/python3 -c 'import sys, yaml; [yaml.safe_load(open(name)) for name in sys.argv[1:]]' ./*.yml
	while read -r record; do
		grep -q "record: $record\$" autoscaling.rules.yml
	done < <(grep -oE '\b\w+:gtimehalt_\w+:\w+' autoscaling-keda.yml)
}
