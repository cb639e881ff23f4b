#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends signals at random moments: the output must be complete up to then, the exit status the documented one, and
the terminal restored.

usage: signals.py GTIMEHALT RECORDING CASE	CASE: replay, kept, blocked, exporter, top, stuck

SIGNALS_SEED=N repeats a run. Exits with status 1 and prints the fault on stderr if there is one.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from terminal import Terminal, cpu_s, end_of, fail, no_core

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
MOMENTS = 6
# Everything that has to end must do so within this time; the machine may be busy.
SOON_S = 15


class Run:
	"""Replays a recording that arrives from a pipe line by line; writes to a file."""

	def __init__(self, tool, lines, pause_s, first=None):
		self.out = tempfile.TemporaryFile()
		reader, writer = os.pipe()

		def prepare():
			no_core()
			for number in ENDING:
				signal.signal(number, signal.SIG_DFL)
			if first:
				first()

		self.process = subprocess.Popen([tool, "-j", "--replay", "-"], stdin=reader, stdout=self.out,
			stderr=subprocess.PIPE, preexec_fn=prepare)
		os.close(reader)
		self.feeder = threading.Thread(target=self.feed, args=(writer, lines, pause_s))
		self.feeder.start()

	@staticmethod
	def feed(writer, lines, pause_s):
		with os.fdopen(writer, "wb", buffering=0) as pipe:
			for line in lines:
				try:
					pipe.write(line)
				except BrokenPipeError:
					return
				time.sleep(pause_s)

	def end(self, what):
		status, said = end_of(self.process, what), self.process.stderr.read().decode()
		self.feeder.join()
		self.out.seek(0)
		return status, said, self.out.read()


def expected_of(tool, recording):
	return subprocess.run([tool, "-j", "--replay", recording], check=True, capture_output=True).stdout


def lines_of(recording):
	with open(recording, "rb") as file:
		return file.readlines()


def ignore(*numbers):
	def apply():
		for number in numbers:
			signal.signal(number, signal.SIG_IGN)
	return apply


def block(*numbers):
	return lambda: signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


def replay(tool, recording):
	"""The signal ends the program, as any other; all intervals that have arrived by then are in the output, each
	complete."""
	expected = expected_of(tool, recording)
	lines = lines_of(recording)
	counts = []
	for number in ENDING:
		for moment in range(MOMENTS):
			what = f"{number.name} to a replay"
			run = Run(tool, lines, 0.05)
			time.sleep((moment + random.random()) * 0.3 / MOMENTS)
			run.process.send_signal(number)
			status, said, text = run.end(what)
			if status not in (-number, 0) or said:
				fail(f"{what}: status {status}", said)
			if not expected.startswith(text) or text and not text.endswith(b"\n"):
				fail(f"{what}: torn", text[-200:])
			counts.append(text.count(b"\n"))
	if not any(0 < count < expected.count(b"\n") for count in counts):
		fail(f"no signal came between the first and the last interval: {counts}")


def kept(tool, recording):
	"""Signals that were ignored at the start, as by nohup(1), or by a shell for a background job."""
	expected = expected_of(tool, recording)
	ignored = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
	run = Run(tool, lines_of(recording), 0.1, ignore(*ignored))
	while run.process.poll() is None:
		run.process.send_signal(random.choice(ignored))
		time.sleep(0.005)
	if run.end("ignored signals") != (0, "", expected):
		fail("ignored signals have changed a replay")
	# The same for the screen and the exporter, which handle signals.
	terminal = Terminal()
	terminal.start([tool, "--replay", recording, "--top", "0.1"], first=ignore(signal.SIGHUP))
	terminal.read_until(b"the recording has ended")
	for _ in range(5):
		terminal.process.send_signal(signal.SIGHUP)
		terminal.read(0.05)
	if terminal.process.poll() is not None:
		fail("an ignored SIGHUP has ended a screen")
	terminal.process.send_signal(signal.SIGTERM)
	if terminal.ended("SIGTERM after SIGHUP", SOON_S):
		fail("a screen has not exited with status 0")
	terminal.check_restored("SIGTERM after SIGHUP")
	terminal.close()


def stalled(tool, recording, first):
	"""Starts a replay whose output nobody reads."""
	reader, writer = os.pipe()
	process = subprocess.Popen([tool, "-jH", "--replay", recording], stdout=writer, stderr=subprocess.PIPE,
		preexec_fn=first)
	os.close(writer)
	time.sleep(0.3)
	if process.poll() is not None:
		fail("has not waited for its reader")
	return process, reader


def blocked(tool, recording):
	"""Signals that were blocked at the start, and a signal that was pending at the start."""
	for number in ENDING:
		process, reader = stalled(tool, recording, block(number))
		process.send_signal(number)
		status, said = end_of(process, f"{number.name} that is blocked", SOON_S), process.stderr.read().decode()
		os.close(reader)
		if (status, said) != (1, "gtimehalt: cannot write the report: Interrupted system call\n"):
			fail(f"{number.name} that is blocked: status {status}", said)

		def pending(number=number):
			block(number)()
			os.kill(os.getpid(), number)

		for first in (block(number), pending):
			terminal = Terminal()
			terminal.start([tool, "--replay", recording, "--top", "1000"], first=first)
			if first != pending:
				terminal.read_until(b"measuring")
				terminal.process.send_signal(number)
			what = f"a screen, {number.name} {'pending' if first == pending else 'blocked'}"
			if terminal.ended(what, SOON_S):
				fail(f"{what}: status {terminal.process.returncode}")
			terminal.check_restored(what)
			terminal.close()


