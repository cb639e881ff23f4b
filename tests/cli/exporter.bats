#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Metrics of a recording, in a file and over HTTP on loopback; neither root nor KVM is needed. The expected texts are
# files below tests/golden/replay; `make golden` rewrites them, to be reviewed as a diff.

bats_require_minimum_version 1.5.0

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT_EXPORTER=${GTIMEHALT:-$src/gtimehalt}-exporter
	golden_dir=$src/tests/golden/replay
	recording=$golden_dir/three-guests.ndjson
	dir=$BATS_TEST_TMPDIR
	exporter=''
}

teardown() {
	[[ -z $exporter ]] || kill "$exporter" 2>/dev/null || :
}

# serve OPTION...: starts an exporter of the recording on a port that the kernel chooses; sets url.
serve() {
	: >"$dir/log"
	"$GTIMEHALT_EXPORTER" --replay "$recording" --listen=127.0.0.1:0 -v "$@" >/dev/null 2>"$dir/log" 3>&- &
	exporter=$!
	url=''
	for ((try = 0; try < 1200; try++)); do
		url=$(sed -n 's,.*listening on ,http://,p' "$dir/log")
		[[ -z $url ]] || return 0
		sleep 0.05
	done
	cat "$dir/log"
	return 1
}

# ended: waits for the exporter, and fails unless it exits with status 0.
ended() {
	local status=0
	wait "$exporter" || status=$?
	exporter=''
	[[ $status == 0 ]]
}

# get PATH [OPTION...]: requests PATH with curl; skips the test if curl is not installed.
get() {
	local path=$1
	shift
	curl -sS --max-time 10 "$@" "$url$path"
}

need_curl() {
	command -v curl >/dev/null || skip 'there is no curl'
}

# is_golden NAME: compares stdin with the file.
is_golden() {
	if [[ ${GOLDEN:-} == update ]]; then
		cat >"$golden_dir/$1"
		return
	fi
	diff -u "$golden_dir/$1" -
}

# ours: removes the metrics of the process itself, which change with each run, from stdin.
ours() {
	grep -vE '^(# (HELP|TYPE|UNIT) )?process_'
}

need_promtool() {
	promtool=$(command -v promtool) || promtool=$src/tests/contrib/promtool
	"$promtool" --version >/dev/null 2>&1 || skip 'there is no promtool: make test-deps'
}

@test "a file contains the sums of what was recorded" {
	run -0 --separate-stderr "$GTIMEHALT_EXPORTER" --replay "$recording" -H --textfile "$dir/g.prom"
	[[ -z $output && -z $stderr ]]
	is_golden metrics.prom <"$dir/g.prom"
	[[ $(stat -c %a "$dir/g.prom") == 644 && $(find "$dir" -name '.*' | wc -l) == 0 ]]
	"$GTIMEHALT_EXPORTER" --replay "$recording" --textfile "$dir/g.prom" -g linux
	is_golden metrics-filter.prom <"$dir/g.prom"
}

