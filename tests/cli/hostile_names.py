#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a recording of VMs with hostile names, and checks what each output makes of these names.

usage: hostile_names.py record RECORDING [--plain]
				print a recording with copies of the VMs of RECORDING, one for each hostile name;
				with --plain the same number of copies with harmless names
       hostile_names.py check FORM PLAIN
				compare stdin, an output made from the first recording, with the file PLAIN, the
				same output made from the second: the names must be as promised, and nothing
				else may differ.
				FORM: lines json csv html prometheus openmetrics
       hostile_names.py promised	print the names as they are to be shown, one per line, in order of PID
       hostile_names.py printable	print stdin as it is to be shown

The promise, implemented here independently of the tool: each Unicode character of a name that is a control character,
a format character, or a line or paragraph separator, according to its category, and each byte that is part of no
valid character, is replaced by one "?". Everything else is unchanged.

Runs with Debian's Python, because prometheus_client is installed as its module.
"""

import csv
import html.parser
import io
import json
import sys
import unicodedata

UNPRINTABLE = {"Cc", "Cf", "Zl", "Zp", "Cs"}
# Tags and the supplementary variation selectors, which are invisible.
INVISIBLE = range(0xE0000, 0xE1000)
FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
FIRST_PID = 10000
MAX_BYTES = 127


def names():
	"""Returns the names as bytes, without NULs."""
	texts = [
		# Terminal sequences: clear, title, colours, queries whose answers appear as input, printer, bell; the
		# same with C1.
		"\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b[31mred\x1b[0m", "\x1b[6n\x1b[c\x1bZ", "\x1b[5i\x1b[4i",
		"\x1bP$q\"p\x1b\\", "\x1b]52;c;cm0gLXJm\x07", "\x1bc", "\x0e\x0f\x05", "\x07\x08\x0b\x0c\x7f",
		"\x9b2J\x9b31mred", "\x9d0;owned\x9c", "\x90$q\x9c", "\x84\x85\x8d\x98", "a\x08\x08\x08b",
		# Line breaks and tabs.
		"a\nb", "a\r\nb", "a\rb", "a\tb", "\n", "a\u2028b\u2029c", "a\x85b", "a\x1cb\x1db\x1eb\x1f",
		# Bidirectional, invisible, wide, tall and combining characters.
		"\u202egnp.exe", "\u2066a\u2069\u2067b\u2069\u2068c", "\u061c\u200e\u200f", "\ufeffbom", "a\u200bb\u200dc\xadd",
		"\U000e0041\U000e0042", "\u180e\u2060\u2063", "数据库-01", "ｗｉｄｅ", "\U0001f600" * 20, "한국어",
		"z" + "\u0301" * 60, "\u0301\u0301first", "👩\u200d👩\u200d👧", "✈\ufe0f", "עברית", "ﷺ", "\ufffd\uffff\U0010ffff",
		# Long names.
		"x" * MAX_BYTES, "数" * 42, "x" * 124 + "数", " " * 100 + "x", "-" * 79,
		# Quotes and delimiters of JSON, CSV, metric labels, HTML, shells, printf and glob patterns.
		'"', '""', '\\', '\\"', '"\\', '"},{"name":"x', '","pid":1,"a":"', "</script><script>alert(1)</script>", "\\u0022",
		'a","b', 'a"\n"b', "a,b", "a;b", "'", "''", '"a"', 'a"} 1\ngtimehalt_evil 2\n# {a="', 'a"}\\', "\\n", '\\\\n', "{}",
		'a",vcpu="0', "# HELP gtimehalt_evil a", "# EOF", "%s%n%x%5$s", "$(reboot)`reboot`;reboot|reboot&", "*?[!a]",
		# Spreadsheet formulas.
		"=1+1", "+1", "-1", "@SUM(1)", "=cmd|' /C calc'!A0", "'=1", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM(1)",
		"-", "+", "=", "@",
		# Texts that the output itself contains.
		"", " ", "  vCPU 0", "# idle in BLOCK%: nobody", "vm", "vm#2", "null", "?", "~", "gtimehalt: warning: a", "<0>panic",
		"a  1  99.9  0.0", "|||||", "PID",
	]
	raw = [text.encode("utf-8", "surrogatepass") for text in texts]
	# Invalid bytes: lone C1 bytes, truncated, overlong, surrogates, beyond Unicode.
	raw += [b"\x9b2J", b"\xff\xfe", b"a\xe2\x82", b"a\xe2\x82b", b"\xc0\xaf\xc1\xbf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
		b"\xf5\x80", b"\x80\x85\x90\x9d", b"\xc2", b"\xc2\x1b[2J", b"\xf0\x9f\x98" + b"\n"]
	# Every character of the unprintable categories.
	every = [chr(code).encode() for code in range(1, 0x110000)
		if unicodedata.category(chr(code)) in UNPRINTABLE - {"Cs"}]
	return raw + [b"".join(every[i:i + 30]) for i in range(0, len(every), 30)]


def is_printable(char):
	return unicodedata.category(char) not in UNPRINTABLE and ord(char) not in INVISIBLE


def printable(raw):
	shown = ""
	while raw:
		for size in range(1, 5):
			try:
				char = raw[:size].decode()
			except UnicodeDecodeError:
				continue
			if char:
				break
		else:
			size, char = 1, "\n"
		shown += char if is_printable(char) else "?"
		raw = raw[size:]
	return shown


def json_text(raw):
	"""Returns a JSON string; invalid bytes stay as they are."""
	return b'"' + b"".join(b"\\u%04x" % byte if byte < 0x20 or byte in b'"\\' else bytes([byte]) for byte in raw) + b'"'


def again(line, cnt):
	"""Returns a snapshot with `cnt` VMs, copies of its VMs with other PIDs and TIDs, and with placeholders as
	names."""
	vms, vcpus = [], []
	for i in range(cnt):
		vm = line["vms"][i % len(line["vms"])]
		pid = FIRST_PID + 10 * i
		vms.append(vm | {"pid": pid, "name": f"<{i}>"})
		of_vm = [vcpu for vcpu in line["vcpus"] if vcpu["pid"] == vm["pid"]]
		vcpus += [vcpu | {"pid": pid, "tid": pid + 1 + j, "vm_id": vcpu["vm_id"] + i} for j, vcpu in enumerate(of_vm)]
	return line | {"vms": vms, "vcpus": vcpus}


def plain_name(number):
	"""As wide as the widest of the names, so that tables of both recordings have the same columns."""
	return f"vm{number:03d}".ljust(MAX_BYTES, "v")


def record(path, plain):
	raw = names()
	with open(path, "rb") as recording:
		lines = recording.read().splitlines()
	# The kernel's and the tool's version are labels, too.
	header = json.loads(lines[0])
	hostile = 'a"} 1\n\x1b[2J\x9b\\' if not plain else "plain"
	header |= {"kernel_release": hostile, "gtimehalt_version": hostile}
	out = sys.stdout.buffer
	out.write(json.dumps(header).encode() + b"\n")
	for line in lines[1:]:
		text = json.dumps(again(json.loads(line), len(raw)), separators=(",", ":")).encode()
		for i, name in enumerate(raw):
			shown = plain_name(i).encode() if plain else name
			text = text.replace(b'"<%d>"' % i, json_text(shown), 1)
		out.write(text + b"\n")


def differ(what, is_not, should_be):
	sys.exit(f"{what}: {is_not!r} instead of {should_be!r}")


def check_json(text, plain):
	def of(string):
		return [json.loads(line, parse_constant=lambda word: sys.exit(f"{word} is not JSON")) for line in string.splitlines()]

	promised = [printable(name) for name in names()]
	reports, plain_reports = of(text), of(plain)
	for report, plain_report in zip(reports, plain_reports, strict=True):
		got = [vm.pop("name") for vm in report["vms"]]
		if got != promised:
			differ("names", got, promised)
		for vm in plain_report["vms"]:
			del vm["name"]
		if report != plain_report:
			sys.exit("more than the names differs")


def check_csv(text, plain):
	def of(string):
		return list(csv.DictReader(io.StringIO(string, newline=""), strict=True))

	promised = [printable(name) for name in names()]
	for row, plain_row in zip(of(text), of(plain), strict=True):
		cell, _ = row.pop("name"), plain_row.pop("name")
		if row["row"] == "host":
			if cell or row != plain_row:
				differ("row", row, plain_row)
			continue
		name = promised[(int(row["pid"]) - FIRST_PID) // 10]
		if cell.startswith(FORMULA):
			sys.exit(f"a spreadsheet would evaluate this as a formula: {cell!r}")
		# A leading quote is added by the tool.
		if cell.removeprefix("'") != name:
			differ("name", cell, name)
		if row != plain_row:
			differ("row", row, plain_row)


def split(line, plain_line, what):
	"""Returns the part of `line` that replaces the name `what` at the beginning of `plain_line`; None if there is
	no name."""
	tail = plain_line[len(what):].lstrip(" ") if plain_line.startswith(what) else None
	if tail is None:
		if line != plain_line:
			differ("line", line, plain_line)
		return None
	if not line.endswith(tail):
		differ("line", line, plain_line)
	return line[:len(line) - len(tail)].rstrip(" ")


def check_shown(shown, name):
	"""A name must be shown as a whole: only a terminal limits its width."""
	if shown != name.rstrip(" "):
		differ("name", shown, name)


def check_lines(text, plain):
	"""Compares the lines of tables and histograms."""
	promised = [printable(name) for name in names()]
	lines, plain_lines = text.split("\n"), plain.split("\n")
	if len(lines) != len(plain_lines):
		differ("lines", len(lines), len(plain_lines))
	cnt = 0
	for line, plain_line in zip(lines, plain_lines):
		# A line with many names; the widths of the names determine how many of them fit.
		if plain_line.startswith("# idle in BLOCK%"):
			if not line.startswith("# idle in BLOCK% (HLT exits, or paused): "):
				differ("note", line, plain_line)
			continue
		number = plain_line[2:5] if plain_line.startswith("vm") else ""
		shown = split(line, plain_line, plain_name(int(number)) if number else "\n")
		if shown is not None:
			check_shown(shown, promised[int(number)])
			cnt += 1
	# A single histogram of all VMs contains no names.
	if cnt < len(promised) and "\nvm" in plain:
		differ("rows with names", cnt, len(promised))


class Page(html.parser.HTMLParser):
	"""The elements of a page, the row headings of its tables, and its data."""

	def __init__(self, text):
		super().__init__()
		self.elements, self.headings, self.data, self.here = [], [], "", None
		self.feed(text)
		self.close()
		self.data = json.loads(self.data)

	def handle_starttag(self, tag, attrs):
		self.here = dict(attrs).get("scope") or dict(attrs).get("id")
		self.elements.append((tag, attrs))
		if self.here == "row":
			self.headings.append("")

	def handle_endtag(self, tag):
		self.here = None
		self.elements.append(("/" + tag, []))

	def handle_comment(self, data):
		self.elements.append(("!--", data))

	def handle_data(self, data):
		if self.here == "row":
			self.headings[-1] += data
		elif self.here == "data":
			self.data += data


def check_html(text, plain):
	promised = [printable(name) for name in names()]
	page, plain_page = Page(text), Page(plain)
	if page.elements != plain_page.elements:
		differ("elements", page.elements, plain_page.elements)
	if page.headings[:len(promised)] != promised:
		differ("names", page.headings, promised)
	got = [vm.pop("name") for vm in page.data["vms"]]
	if got != promised:
		differ("names", got, promised)
	for vm in plain_page.data["vms"]:
		del vm["name"]
	if page.data != plain_page.data:
		sys.exit("more than the names differs")


def check_metrics(parse, text, plain):
	def of(string):
		return [(family.name, family.type, family.documentation, sample) for family in parse(string) for sample in family.samples]

	promised = [printable(name) for name in names()]
	hostile = printable('a"} 1\n\x1b[2J\x9b\\'.encode())
	samples, plain_samples = of(text), of(plain)
	if len(samples) != len(plain_samples):
		differ("samples", len(samples), len(plain_samples))
	for (*about, sample), (*plain_about, plain_sample) in zip(samples, plain_samples):
		labels, plain_labels = dict(sample.labels), dict(plain_sample.labels)
		if "vm" in plain_labels:
			name = promised[int(plain_labels.pop("vm")[2:5])]
			if labels.pop("vm", "") != name:
				differ("label", sample, name)
		for label in ("kernel", "version"):
			if label in plain_labels and (labels.pop(label), plain_labels.pop(label)) != (hostile, "plain"):
				differ("label", sample, hostile)
		same = sample.name.startswith("process_") or (sample.value, labels) == (plain_sample.value, plain_labels)
		if about != plain_about or sample.name != plain_sample.name or not same:
			differ("sample", sample, plain_sample)


def check_prometheus(text, plain):
	from prometheus_client.parser import text_string_to_metric_families
	check_metrics(text_string_to_metric_families, text, plain)


def check_openmetrics(text, plain):
	from prometheus_client.openmetrics.parser import text_string_to_metric_families
	check_metrics(text_string_to_metric_families, text, plain)


def check(form, plain_path):
	with open(plain_path, encoding="utf-8", newline="") as file:
		plain = file.read()
	raw = sys.stdin.buffer.read()
	# No form of output may contain a character that acts on a terminal.
	for char in raw.decode("utf-8"):
		if char != "\n" and not is_printable(char) and (form, char) != ("html", "\t"):
			differ("character", char, "?")
	checks = {"lines": check_lines, "json": check_json, "csv": check_csv, "html": check_html, "prometheus": check_prometheus,
		"openmetrics": check_openmetrics}
	checks[form](raw.decode("utf-8"), plain)


def main():
	verb, *arguments = sys.argv[1:] or [""]
	if verb == "record":
		record(arguments[0], "--plain" in arguments)
	elif verb == "check":
		check(*arguments)
	elif verb == "promised":
		print("\n".join(printable(name) for name in names()))
	elif verb == "printable":
		sys.stdout.write(printable(sys.stdin.buffer.read()))
	else:
		sys.exit(__doc__)


if __name__ == "__main__":
	main()
