#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tool with output streams that are slow, nonblocking or closed early, in each form of output.

usage: outputs.py GTIMEHALT RECORDING CASE	CASE: slow, nonblocking, gone, hangup, input

The expected output is what the same command writes to a file. Exits with status 1 and prints the fault on stderr if
there is one.
"""

import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tty

from terminal import cpu_s, end_of, fail, is_nonblocking, set_nonblocking

FORMS = ([], ["-L"], ["-P"], ["-H"], ["-HL"], ["--csv"], ["-j"], ["-jH"])
PIPE_SIZE = 4096
STALL_S = 0.4
# The largest share of CPU time that the tool may use while it can only wait.
BUSY_MAX = 0.08


class Tool:
	def __init__(self, command, recording):
		self.command = [command, "--replay", recording]
		self.recording = recording

	def start(self, options, **streams):
		streams.setdefault("stdin", subprocess.DEVNULL)
		return subprocess.Popen(self.command + options, stderr=subprocess.PIPE, **streams)

	def text(self, options):
		"""Returns the complete output, as written to a file."""
		with tempfile.TemporaryFile() as file:
			process = self.start(options, stdout=file)
			if end_of(process, options) or process.stderr.read():
				fail(f"{options}: writing to a file failed")
			file.seek(0)
			return file.read()


def pipe():
	reader, writer = os.pipe()
	fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
	return reader, writer


def fifo():
	with tempfile.TemporaryDirectory() as folder:
		path = os.path.join(folder, "fifo")
		os.mkfifo(path)
		reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
		writer = os.open(path, os.O_WRONLY)
	os.set_blocking(reader, True)
	fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
	return reader, writer


def stream_socket():
	reader, writer = socket.socketpair()
	writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIPE_SIZE)
	return reader.detach(), writer.detach()


def terminal():
	reader, writer = os.openpty()
	tty.setraw(writer)
	return reader, writer


KINDS = {"a pipe": pipe, "a FIFO": fifo, "a socket": stream_socket, "a terminal": terminal}


def read_all(reader, pieces, text):
	"""Reads in pieces, with a pause after each; a terminal reports its end by EIO."""
	while True:
		try:
			piece = os.read(reader, pieces())
		except OSError:
			return
		if not piece:
			return
		text.append(piece)
		time.sleep(random.random() * 0.001)


def check_run(what, process, text, expected):
	status, said = end_of(process, what), process.stderr.read()
	if status or said:
		fail(f"{what}: status {status}", said)
	if text != expected:
		at = next((i for i, pair in enumerate(zip(text, expected)) if pair[0] != pair[1]), min(len(text), len(expected)))
		fail(f"{what}: {len(text)} bytes instead of {len(expected)}; they differ from byte {at} on")


def slow(tool):
	"""The reader reads between one byte and 4 kB at a time, with pauses."""
	for options in FORMS:
		expected = tool.text(options)
		for kind, make in KINDS.items():
			reader, writer = make()
			process = tool.start(options, stdout=writer)
			os.close(writer)
			text = []
			read_all(reader, lambda: random.choice((1, 7, 100, 1000, 4096, 4096)), text)
			os.close(reader)
			check_run(f"{options} into {kind}, read slowly", process, b"".join(text), expected)


def nonblocking(tool):
	"""Nobody reads for a while, so that writes fail with EAGAIN: no CPU time may be used and no output lost
	meanwhile."""
	for options in (["-HL"], ["-j"]):
		expected = tool.text(options)
		for kind, make in KINDS.items():
			reader, writer = make()
			set_nonblocking(writer)
			process = tool.start(options, stdout=writer)
			time.sleep(STALL_S)
			what = f"{options} into {kind} (nonblocking)"
			if process.poll() is not None:
				fail(f"{what}: did not wait")
			before_s = cpu_s(process.pid)
			time.sleep(STALL_S)
			busy = (cpu_s(process.pid) - before_s) / STALL_S
			if busy > BUSY_MAX:
				fail(f"{what}: busy for {100 * busy:.0f} % of the time while it waits")
			if not is_nonblocking(writer):
				fail(f"{what}: has changed the flags of a shared descriptor")
			os.close(writer)
			text = []
			read_all(reader, lambda: 4096, text)
			os.close(reader)
			check_run(what, process, b"".join(text), expected)


def gone(tool):
	"""The reader goes away before, during or after the output. The tool ends silently by SIGPIPE, or, if that is
	ignored, with a message about EPIPE."""
	for options in FORMS:
		expected = tool.text(options)
		for kind, make in (("a pipe", pipe), ("a socket", stream_socket)):
			for taken in (0, 1, 5000):
				for pipe_ignored in (False, True):
					what = f"{options} into {kind} of which {taken} bytes are read, " \
						f"SIGPIPE {'ignored' if pipe_ignored else 'not ignored'}"
					reader, writer = make()
					if not taken:
						os.close(reader)
					process = tool.start(options, stdout=writer, restore_signals=not pipe_ignored)
					os.close(writer)
					text = b""
					while len(text) < min(taken, len(expected)):
						text += os.read(reader, taken - len(text))
					if taken:
						os.close(reader)
					status, said = end_of(process, what), process.stderr.read().decode()
					if not expected.startswith(text):
						fail(f"{what}: the bytes differ")
					# A short output may be complete before the reader goes away.
					done = taken and len(expected) <= taken + 2 * PIPE_SIZE and (status, said) == (0, "")
					wanted = (1, "gtimehalt: cannot write the report: Broken pipe\n") if pipe_ignored \
						else (-signal.SIGPIPE, "")
					if not done and (status, said) != wanted:
						fail(f"{what}: status {status}", said)


def hangup(tool):
	"""The terminal goes away. It is not the controlling terminal, so that no signal is sent."""
	for options in FORMS:
		reader, writer = terminal()
		process = tool.start(options, stdout=writer)
		os.close(writer)
		time.sleep(0.05)
		os.close(reader)
		status, said = end_of(process, options), process.stderr.read().decode()
		# A short text fits into the terminal's buffer.
		if (status, said) not in ((1, "gtimehalt: cannot write the report: Input/output error\n"), (0, "")):
			fail(f"{options} to a terminal that hangs up: status {status}", said)
		if status == 0 and len(tool.text(options)) > 65536:
			fail(f"{options} to a terminal that hangs up: no message was printed")


def feed(writer, data):
	while data:
		size = random.choice((1, 50, 1000, 3000))
		while size:
			try:
				os.write(writer, data[:size])
				break
			except BlockingIOError:
				time.sleep(0.001)
		data = data[size:]
		time.sleep(random.random() * 0.0005)
	os.close(writer)


def input_(tool):
	"""A recording arrives in pieces through a nonblocking descriptor: EAGAIN is not the end of it."""
	with open(tool.recording, "rb") as file:
		recording = file.read()
	tool = Tool(tool.command[0], tool.recording)
	expected = tool.text(["-j"])
	tool.command[2] = "-"
	for kind, make in (("a pipe", pipe), ("a FIFO", fifo), ("a socket", stream_socket)):
		reader, writer = make()
		set_nonblocking(reader)
		what = f"a recording from {kind} (nonblocking)"
		with tempfile.TemporaryFile() as file:
			process = tool.start(["-j"], stdin=reader, stdout=file)
			time.sleep(STALL_S)
			before_s = cpu_s(process.pid)
			time.sleep(STALL_S)
			if cpu_s(process.pid) - before_s > BUSY_MAX * STALL_S:
				fail(f"{what}: is busy while it waits")
			os.close(reader)
			feeder = threading.Thread(target=feed, args=(writer, recording))
			feeder.start()
			end_of(process, what)
			feeder.join()
			file.seek(0)
			check_run(what, process, file.read(), expected)


def main():
	cases = {"slow": slow, "nonblocking": nonblocking, "gone": gone, "hangup": hangup, "input": input_}
	if len(sys.argv) != 4 or sys.argv[3] not in cases:
		sys.exit(__doc__)
	cases[sys.argv[3]](Tool(sys.argv[1], sys.argv[2]))


if __name__ == "__main__":
	main()