@test "the file agrees with JSON" {
	"$GTIMEHALT_EXPORTER" --replay "$recording" --textfile "$dir/g.prom"
	for key in halted loaded guest busy host wait blocked; do
		diff <(jq -r -s --arg key "${key}_ns" '[.[].vms[]] | group_by(.pid)[] |
			"\(.[0].pid) \([.[].total[$key]] | add)"' "$golden_dir/json.ndjson") \
			<(sed -nE "s/^gtimehalt_vm_${key}_seconds_total\{pid=\"([0-9]+)\".*\} ([0-9]+)\.([0-9]+)$/\1 \2\3/p" \
				"$dir/g.prom" | sed -E 's/ 0+([0-9])/ \1/')
	done
}

@test "promtool check metrics finds no fault" {
	need_promtool
	run -0 "$promtool" check metrics <"$golden_dir/metrics.prom"
	[[ -z $output ]]
}

@test "a strict parser accepts the OpenMetrics text" {
	need_curl
	/usr/bin/python3 -c 'import prometheus_client' || skip 'there is no python3-prometheus-client'
	serve -H
	get /metrics -H 'Accept: application/openmetrics-text; version=1.0.0' >"$dir/metrics"
	/usr/bin/python3 - "$dir/metrics" <<-'END'
		import sys
		from prometheus_client.openmetrics.parser import text_string_to_metric_families
		with open(sys.argv[1], encoding='utf-8') as text:
		    families = {f.name: f for f in text_string_to_metric_families(text.read())}
		assert families['gtimehalt'].type == 'info', families['gtimehalt'].type
		assert families['gtimehalt_vm'].type == 'info'
		assert families['gtimehalt_vm_stint_halted_seconds'].type == 'histogram'
		assert families['gtimehalt_vcpu_halted_seconds'].unit == 'seconds'
		assert families['process_cpu_seconds'].type == 'counter'
	END
	ours <"$dir/metrics" | is_golden metrics.openmetrics
}

@test "over HTTP: the same text as in the file, content negotiation, an index page and /healthz" {
	need_curl
	serve -H
	get /metrics -D "$dir/head" >"$dir/metrics"
	grep -qi '^content-type: text/plain; version=0.0.4; charset=utf-8' "$dir/head"
	diff "$golden_dir/metrics.prom" <(ours <"$dir/metrics" | grep -vE 'gtimehalt_((dropped_)?connections|scrapes)')
	get /metrics -D "$dir/head" -o /dev/null -H 'Accept: application/openmetrics-text'
	grep -qi '^content-type: application/openmetrics-text; version=1.0.0; charset=utf-8' "$dir/head"
	[[ $(get /healthz) == ok ]]
	get / | grep -q '/metrics'
	[[ $(get /nowhere -o /dev/null -w '%{http_code}') == 404 ]]
	[[ $(get /metrics -d x -o /dev/null -w '%{http_code}') == 405 ]]
	[[ $(get /metrics -I | sed -n '1s/.* \([0-9]*\) .*/\1/p') == 200 ]]
}

@test "SIGHUP does not end the exporter; SIGTERM and SIGINT do, and the file is written" {
	# An exporter started by root writes the file as nobody.
	chmod 777 "$dir"
	serve --textfile "$dir/g.prom"
	kill -HUP "$exporter"
	for ((try = 0; try < 1200; try++)); do
		! grep -q SIGHUP "$dir/log" || break
		sleep 0.05
	done
	grep -q SIGHUP "$dir/log"
	kill -0 "$exporter"
	rm -f "$dir/g.prom"
	kill -TERM "$exporter"
	ended
	grep -q '^gtimehalt_vms 3$' "$dir/g.prom"
	grep -q '^gtimehalt_scrapes_total{code="200"} 0$' "$dir/g.prom"
	! grep -q process_ "$dir/g.prom" || false
	serve
	kill -INT "$exporter"
	ended
}

@test "an address in use: one line, exit 1" {
	serve
	run -1 --separate-stderr "$GTIMEHALT_EXPORTER" --replay "$recording" --listen="${url#http://}"
	[[ -z $output && $stderr == "gtimehalt-exporter: cannot listen on ${url#http://}: Address already in use" ]]
}

@test "an address that this host does not have: one line, exit 1" {
	run -1 --separate-stderr "$GTIMEHALT_EXPORTER" --replay "$recording" --listen=192.0.2.1:0
	[[ -z $output && $stderr == "gtimehalt-exporter: cannot listen on 192.0.2.1:0: Cannot assign requested address" ]]
}

@test "a file that cannot be written: one line, exit 1, and the old file stays" {
	run -1 --separate-stderr "$GTIMEHALT_EXPORTER" --replay "$recording" --textfile "$dir/nowhere/g.prom"
	[[ -z $output && $stderr == "gtimehalt-exporter: cannot write $dir/nowhere/g.prom: No such file or directory" ]]
	mkdir "$dir/g.prom"
	run -1 --separate-stderr "$GTIMEHALT_EXPORTER" --replay "$recording" --textfile "$dir/g.prom"
	[[ -z $output && $stderr == "gtimehalt-exporter: cannot write $dir/g.prom: Is a directory" ]]
	[[ $(find "$dir" -name '.*' | wc -l) == 0 ]]
}

@test "a recording made without -H has no histogram: one line, exit 1" {
	sed -E 's/,"stints":[0-9]+//g; s/,"has_stints":true.*/}/' "$recording" >"$dir/without"
	run -1 --separate-stderr "$GTIMEHALT_EXPORTER" --replay "$dir/without" -H --textfile "$dir/g.prom"
	[[ $stderr == "gtimehalt-exporter: the recording has no histogram: it was made without -H" && ! -e $dir/g.prom ]]
}
