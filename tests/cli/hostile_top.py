#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks what the full screen sends to a terminal for VMs with hostile names.

usage: hostile_top.py GTIMEHALT HOSTILE PLAIN bytes [LOCALE]	show both recordings of hostile_names.py on screens of
				many sizes, with the same keys. With the first there must be no terminal sequence that
				the second does not cause as well, except cursor movements, and no character that acts
				on a terminal.
       hostile_top.py GTIMEHALT HOSTILE PLAIN typed	type the names as a filter
       hostile_top.py GTIMEHALT HOSTILE PLAIN screen	read from stdin the text of a screen with all of the first
				recording, a line of 40 NULs, and the same of the second recording: they must differ
				only in the names, and these must be as promised

Exits with status 1 and prints the fault on stderr if there is one.
"""

import re
import sys
import unicodedata

import hostile_names
from terminal import Terminal, fail

# A terminal sequence: CSI, OSC and similar ones up to their end, the selection of a character set, or two characters.
SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-~])", re.DOTALL)
# How curses moves, repeats, erases and scrolls depends on the text that is already on the screen.
MOVEMENT = re.compile(rb"\x1b\[\d*(?:[ABCDGHJKLMPSTXbd@]|;\d+[Hr])|\x1bM")
CONTROLS = b"\r\n\b\t\x0f\x0e"
# Shift Out, with which some terminals select line-drawing characters; the tool draws no such lines.
SHIFTS = b"\x0e"
SIZES = ((80, 24), (20, 5), (1, 1), (2, 3), (3, 40), (7, 2), (200, 60), (79, 24), (40, 130))
KEYS = (b"", b"v", b"\x1b[6~", b"\x1b[F", b"\x1b[5~", b"v", b"a", b"\x1b[6~", b"\x1b[H", b"a", b"P", b"n", b"n", b"?", b"q", b"\x0c")


def visit(tool, recording, locale, settle_s):
	"""Returns everything that the terminal gets, with `settle_s` seconds between keys."""
	terminal = Terminal()
	terminal.start([tool, "--replay", recording, "--top", "0.01"], locale=locale)
	terminal.read_until(b"the recording has ended")
	for columns, rows in SIZES:
		terminal.resize(columns, rows)
		terminal.settle(2 * settle_s)
		for key in KEYS:
			terminal.type(key)
			terminal.settle(settle_s)
	# Return to a normal size, whatever page the keys have opened.
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
	"""Without its terminal sequences, the output must be text."""
	for byte in data:
		if byte < 0x20 and byte not in CONTROLS or byte == 0x7f:
			fail(f"a control character: {byte:#x}")
		if locale == "C" and byte > 0x7f:
			fail(f"a byte that this locale does not have: {byte:#x}")
		if byte in SHIFTS:
			fail("another character set was selected")
	# The output is valid UTF-8: no character was torn apart by a sequence.
	for char in data.decode("utf-8"):
		if char not in "\r\n\b\t\x0f" and not hostile_names.is_printable(char):
			fail(f"a character that is not printable: {char!r}")


def check_raw(data):
	"""No name that contains a terminal sequence may appear unchanged."""
	for name in hostile_names.names():
		if (b"\x1b" in name or b"\xc2\x9b" in name or b"\x9b" in name) and len(name) > 2 and name in data:
			fail(f"a hostile name that was not replaced: {name!r}")


def check_sequences(hostile, plain):
	known = set(SEQUENCE.findall(plain))
	for sequence in SEQUENCE.findall(hostile):
		if sequence not in known and not MOVEMENT.fullmatch(sequence):
			fail(f"a sequence that harmless names do not cause: {sequence!r}")


def unlike(hostile, plain):
	"""Returns a description of a sequence whose number differs, or None. Compares the sequences that clear the
	screen or change the terminal's state."""
	for sequence in set(SEQUENCE.findall(plain)):
		if MOVEMENT.fullmatch(sequence) and sequence != b"\x1b[2J" or sequence.endswith(b"m") or sequence == b"\x1b(B":
			continue
		if hostile.count(sequence) != plain.count(sequence):
			return f"{sequence!r} {hostile.count(sequence)} times, but {plain.count(sequence)} times with harmless names"
	return None


