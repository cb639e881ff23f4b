#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Parses OpenMetrics on stdin as strictly as Prometheus' own client library does.

Prints "SERIES VALUE" for each sample, sorted. If the input is invalid, prints one line on stderr and exits with
status 1. Runs with Debian's Python, because prometheus_client is installed as its module.
"""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def main():
	lines = []
	try:
		for family in text_string_to_metric_families(sys.stdin.read()):
			for sample in family.samples:
				labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
				lines.append(f"{sample.name}{{{labels}}} {sample.value}")
	except ValueError as error:
		sys.stderr.write(f"not valid OpenMetrics: {error}\n")
		return 1
	print("\n".join(sorted(lines)))
	return 0


if __name__ == "__main__":
	sys.exit(main())
