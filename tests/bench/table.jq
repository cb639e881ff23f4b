# SPDX-License-Identifier: GPL-2.0-or-later
# Prints the rows of tests/bench/l1 on one kernel as a table: the cost without a tool, and what each tool adds.
#
# usage: jq -r -s -f table.jq ROWS

def kinds: ["cpuid", "out", "hlt", "preempt", "pair"];
def left($width): tostring | . + " " * ([$width - length, 0] | max);
def right($width): tostring | " " * ([$width - length, 0] | max) + .;
def signed: round | if . > 0 then "+\(.)" elif . == 0 then "0" else tostring end;

. as $rows
| [$rows[].kind] as $there
| [kinds[] | select(. as $kind | $there | index($kind))] as $kinds
| reduce ($rows[] | select(.name == "none")) as $row ({}; .[$row.kind] = $row.instructions)
| . as $none
| ("Linux \($rows[0].kernel), instructions of the host" | left(58)) + ($kinds | map(right(9)) | join("")),
  ((reduce $rows[] as $row ([]; if index([$row.name]) then . else . + [$row.name] end))[] as $name
   | [$kinds[] as $kind | $rows[] | select(.name == $name and .kind == $kind)] as $cells
   | if $cells | all(has("skipped"))
     then ($cells[0].title | left(58)) + "  " + $cells[0].skipped
     else ($cells[0].title | left(58)) + ($cells | map(
	if has("skipped") then "-"
	elif $name == "none" then .instructions | round
	else .instructions - $none[.kind] | signed end | right(9)) | join(""))
     end)
,
  # The project's targets, as far as their rows have been measured.
  (def added($name; $kind): $rows[] | select(.name == $name and .kind == $kind and has("instructions"))
	| .instructions - $none[$kind];
   def less($a; $b; $kind): added($a; $kind) as $x | added($b; $kind) as $y
	| "\(if $x < $y then "met" else "MISSED" end): \($kind), \($a) \($x | signed) below \($b) \($y | signed)";
   def nothing($name; $kind): added($name; $kind) as $x
	| "\(if ($x | fabs) <= $none[$kind] / 1000 then "met" else "MISSED" end): \($kind), \($name) \($x | signed), should be 0";
   nothing("switch"; "cpuid"), less("switch"; "perf:kvm_exit"; "out"), less("entry"; "perf:kvm_exit"; "cpuid"),
   less("entry:histogram"; "bpftrace:count"; "cpuid"), less("switch"; "perf:thread"; "hlt"),
   less("entry"; "perf:thread"; "hlt"),
   nothing(("switch", "entry", "entry:histogram"); "pair"))
