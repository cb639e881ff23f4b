# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tool with the streams that a test needs, and provides a terminal whose bytes, modes and size a test can
see."""

import fcntl
import os
import resource
import select
import struct
import subprocess
import sys
import termios
import time

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# A program that takes longer to exit hangs. The limit is long enough for any slow machine; it does not measure speed.
END_MAX_S = 60


def fail(*what):
	sys.exit("\n".join(str(part) for part in what))


def no_core():
	resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def cpu_s(pid):
	with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
		fields = stat.read().rsplit(")", 1)[1].split()
	return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def set_nonblocking(fd):
	fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)


def is_nonblocking(fd):
	return bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK)


def until(what, condition, seconds=END_MAX_S):
	end = time.monotonic() + seconds
	while not condition():
		if time.monotonic() > end:
			fail(f"not within {seconds} s: {what}")
		time.sleep(0.01)


def end_of(process, what, seconds=END_MAX_S):
	try:
		return process.wait(seconds)
	except subprocess.TimeoutExpired:
		process.kill()
		process.wait()
		return fail(f"{what}: does not end within {seconds} s")


class Terminal:
	"""A terminal with a program on it, in a session of its own. `bytes` holds the output."""

	def __init__(self, columns=80, rows=24):
		self.bytes = b""
		self.process = None
		self.master, self.slave = os.openpty()
		self.resize(columns, rows)
		self.modes_before = termios.tcgetattr(self.slave)

	def resize(self, columns, rows):
		fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

	def start(self, command, locale="C.UTF-8", term="xterm-256color", **options):
		def own_terminal():
			os.setsid()
			fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
			no_core()
			if options.get("first"):
				options["first"]()

		self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=self.slave,
			preexec_fn=own_terminal, env=os.environ | {"TERM": term, "LC_ALL": locale, "TZ": "UTC"})

	def read(self, seconds):
		"""Returns whether output arrived within that time."""
		end = time.monotonic() + seconds
		before = len(self.bytes)
		while (left := end - time.monotonic()) > 0:
			if select.select([self.master], [], [], left)[0]:
				try:
					self.bytes += os.read(self.master, 65536)
				except OSError:
					break
		return self.bytes[before:]

	def settle(self, seconds=0.15):
		"""Reads until there was no output for so long."""
		while self.read(seconds):
			pass

	def read_until(self, what, seconds=END_MAX_S):
		end = time.monotonic() + seconds
		while what not in self.bytes:
			if time.monotonic() > end:
				fail(f"{what!r} is not shown within {seconds} s", self.bytes)
			self.read(0.05)

	def type(self, keys):
		os.write(self.master, keys)

	def ended(self, what, seconds=END_MAX_S):
		"""Returns the program's exit status, after reading all of its output."""
		end = time.monotonic() + seconds
		while self.process.poll() is None:
			if time.monotonic() > end:
				self.process.kill()
				self.process.wait()
				fail(f"{what}: does not end within {seconds} s", self.bytes[-500:])
			self.read(0.02)
		self.read(0.02)
		return self.process.returncode

	def check_restored(self, what):
		if termios.tcgetattr(self.slave) != self.modes_before:
			fail(f"{what}: other modes than before", self.modes_before, termios.tcgetattr(self.slave))
		on, off = self.bytes.count(b"\x1b[?1049h"), self.bytes.count(b"\x1b[?1049l")
		if on != off or self.bytes.rfind(b"\x1b[?1049h") > self.bytes.rfind(b"\x1b[?1049l"):
			fail(f"{what}: its screen was shown {on} times, and taken away {off} times", self.bytes[-500:])
		if on and self.bytes.rfind(b"\x1b[?25l") > self.bytes.rfind(b"\x1b[?25h"):
			fail(f"{what}: the cursor is hidden")
		return on

	def fill(self):
		"""Fills the terminal's buffer, which nobody reads."""
		flags = fcntl.fcntl(self.slave, fcntl.F_GETFL)
		set_nonblocking(self.slave)
		for size in (1024, 1) * 8:
			# The terminal moves bytes to its reader's side, which makes room again.
			time.sleep(0.02)
			try:
				while True:
					os.write(self.slave, b"x" * size)
			except BlockingIOError:
				pass
		fcntl.fcntl(self.slave, fcntl.F_SETFL, flags)

	def close(self):
		if self.process and self.process.poll() is None:
			self.process.kill()
			self.process.wait()
		os.close(self.master)
		os.close(self.slave)
