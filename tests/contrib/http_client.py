#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the exporter ask over HTTP, on a machine that need not have curl.

usage: http_client.py get URL [ACCEPT]	the body; on stderr the status and the content type
       http_client.py query URL QUERY [TIME]
				the result of an instant query to the Prometheus at URL, as JSON, one a line
       http_client.py missing URL
				of the queries on stdin, "NAME<TAB>QUERY" a line, those that return nothing
       http_client.py wait URL SECONDS	until it answers 200; exit status 1 when it does not

Exit status 1 too when the answer is not 200.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT_S = 60


def get(url, accept=None):
	"""(status, content type, body)"""
	request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
	try:
		with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
			return answer.status, answer.headers.get("Content-Type"), answer.read().decode()
	except urllib.error.HTTPError as error:
		return error.code, error.headers.get("Content-Type"), error.read().decode()


def query(url, text, at=None):
	"""The result of an instant query, as Prometheus' API has it. Raises ValueError when it refuses."""
	arguments = {"query": text} | ({"time": at} if at else {})
	_, _, body = get(url + "/api/v1/query?" + urllib.parse.urlencode(arguments))
	answer = json.loads(body)
	if answer["status"] != "success":
		raise ValueError(f"{text}: {answer['error']}")
	return answer["data"]["result"]


def wait(url, seconds):
	"""True once it answers 200."""
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
