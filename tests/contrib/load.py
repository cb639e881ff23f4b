#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads a server with useless clients, and measures how well it serves a useful one meanwhile.

usage: load.py HOST PORT [--rate N] [--idle N] [--slow N] [--probes N] [--seconds N]

For --seconds: --rate scrapes a second, each on a new connection; --idle connections that send nothing; --slow
connections that send a request at one byte a second; and --probes scrapes a second on a persistent connection, as
Prometheus makes them. Idle and slow connections are reopened when the server closes them. Each kind of client has its
own address, because a server may limit connections per address: probes 127.0.0.1, the others 127.0.0.2 to .4.

Prints one line of JSON: the number of scrapes and of probes, these numbers by result ("200", another code, or the
error), their latency in ms, including that of connecting, as p50, p95 and max; and how many idle and slow connections
were opened, and how many of them the server has closed.
"""

import argparse
import asyncio
import collections
import json
import time

REQUEST = "GET /metrics HTTP/1.1\r\nHost: {}\r\nAccept: text/plain;version=0.0.4\r\nConnection: {}\r\n\r\n"
ANSWER_S = 10


class Clients:
	def __init__(self, options):
		self.options = options
		self.end = time.monotonic() + options.seconds
		self.opened = self.closed = 0

	def connect(self, source):
		return asyncio.open_connection(self.options.host, self.options.port, local_addr=(source, 0),
			limit=1 << 24)

	async def scrape(self, reader, writer, keep):
		"""Returns the status code once the answer is complete."""
		writer.write(REQUEST.format(self.options.host, "keep-alive" if keep else "close").encode())
		head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
		for line in head.split("\r\n"):
			if line.startswith("content-length:"):
				await reader.readexactly(int(line.split(":")[1]))
				break
		else:
			await reader.read()
		return head.split()[1]

	async def counted(self, kind, scrape):
		begin = time.monotonic()
		try:
			code = await asyncio.wait_for(scrape(), ANSWER_S)
		except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
			code = type(error).__name__
		kind["codes"][code] += 1
		if code == "200":
			kind["ms"].append(1000 * (time.monotonic() - begin))

	async def scrape_once(self):
		reader, writer = await self.connect("127.0.0.4")
		try:
			return await self.scrape(reader, writer, False)
		finally:
			writer.close()

	async def scrapes(self, kind):
		"""Starts scrapes at the given rate, however long the answers take."""
		begin, tasks = time.monotonic(), []
		for i in range(int(self.options.rate * self.options.seconds)):
			await asyncio.sleep(max(0, begin + i / self.options.rate - time.monotonic()))
			tasks.append(asyncio.create_task(self.counted(kind, self.scrape_once)))
		await asyncio.gather(*tasks)

	async def probes(self, kind):
		kept = None

		async def probe():
			nonlocal kept
			connection, kept = kept, None
			try:
				code = connection and await self.scrape(*connection, True)
			except (OSError, asyncio.IncompleteReadError):
				# The server has closed the connection in between: reconnect, as Prometheus does.
				code = None
			if not code:
				connection = await self.connect("127.0.0.1")
				code = await self.scrape(*connection, True)
			kept = connection
			return code

		while time.monotonic() < self.end:
			await self.counted(kind, probe)
			await asyncio.sleep(1 / self.options.probes)

	async def idler(self, source, text):
		"""Sends a byte a second; reconnects when the server has closed the connection."""
		while time.monotonic() < self.end:
			try:
				reader, writer = await self.connect(source)
			except OSError:
				await asyncio.sleep(1)
				continue
			self.opened += 1
			try:
				for byte in text or " ":
					if text:
						writer.write(byte.encode())
					if await self.is_over(reader, 1 if text else self.options.seconds):
						break
			finally:
				writer.close()

	async def is_over(self, reader, seconds):
		"""Waits for up to `seconds`. Returns whether the server has closed the connection or the test is
		over."""
		try:
			await asyncio.wait_for(reader.read(), min(seconds, max(0, self.end - time.monotonic())))
		except asyncio.TimeoutError:
			return time.monotonic() >= self.end
		except OSError:
			pass
		self.closed += 1
		# Do not reconnect immediately to a server that closes connections immediately.
		await asyncio.sleep(1)
		return True

	async def run(self):
		scrapes, probes = ({"codes": collections.Counter(), "ms": []} for _ in range(2))
		slow = REQUEST.format("a" * 1000, "close")
		await asyncio.gather(self.scrapes(scrapes), self.probes(probes),
			*(self.idler("127.0.0.2", "") for _ in range(self.options.idle)),
			*(self.idler("127.0.0.3", slow) for _ in range(self.options.slow)))
		print(json.dumps({"scrapes": summary(scrapes), "probes": summary(probes),
			"connections": {"opened": self.opened, "closed": self.closed}}))


def summary(kind):
	times = sorted(kind["ms"]) or [None]
	return {"count": kind["codes"].total(), "codes": kind["codes"], "p50_ms": times[len(times) // 2],
		"p95_ms": times[len(times) * 95 // 100], "max_ms": times[-1]}


def main():
	parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
	parser.add_argument("host")
	parser.add_argument("port", type=int)
	for name, value in (("rate", 200), ("probes", 5), ("seconds", 10)):
		parser.add_argument("--" + name, type=float, default=value)
	for name in ("idle", "slow"):
		parser.add_argument("--" + name, type=int, default=250)
	asyncio.run(Clients(parser.parse_args()).run())


if __name__ == "__main__":
	main()