def bytes_(tool, hostile_path, plain_path, locale="C.UTF-8"):
	# On a busy machine one redraw may cover two keys. In this case both recordings are visited again, more
	# slowly; a name that does harm does so at any speed.
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
	"""Types each name, without the characters that would end the prompt or the program; the prompt echoes it."""
	terminal = Terminal()
	terminal.start([tool, "--replay", hostile_path, "--top", "0.01"])
	terminal.read_until(b"the recording has ended")
	terminal.type(b"/")
	terminal.read_until(b"Name:")
	ends = bytes((0x03, 0x0a, 0x0d, 0x11, 0x13, 0x1a, 0x1b, 0x1c))
	for name in hostile_names.names():
		terminal.type(b"\x15" + bytes(byte for byte in name if byte not in ends))
		terminal.settle(0.01)
	# More than the prompt can hold, and a character in two parts.
	for text in (b"x" * 300, "数".encode() * 300, b"\xe6", b"\x95\xb0", b"\x00", b"\x15"):
		terminal.type(text)
		terminal.settle(0.02)
	terminal.type(b"\x15vm\r")
	terminal.settle(0.05)
	terminal.type(b"q")
	if terminal.ended("q after a filter"):
		fail(f"q after a filter: status {terminal.process.returncode}")
	terminal.check_restored("q after a filter")
	check_text(without_sequences(terminal.bytes), "C.UTF-8")
	check_raw(terminal.bytes)
	terminal.close()


def is_name(shown, name):
	"""Returns the places in `name` up to which `shown` may have got. A "?" also matches each column of a
	character whose width the terminal's library does not know."""
	at = {0}
	for char in shown:
		after = set()
		for start in at:
			place = start
			while place < len(name):
				if name[place] == char or char == "?":
					after.add(place + 1)
				# A wide character is replaced by two "?": this is the second one.
				if char == "?" and place and unicodedata.east_asian_width(name[place - 1]) in "WF":
					after.add(place)
				if not unicodedata.combining(name[place]) and unicodedata.category(name[place])[0] != "M":
					break
				place += 1
		at = after
	return at


def is_whole(shown, name):
	"""Returns whether `shown` is all of `name`, marks at its end aside, which may have no width."""
	at = is_name(shown, name)
	return bool(at) and all(unicodedata.category(char)[0] == "M" for char in name[max(at):])


def is_cut(shown, name):
	"""Returns whether `shown` is the name with a "~" for a part of it."""
	for place in (place for place, char in enumerate(shown) if char == "~"):
		end = shown[place + 1:]
		if is_name(shown[:place], name) and any(is_whole(end, name[begin:]) for begin in range(len(name) + 1)):
			return True
	return False


def check_name(shown, name):
	name = name.rstrip(" ")
	if not is_whole(shown, name) and not is_cut(shown, name):
		fail(f"{name!r} is shown as {shown!r}")


def screen(*_):
	hostile, plain = (text.strip("\n").split("\n") for text in sys.stdin.read().split("\0" * 40 + "\n"))
	promised = [hostile_names.printable(name) for name in hostile_names.names()]
	if len(hostile) != len(plain):
		fail(f"{len(hostile)} lines instead of {len(plain)}")
	names = 0
	for line, plain_line in zip(hostile, plain):
		mark = re.match(r"([ >+-]*)vm(\d{3})[v~]*", plain_line)
		if not mark:
			# Column widths depend on the names, and one line lists the names of idle VMs.
			if "idle" not in plain_line and line.split() != plain_line.split():
				fail("a line differs", line, plain_line)
			continue
		# The bar takes the remaining width, so that it is not compared.
		line, plain_line = line.rpartition("[")[0].rstrip(), plain_line.rpartition("[")[0].rstrip()
		tail = plain_line[mark.end():].lstrip()
		if not line.startswith(mark[1]) or not line.endswith(tail) or not tail:
			fail("a row differs", line, plain_line)
		check_name(line[len(mark[1]):-len(tail)].rstrip(), promised[int(mark[2])])
		names += 1
	if names != len(promised):
		fail(f"{names} rows with names instead of {len(promised)}")


def main():
	cases = {"bytes": bytes_, "typed": typed, "screen": screen}
	if len(sys.argv) < 5 or sys.argv[4] not in cases:
		sys.exit(__doc__)
	cases[sys.argv[4]](*sys.argv[1:4], *sys.argv[5:])


if __name__ == "__main__":
	main()
