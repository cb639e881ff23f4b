# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# An exporter of what was recorded, which needs neither root nor KVM. Loaded by tests of what it exports and of
# what is made of that.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
OUTPUT=${OUTPUT:-.output}
[[ $OUTPUT == /* ]] || OUTPUT=$ROOT/$OUTPUT
GTIMEHALT=${GTIMEHALT:-$OUTPUT/gtimehalt}
HTTP=$ROOT/tests/contrib/http_client.py
PROMTOOL=$ROOT/tests/contrib/promtool
RECORDING=$ROOT/tests/golden/replay/three-guests.ndjson

# free_port: one that nobody has now, and that the kernel gives to nobody (net.ipv4.ip_local_port_range): other tests have
# many connections meanwhile.
free_port() {
	python3 -c 'import random, socket
while True:
	port = random.randrange(10000, 32768)
	try:
		socket.create_server(("127.0.0.1", port)).close()
	except OSError:
		continue
	print(port)
	break'
}

# exporter_start OPTION...: sets exporter_port, and the process in exporter; its stderr is $1/exporter.log.
# Returns when it answers.
exporter_start() {
	local dir=$1 seconds=$2
	shift 2
	exporter_port=$(free_port)
	"$GTIMEHALT" --exporter="127.0.0.1:$exporter_port" "$@" >/dev/null 2>"$dir/exporter.log" 3>&- &
	exporter=$!
	"$HTTP" wait "http://127.0.0.1:$exporter_port/healthz" "$seconds" || {
		cat "$dir/exporter.log"
		return 1
	}
}

# exporter_of_recording DIR: what was recorded, as it stands at its end.
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

# families: the names on stdin, an exposition, has a type for, with those of a histogram's series.
families() {
	awk '$1 == "#" && $2 == "TYPE" {
		print $3
		if ($4 == "histogram") print $3 "_bucket\n" $3 "_sum\n" $3 "_count"
	}' | sort -u
}
