#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The man pages of gtimehalt and gtimehalt-exporter are well formed, and document exactly what the programs do.

# `run` sets output and status in functions that several tests call, not in a subshell of a test.
# shellcheck disable=SC2030,SC2031
bats_require_minimum_version 1.5.0
load values

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT=${GTIMEHALT:-$src/gtimehalt}
	page=$src/doc/gtimehalt.8
}

# as_exporter: tests the exporter's page from now on.
as_exporter() {
	GTIMEHALT=$GTIMEHALT-exporter page=$src/doc/gtimehalt-exporter.8
}

# section NAME: prints the source of a section.
section() {
	sed -n "/^\.Sh $1\$/,/^\.Sh /p" "$page"
}

no_fault_of_man() {
	run -0 --separate-stderr env MANWIDTH=80 man --warnings -l "$page"
	[[ -z $stderr ]] || {
		echo "$stderr"
		return 1
	}
}

@test "man reports no fault" {
	no_fault_of_man
	as_exporter
	no_fault_of_man
}

no_fault_of_mandoc() {
	# Ignore pages that are not installed on this machine; and FIELDS, which is not a misspelt FILES.
	run mandoc -T lint "$page"
	faults=$(grep -v -e 'referenced manual not found' -e 'possible typo in section name: Sh FIELDS' \
		-e 'outdated mandoc.db' <<<"$output" || :)
	[[ -z $faults ]] || {
		echo "$faults"
		return 1
	}
}

@test "mandoc reports no fault" {
	no_fault_of_mandoc
	as_exporter
	no_fault_of_mandoc
}

# options_are_documented MINIMUM: the page has the options of --help, which are at least so many.
options_are_documented() {
	# Turns the lines "-p, --pid=PID" and "--top" of --help into "p pid PID" and "- top -".
	"$GTIMEHALT" --help |
		sed -nE 's/^ +(-([A-Za-z?]), )?--([a-z-]+)(\[?=([A-Z:]+)\]?)?( .*|$)/\2 \3 \5/p' >"$BATS_TEST_TMPDIR/help"
	section OPTIONS |
		sed -nE 's/^\.It (Fl ([A-Za-z]) , )?Fl Fl ([a-z-]+)(( Ns Op = Ns)? Ar ([A-Z:]+)( [A-Z]+)?)?$/\2 \3 \6/p' >"$BATS_TEST_TMPDIR/page"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/help") -ge $1 ]]
	diff <(sort "$BATS_TEST_TMPDIR/help") <(sort "$BATS_TEST_TMPDIR/page")
	[[ $(section OPTIONS | grep -c '^\.It Fl') == $(wc -l <"$BATS_TEST_TMPDIR/page") ]]
}

@test "the options are those of --help, with the same letters and values" {
	options_are_documented 20
	as_exporter
	options_are_documented 15
}

# values_are_documented OPTION...: the page has all values of these options.
values_are_documented() {
	for option; do
		mapfile -t values < <(values_of "$option")
		((${#values[@]} >= 2))
		for value in "${values[@]}"; do
			section OPTIONS | grep -E '^\.(It )?Cm ' | grep -qw -- "$value" || {
				echo "$option $value is not there"
				return 1
			}
		done
	done
}

@test "all values of --mode, --hook and --sort are documented" {
	values_are_documented --mode --hook --sort
	as_exporter
	values_are_documented --mode --hook
}

# members PATH: prints the names of an object's members in the schema.
members() {
	jq -r --arg path "$1" 'getpath($path | split(" ")).required[]' "$src/contrib/gtimehalt.schema.json"
}

@test "every member of JSON is documented" {
	local defs=\$defs
	for member in $(members '') $(members "$defs vm") $(members 'properties health') \
		$(members "$defs metrics") $(members "$defs histogram"); do
		section FIELDS | grep -qE "(^\.(It )?Sy|,) .*\b$member\b|^\.Sy $member\b" || {
			echo "$member is not there"
			return 1
		}
	done
}

@test "every heading of the table is documented" {
	headings=$(grep -oE '"[A-Z]+(%|/s)"' "$src/src/report/columns.c" | tr -d '"')
	[[ $(wc -l <<<"$headings") -ge 7 ]]
	for heading in $headings; do
		section FIELDS | grep -qF "Ta $heading Ta"
	done
}

statuses_are_documented() {
	statuses=$("$GTIMEHALT" --help | sed -n '/^EXIT STATUS:/,$s/^ *\([0-9]\)  .*/\1/p')
	[[ $(wc -l <<<"$statuses") == 4 ]]
	for status in $statuses; do
		section 'EXIT STATUS' | grep -qx "\.It $status"
	done
}

@test "every exit status of --help is documented" {
	statuses_are_documented
	as_exporter
	statuses_are_documented
}

@test "every key of the full screen's help is documented" {
	# The keys are in the first of two columns.
	keys=$(sed -nE 's/^\t"  (.{26})  .*/\1/p' "$src/src/top/top_help.c" |
		grep -vE '^(halted|busy|host|wait|blocked) ' | tr -s ' ' '\n' | grep .)
	[[ $(wc -l <<<"$keys") -gt 25 ]]
	for key in $keys; do
		section 'THE FULL SCREEN' | grep '^\.It ' | grep -qE "(^\.It|,) $key(,|\$)" || {
			echo "$key is not there"
			return 1
		}
	done
}

@test "every family of metrics is documented" {
	as_exporter
	local golden=$src/tests/golden/replay/metrics.openmetrics levels='(vcpu|vm|node)_([a-z]+(_seconds)?_total)'
	mapfile -t names < <({
		sed -nE 's/^# TYPE ([a-z_]+) counter$/\1_total/p; s/^# TYPE ([a-z_]+) info$/\1_info/p' "$golden"
		sed -nE 's/^# TYPE ([a-z_]+) (gauge|histogram)$/\1/p' "$golden"
		grep -oE '"(cpu|resident_memory|open|max|start|bpf)_[a-z_]+"' "$src/src/export/exposition_families.c" |
			sed 's/"bpf/"gtimehalt_bpf/; s/"\([a-fh-z].*\)"/process_\1/; s/"//g'
	} | sed -E "s/^gtimehalt_$levels$/\2/" | sort -u)
	((${#names[@]} > 25))
	for name in "${names[@]}"; do
		section METRICS | grep -E '^\.(It )?Sy ' | grep -qE "\b$name(_total)?\b" || {
			echo "$name is not there"
			return 1
		}
	done
}
