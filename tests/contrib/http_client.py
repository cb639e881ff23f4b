#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP requests of the exporter's tests, for machines without curl.

usage: http_client.py get URL [ACCEPT]	print the body; on stderr the status and the content type
       http_client.py query URL QUERY [TIME]
				send an instant query to the Prometheus at URL; print the results as JSON lines
       http_client.py missing URL
				read queries from stdin, "NAME<TAB>QUERY" per line; print those without a result
       http_client.py wait URL SECONDS	wait until URL answers 200; exit status 1 if it does not

Also exits with status 1 if an answer is not 200.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT_S = 60


def get(url, accept=None):
	"""Returns (status, content type, body)."""
	request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
	try:
		with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
			return answer.status, answer.headers.get("Content-Type"), answer.read().decode()
	except urllib.error.HTTPError as error:
		return error.code, error.headers.get("Content-Type"), error.read().decode()


def query(url, text, at=None):
	"""Returns the result of an instant query of the Prometheus API. Raises ValueError if Prometheus refuses
	it."""
	arguments = {"query": text} | ({"time": at} if at else {})
	_, _, body = get(url + "/api/v1/query?" + urllib.parse.urlencode(arguments))
	answer = json.loads(body)
	if answer["status"] != "success":
		raise ValueError(f"{text}: {answer['error']}")
	return answer["data"]["result"]


def wait(url, seconds):
	"""Waits until the URL answers 200. Returns False if the time is over."""
	end = time.monotonic() + seconds
	while time.monotonic() < end:
		try:
			if get(url)[0] == 200:
				return True
		except OSError:
			pass
		time.sleep(0.1)
	return False


def main():
	verb, url, *arguments = sys.argv[1:]
	if verb == "get":
		status, content_type, body = get(url, *arguments)
		sys.stderr.write(f"{status} {content_type}\n")
		sys.stdout.write(body)
		return status != 200
	if verb == "query":
		for element in query(url, *arguments):
			print(json.dumps(element))
		return 0
	if verb == "missing":
		for line in sys.stdin:
			if not query(url, line.rstrip("\n").split("\t", 1)[1]):
				sys.stdout.write(line)
		return 0
	if verb == "wait":
		return not wait(url, float(arguments[0]))
	sys.exit(__doc__)


if __name__ == "__main__":
	sys.exit(main())
