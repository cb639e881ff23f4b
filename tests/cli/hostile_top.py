#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The full screen with VMs by names that no VM should have: what of them comes to a terminal.

usage: hostile_top.py GTIMEHALT HOSTILE PLAIN bytes [LOCALE]	the two recordings of hostile_names.py, on screens of
				many sizes, with the same keys: no sequence for the terminal comes with the first
				that does not come with the second, or that is more than a movement; and no
				character that acts on one
       hostile_top.py GTIMEHALT HOSTILE PLAIN typed	the names typed as a filter
       hostile_top.py GTIMEHALT HOSTILE PLAIN screen	stdin, the text of a screen with all of the first recording, a
				line of 40 NULs, and the same of the second, are alike but for the names, which are
				as promised

Exit status 1, and what is wrong, on stderr.
"""

import re
import sys
import unicodedata

import hostile_names
from terminal import Terminal, fail

# A sequence: CSI, OSC and the like up to what ends them, a character set, or a character.
SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-~])", re.DOTALL)
# How curses moves, repeats, erases and scrolls depends on the text that it has already.
MOVEMENT = re.compile(rb"\x1b\[\d*(?:[ABCDGHJKLMPSTXbd@]|;\d+[Hr])|\x1bM")
CONTROLS = b"\r\n\b\t\x0f\x0e"
# Characters that move nothing, of terminals that draw lines by another set; we draw none.
SHIFTS = b"\x0e"
SIZES = ((80, 24), (20, 5), (1, 1), (2, 3), (3, 40), (7, 2), (200, 60), (79, 24), (40, 130))
KEYS = (b"", b"v", b"\x1b[6~", b"\x1b[F", b"\x1b[5~", b"v", b"a", b"\x1b[6~", b"\x1b[H", b"a", b"P", b"n", b"n", b"?", b"q", b"\x0c")


def visit(tool, recording, locale, settle_s):
	"""All of what a terminal gets, with so many seconds between keys."""
	terminal = Terminal()
	terminal.start([tool, "--replay", recording, "--top", "0.01"], locale=locale)
	terminal.read_until(b"the recording has ended")
	for columns, rows in SIZES:
		terminal.resize(columns, rows)
		terminal.settle(2 * settle_s)
		for key in KEYS:
			terminal.type(key)
			terminal.settle(settle_s)
	# Wherever the keys have led.
	terminal.resize(80, 24)
	terminal.settle(0.05)
	terminal.type(b"q")
	if terminal.ended("q"):
		fail(f"q: status {terminal.process.returncode}")
	terminal.check_restored("q")
	terminal.close()
	return terminal.bytes


def without_sequences(data):
	return SEQUENCE.sub(b"", data)


def check_text(data, locale):
	"""What is left is text."""
	for byte in data:
		if byte < 0x20 and byte not in CONTROLS or byte == 0x7f:
			fail(f"a control: {byte:#x}")
		if locale == "C" and byte > 0x7f:
			fail(f"not in this locale: {byte:#x}")
		if byte in SHIFTS:
			fail("another set of characters")
	# Tears nothing: no byte of a character is lost or stands alone.
	for char in data.decode("utf-8"):
		if char not in "\r\n\b\t\x0f" and not hostile_names.is_printable(char):
			fail(f"a character: {char!r}")


def check_raw(data):
	"""None of what a name holds for a terminal has come through as it is."""
	for name in hostile_names.names():
		if (b"\x1b" in name or b"\xc2\x9b" in name or b"\x9b" in name) and len(name) > 2 and name in data:
			fail(f"a name as it is: {name!r}")


def check_sequences(hostile, plain):
	known = set(SEQUENCE.findall(plain))
	for sequence in SEQUENCE.findall(hostile):
		if sequence not in known and not MOVEMENT.fullmatch(sequence):
			fail(f"a sequence that does not come with harmless names: {sequence!r}")


def unlike(hostile, plain):
	"""As often, too: what clears, and what changes what a terminal is. Returns what is not, or None."""
	for sequence in set(SEQUENCE.findall(plain)):
		if MOVEMENT.fullmatch(sequence) and sequence != b"\x1b[2J" or sequence.endswith(b"m") or sequence == b"\x1b(B":
			continue
		if hostile.count(sequence) != plain.count(sequence):
			return f"{sequence!r} comes {hostile.count(sequence)} times, and {plain.count(sequence)} times with harmless names"
	return None


def bytes_(tool, hostile_path, plain_path, locale="C.UTF-8"):
	# On a busy machine one screen may take in two keys: then both are visited more slowly. What a name does, it does
	# at any speed.
	for settle_s in (0.015, 0.1, 0.5):
		hostile, plain = (visit(tool, path, locale, settle_s) for path in (hostile_path, plain_path))
		for data in (hostile, plain):
			check_text(without_sequences(data), locale)
		check_raw(hostile)
		check_sequences(hostile, plain)
		difference = unlike(hostile, plain)
		if not difference:
			break
	if difference:
		fail(difference)
	print(f"{len(hostile)} bytes, {len(SEQUENCE.findall(hostile))} sequences of {len(set(SEQUENCE.findall(hostile)))} kinds")


def typed(tool, hostile_path, _):
	"""What is typed comes back on the prompt. What ends the prompt, or the program, is left out of it."""
	terminal = Terminal()
	terminal.start([tool, "--replay", hostile_path, "--top", "0.01"])
	terminal.read_until(b"the recording has ended")
	terminal.type(b"/")
	terminal.read_until(b"Name:")
	ends = bytes((0x03, 0x0a, 0x0d, 0x11, 0x13, 0x1a, 0x1b, 0x1c))
	for name in hostile_names.names():
		terminal.type(b"\x15" + bytes(byte for byte in name if byte not in ends))
		terminal.settle(0.01)
	# More than there is room for, and a character in two halves.
	for text in (b"x" * 300, "数".encode() * 300, b"\xe6", b"\x95\xb0", b"\x00", b"\x15"):
		terminal.type(text)
		terminal.settle(0.02)
	terminal.type(b"\x15vm\r")
	terminal.settle(0.05)
	terminal.type(b"q")
	if terminal.ended("q behind a filter"):
		fail(f"q behind a filter: status {terminal.process.returncode}")
	terminal.check_restored("q behind a filter")
	check_text(without_sequences(terminal.bytes), "C.UTF-8")
	check_raw(terminal.bytes)
	terminal.close()


def is_name(shown, name):
	"""As promised; or a "?" for each column of a character for which the terminal's library has no such width."""
	at = {0}
	for char in shown:
		after = set()
		for start in at:
			place = start
			while place < len(name):
				if name[place] == char or char == "?":
					after.add(place + 1)
				# The second "?" of a wide one.
				if char == "?" and place and unicodedata.east_asian_width(name[place - 1]) in "WF":
					after.add(place)
				if not unicodedata.combining(name[place]) and unicodedata.category(name[place])[0] != "M":
					break
				place += 1
		at = after
	return at


