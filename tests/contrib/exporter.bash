# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# An exporter of a recording, which needs neither root nor KVM. Loaded by tests of the metrics and of their users.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
OUTPUT=${OUTPUT:-.output}
[[ $OUTPUT == /* ]] || OUTPUT=$ROOT/$OUTPUT
GTIMEHALT=${GTIMEHALT:-$OUTPUT/gtimehalt}
GTIMEHALT_EXPORTER=$GTIMEHALT-exporter
HTTP=$ROOT/tests/contrib/http_client.py
PROMTOOL=$ROOT/tests/contrib/promtool
RECORDING=$ROOT/tests/golden/replay/three-guests.ndjson

# exporter_start DIR SECONDS OPTION...: starts an exporter on a port that the kernel chooses, and waits up to SECONDS
# for its first answer. Sets exporter_port and exporter, the process ID; stderr goes to DIR/exporter.log.
exporter_start() {
	local dir=$1 seconds=$2 end=$((SECONDS + $2))
	shift 2
	"$GTIMEHALT_EXPORTER" --listen=127.0.0.1:0 -v "$@" >/dev/null 2>"$dir/exporter.log" 3>&- &
	exporter=$!
	exporter_port=''
	while [[ ! $exporter_port ]] && ((SECONDS < end)) && kill -0 "$exporter" 2>/dev/null; do
		sleep 0.05
		exporter_port=$(sed -n 's/.*listening on 127\.0\.0\.1://p' "$dir/exporter.log")
	done
	if [[ ! $exporter_port ]] || ! "$HTTP" wait "http://127.0.0.1:$exporter_port/healthz" "$seconds"; then
		cat "$dir/exporter.log"
		return 1
	fi
}

# exporter_of_recording DIR: serves the recording, with the sums at its end.
exporter_of_recording() {
	exporter_start "$1" 60 --replay "$RECORDING" -H
}

exporter_stop() {
	[[ ${exporter-} ]] || return 0
	kill "$exporter" 2>/dev/null || :
	wait "$exporter" || :
	exporter=''
}

scrape() {
	"$HTTP" get "http://127.0.0.1:$exporter_port/metrics" "$@"
}

# families: prints the names that the exposition on stdin declares by TYPE lines, with those of a histogram's series.
families() {
	awk '$1 == "#" && $2 == "TYPE" {
		print $3
		if ($4 == "histogram") print $3 "_bucket\n" $3 "_sum\n" $3 "_count"
	}' | sort -u
}