def exporter(tool, recording):
	"""SIGINT and SIGTERM end the exporter with status 0, or kill it before it has begun; it goes on after
	SIGHUP."""
	folder = tempfile.mkdtemp()
	os.chmod(folder, 0o777)
	path = os.path.join(folder, "g.prom")
	command = [tool + "-exporter", "--listen=127.0.0.1:0", "--replay", recording, "--textfile", path]
	begun = 0
	for number in ENDING:
		for moment in range(MOMENTS):
			with tempfile.TemporaryFile() as said:
				process = subprocess.Popen(command, stderr=said, preexec_fn=no_core)
				time.sleep((moment + random.random()) * 0.15 / MOMENTS)
				# The same signal several times has the effect of one.
				for again in range(random.choice((1, 1, 5))):
					process.send_signal(number)
				if number == signal.SIGHUP:
					time.sleep(0.1)
					process.send_signal(signal.SIGTERM)
				status = end_of(process, f"{number.name} to an exporter", SOON_S)
				said.seek(0)
				text = said.read().decode()
			early = status in (-number, -signal.SIGTERM)
			if not early and status != 0 or text:
				fail(f"{number.name} to an exporter: status {status}", text)
			if number == signal.SIGQUIT and status == 0:
				fail("SIGQUIT to an exporter: status 0 instead of death by the signal")
			begun += not early
			names = os.listdir(folder)
			if names not in ([], ["g.prom"]) and number != signal.SIGQUIT:
				fail(f"{number.name} to an exporter has left {names}")
			if "g.prom" in names:
				with open(path, encoding="utf-8") as file:
					last = file.read().splitlines()[-1]
				if last.startswith("#"):
					fail(f"{number.name} to an exporter: the file is torn")
			for name in names:
				os.unlink(os.path.join(folder, name))
	os.rmdir(folder)
	if begun < MOMENTS:
		fail(f"only {begun} exporters had begun before the signal")


def top(tool, recording):
	"""The exit status is 0, or death by the signal if it came before there was a screen."""
	shown = 0
	for number in ENDING:
		for moment in range(MOMENTS):
			terminal = Terminal()
			terminal.start([tool, "--replay", recording, "--top", "0.02"])
			terminal.read((moment + random.random()) * 0.2 / MOMENTS)
			for _ in range(random.choice((1, 1, 5))):
				terminal.process.send_signal(random.choice((number, number, signal.SIGWINCH)))
			terminal.process.send_signal(number)
			what = f"{number.name} to a screen"
			status = terminal.ended(what, SOON_S)
			on = terminal.check_restored(what)
			if status != 0 and not (status == -number and not on):
				fail(f"{what}: status {status}")
			shown += bool(on)
			terminal.close()
	if shown < 2 * len(ENDING):
		fail(f"only {shown} runs had shown a screen before the signal")


def stuck_once(tool, recording, number, term_options):
	what = f"{number.name} to a screen on a terminal that nobody reads{term_options['name']}"
	terminal = Terminal()
	if term_options["full_first"]:
		terminal.fill()
		if term_options["nonblocking"]:
			os.set_blocking(terminal.slave, False)
	terminal.start([tool, "--replay", recording, "--top", "1000"])
	if not term_options["full_first"]:
		terminal.read_until(b"measuring")
		terminal.type(b"\x13")
		time.sleep(0.1)
		terminal.process.send_signal(signal.SIGWINCH)
	time.sleep(0.4)
	before_s = cpu_s(terminal.process.pid)
	time.sleep(0.4)
	busy_s = cpu_s(terminal.process.pid) - before_s
	if busy_s > 0.05:
		fail(f"{what}: {busy_s} s of CPU time within 0.4 s")
	if terminal.process.poll() is not None:
		fail(f"{what}: has exited before the signal was sent")
	terminal.process.send_signal(number)
	# The terminal is not read meanwhile.
	status = end_of(terminal.process, what, SOON_S)
	if status:
		fail(f"{what}: status {status}")
	os.set_blocking(terminal.slave, True)
	terminal.settle()
	if not term_options["full_first"]:
		terminal.check_restored(what)
	terminal.close()


def stuck(tool, recording):
	for number in ENDING:
		for name, full_first, nonblocking in (("", True, False), (", and does not block", True, True),
				(" because of Ctrl-S", False, False)):
			stuck_once(tool, recording, number, {"name": name, "full_first": full_first, "nonblocking": nonblocking})


def main():
	cases = {"replay": replay, "kept": kept, "blocked": blocked, "exporter": exporter, "top": top, "stuck": stuck}
	if len(sys.argv) != 4 or sys.argv[3] not in cases:
		sys.exit(__doc__)
	seed = os.environ.get("SIGNALS_SEED") or str(random.randrange(100000))
	print(f"SIGNALS_SEED={seed}")
	random.seed(seed)
	cases[sys.argv[3]](sys.argv[1], sys.argv[2])


if __name__ == "__main__":
	main()