def check_name(shown, name):
	name = name.rstrip(" ")
	at = is_name(shown, name) | (is_name(shown[:-1], name) if shown.endswith("~") else set())
	if not at or not shown.endswith("~") and max(at) < len(name) and not all(unicodedata.category(char)[0] == "M" for char in name[max(at):]):
		fail(f"shown as {shown!r} is {name!r}")


def screen(*_):
	hostile, plain = (text.strip("\n").split("\n") for text in sys.stdin.read().split("\0" * 40 + "\n"))
	promised = [hostile_names.printable(name) for name in hostile_names.names()]
	if len(hostile) != len(plain):
		fail(f"{len(hostile)} lines, and not {len(plain)}")
	names = 0
	for line, plain_line in zip(hostile, plain):
		mark = re.match(r"([ >+-]*)vm(\d{3})", plain_line)
		if not mark:
			# How wide columns are depends on the names; and one line has names of idle VMs.
			if "idle" not in plain_line and line.split() != plain_line.split():
				fail("another line", line, plain_line)
			continue
		# The bar is as wide as there is room.
		line, plain_line = line.rpartition("[")[0].rstrip(), plain_line.rpartition("[")[0].rstrip()
		tail = plain_line[mark.end():].lstrip()
		if not line.startswith(mark[1]) or not line.endswith(tail) or not tail:
			fail("another row", line, plain_line)
		check_name(line[len(mark[1]):-len(tail)].rstrip(), promised[int(mark[2])])
		names += 1
	if names != len(promised):
		fail(f"{names} rows, of {len(promised)}")


def main():
	cases = {"bytes": bytes_, "typed": typed, "screen": screen}
	if len(sys.argv) < 5 or sys.argv[4] not in cases:
		sys.exit(__doc__)
	cases[sys.argv[4]](*sys.argv[1:4], *sys.argv[5:])


if __name__ == "__main__":
	main()
