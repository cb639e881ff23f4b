#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that misuse an HTTP server in various ways, one after the other.

usage: http_abuse.py PORT PID requests	malformed requests: each must get a well-formed answer with one of the codes
					that RFC 9112 allows, or its connection must be closed
       http_abuse.py PORT PID sockets	connections that are half-closed, reset, silent or not read
       http_abuse.py PORT PID crowd	more connections than the server accepts, which send nothing

In between, a proper scrape is made and must be answered in time. At the end the process must have as many descriptors
as before, and hardly more memory. Exits with status 1 and prints the fault on stderr if there is one.
"""

import os
import re
import resource
import socket
import struct
import sys
import time

SCRAPE_MAX_S = 1
ANSWER_S = 2
# Longer than the server lets a connection wait.
GONE_S = 13
# Memory checkers do not reuse freed memory; tests/instrumented/run sets another limit for them.
GROWN_MAX_KB = int(os.environ.get("GROWN_MAX_KB", "8192"))
CROWD = 1500
HOST = b"Host: x\r\n"
END = HOST + b"Connection: close\r\n\r\n"
NO_CODE = 0

# Malformed or odd requests and the codes allowed for each. NO_CODE: the server may send nothing, and closes the
# connection or waits for more.
REQUESTS = {
	"long path": (b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n" + END, {414, 431}),
	"long query": (b"GET /metrics?" + b"a=b&" * 20000 + b" HTTP/1.1\r\n" + END, {414, 431}),
	"long method": (b"A" * 100000 + b" / HTTP/1.1\r\n" + END, {400, 414, 431, 501}),
	"long version": (b"GET / HTTP/" + b"1" * 100000 + b"\r\n" + END, {400, 414, 431, 505}),
	"long field": (b"GET / HTTP/1.1\r\nA: " + b"a" * 100000 + b"\r\n" + END, {431}),
	"long field name": (b"GET / HTTP/1.1\r\n" + b"A" * 100000 + b": a\r\n" + END, {431}),
	"thousands of fields": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + END, {431}),
	"method of no kind": (b"FROB /metrics HTTP/1.1\r\n" + END, {405, 501}),
	"method in small letters": (b"get /metrics HTTP/1.1\r\n" + END, {405, 501}),
	"DELETE": (b"DELETE /metrics HTTP/1.1\r\n" + END, {405}),
	"PUT": (b"PUT /healthz HTTP/1.1\r\nContent-Length: 3\r\n" + END + b"abc", {405}),
	"TRACE": (b"TRACE / HTTP/1.1\r\n" + END, {405, 501}),
	"OPTIONS *": (b"OPTIONS * HTTP/1.1\r\n" + END, {200, 404, 405, 501}),
	"CONNECT": (b"CONNECT a:80 HTTP/1.1\r\n" + END, {404, 405, 501}),
	"HTTP/0.9": (b"GET /metrics\r\n\r\n", {400, 505}),
	"HTTP/1.0": (b"GET /metrics HTTP/1.0\r\n\r\n", {200}),
	"HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
	"HTTP/9.9": (b"GET / HTTP/9.9\r\n" + END, {400, 505}),
	"another protocol": (b"GET / RTSP/1.0\r\n" + END, {400, 505}),
	"no fields of a name": (b"GET / HTTP/1.1\r\nabc\r\n" + END, {400}),
	"folded field": (b"GET / HTTP/1.1\r\nA: b\r\n  c\r\n" + END, {200, 400}),
	"line feeds alone": (b"GET /metrics HTTP/1.1\nHost: x\nConnection: close\n\n", {200, 400}),
	"two Accepts": (b"GET /metrics HTTP/1.1\r\nAccept: text/plain\r\nAccept: application/openmetrics-text\r\n" + END, {200}),
	"Accept of no sense": (b"GET /metrics HTTP/1.1\r\nAccept: ;q=\x80,,;;q=9e99,*/*;q=-1\r\n" + END, {200, 400}),
	"two lengths": (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + END + b"ab", {200, 400}),
	"length and chunks": (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n", {400, 405}),
	"huge length": (b"POST /metrics HTTP/1.1\r\nContent-Length: 9000000000000000000\r\n" + END + b"abc", {405, 413}),
	"length beyond 64 bits": (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n" + END, {400, 413}),
	"length below 0": (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n" + END, {400}),
	"huge chunk": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"ffffffffffffffff\r\nabc", {400, 405, 413}),
	"chunks that never end": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"1\r\na\r\n" * 1000, {400, 405, 413}),
	"a body is expected": (b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" + END, {405, 417}),
	"absolute URI": (b"GET http://other/metrics HTTP/1.1\r\n" + END, {200}),
	"absolute URI of another scheme": (b"GET file:///etc/passwd HTTP/1.1\r\n" + END, {400, 404}),
	"NUL in disguise": (b"GET /metrics%00.html HTTP/1.1\r\n" + END, {400, 404}),
	"half an escape": (b"GET /%4 HTTP/1.1\r\n" + END, {400, 404}),
	"up and out": (b"GET /../../../etc/passwd HTTP/1.1\r\n" + END, {400, 404}),
	"up and out in disguise": (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + END, {400, 404}),
	"over two slashes": (b"GET //metrics HTTP/1.1\r\n" + END, {400, 404}),
	"markup": (b"GET /<script>alert(1)</script> HTTP/1.1\r\n" + END, {400, 404}),
	"escapes for a terminal": (b"GET /\x1b[2J\x9b HTTP/1.1\r\nA: \x1b[2J\r\n" + END, {400, 404}),
	"NULs": (b"\0" * 5000 + b"\r\n\r\n", {NO_CODE, 400, 414, 431}),
	"binary": (bytes(i * 7 & 0xff for i in range(9999)) + b"\r\n\r\n", {NO_CODE, 400, 405, 414, 431, 505}),
	"TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x01" * 500 + b"\r\n\r\n", {NO_CODE, 400, 431}),
	"empty lines in front": (b"\r\n" * 5 + b"GET /healthz HTTP/1.1\r\n" + END, {200, 400}),
}


class Wrong(Exception):
	pass


def connect(port):
	sock = socket.create_connection(("127.0.0.1", port))
	sock.settimeout(ANSWER_S)
	return sock


def read_all(sock):
	got = b""
	try:
		while piece := sock.recv(65536):
			got += piece
	except (ConnectionError, TimeoutError):
		pass
	return got


def split_answer(raw):
	"""Parses a well-formed answer: (code, fields, the rest)."""
	head, gap, rest = raw.partition(b"\r\n\r\n")
	lines = head.decode("ascii").split("\r\n")
	status = re.fullmatch(r"HTTP/1\.1 ([1-5][0-9][0-9]) [ -~]*", lines[0])
	fields = [re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~]*)", line) for line in lines[1:]]
	if not gap or not status or not all(fields):
		raise Wrong(f"not a valid HTTP answer: {raw[:200]!r}")
	return int(status[1]), {field[1].lower(): field[2] for field in fields}, rest


def take_answer(raw):
	"""Splits off one answer: (code, fields, body, what follows it)."""
	code, fields, rest = split_answer(raw)
	length = int(fields["content-length"])
	if len(rest) < length:
		raise Wrong(f"the body has {len(rest)} of {length} bytes")
	return code, fields, rest[:length], rest[length:]


def scrape(port):
	begin = time.monotonic()
	with connect(port) as sock:
		sock.sendall(b"GET /metrics HTTP/1.1\r\n" + END)
		code, fields, body, behind = take_answer(read_all(sock))
	took = time.monotonic() - begin
	if code != 200 or behind or not fields["content-type"].startswith("text/plain; version=0.0.4") or b"\ngtimehalt_vms 3\n" not in body:
		raise Wrong(f"a scrape got {code}, {fields}")
	if took > SCRAPE_MAX_S:
		raise Wrong(f"a scrape took {took:.1f} s")


def ask(port, raw):
	"""Returns what the server sends until it closes the connection or falls silent."""
	with connect(port) as sock:
		try:
			sock.sendall(raw)
		except ConnectionError:
			pass
		return read_all(sock)


def requests(port, *_):
	for name, (raw, codes) in REQUESTS.items():
		got = ask(port, raw)
		try:
			code = take_answer(got)[0] if got else NO_CODE
		except Wrong as wrong:
			raise Wrong(f"{name}: {wrong}") from None
		if code not in codes:
			raise Wrong(f"{name}: {code} instead of one of {codes}")
		scrape(port)
	# Pipelined requests must be answered in order.
	paths = [b"/healthz", b"/metrics", b"/", b"/nowhere"] * 25
	got = ask(port, b"".join(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n" for path in paths) + b"GET / HTTP/1.1\r\n" + END)
	codes = []
	while got:
		code, _, _, got = take_answer(got)
		codes.append(code)
	if codes != [200, 200, 200, 404] * 25 + [200]:
		raise Wrong(f"pipelined requests: {codes}")
	return f"{len(REQUESTS)} requests"


def reset(sock):
	sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	sock.close()


def sockets(port, pid, before):
	get = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"
	kept = []
	for i in range(100):
		# A client that will send nothing more, but still reads.
		half = connect(port)
		half.sendall(get if i % 2 else get[:20])
		half.shutdown(socket.SHUT_WR)
		kept.append(half)
		# Clients that vanish in the middle of a request or of an answer, or at once.
		for text in (get[:20], get, get * 50, b""):
			gone = connect(port)
			gone.sendall(text)
			if i % 3 == 0 and text == get:
				gone.recv(10)
			reset(gone)
		if i % 20 == 0:
			scrape(port)
	# Clients that request many answers and read none.
	for _ in range(20):
		deaf = connect(port)
		deaf.setblocking(False)
		try:
			while True:
				deaf.send(get * 20)
		except OSError:
			pass
		kept.append(deaf)
		scrape(port)
	# The clients still hold their connections; the server must close them.
	end = time.monotonic() + GONE_S
	while fds(pid) > before:
		if time.monotonic() > end:
			raise Wrong(f"{fds(pid)} descriptors, {before} before")
		scrape(port)
		time.sleep(0.1)
	for sock in kept:
		sock.close()
	return f"{len(kept)} that stayed, 400 resets"


def crowd(port, *_):
	resource.setrlimit(resource.RLIMIT_NOFILE, (CROWD + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
	socks = []
	for i in range(CROWD):
		sock = socket.socket()
		sock.setblocking(False)
		sock.connect_ex(("127.0.0.1", port))
		socks.append(sock)
		if i % 100 == 0:
			scrape(port)
	for _ in range(20):
		scrape(port)
	for sock in socks:
		sock.close()
	return f"{CROWD} connections"


def fds(pid):
	return len(os.listdir(f"/proc/{pid}/fd"))


def memory_kb(pid):
	with open(f"/proc/{pid}/status", encoding="ascii") as status:
		return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def main():
	port, pid, verb = int(sys.argv[1]), sys.argv[2], sys.argv[3]
	scrape(port)
	before, before_kb = fds(pid), memory_kb(pid)
	try:
		done = {"requests": requests, "sockets": sockets, "crowd": crowd}[verb](port, pid, before)
		scrape(port)
	except Wrong as wrong:
		sys.exit(str(wrong))
	end = time.monotonic() + GONE_S
	while fds(pid) > before:
		if time.monotonic() > end:
			sys.exit(f"{fds(pid)} descriptors, {before} before")
		time.sleep(0.1)
	grown_kb = memory_kb(pid) - before_kb
	if grown_kb > GROWN_MAX_KB:
		sys.exit(f"{grown_kb} KiB more than before")
	print(f"{done}; {before} descriptors before and after, {grown_kb} KiB more")


if __name__ == "__main__":
	main()
