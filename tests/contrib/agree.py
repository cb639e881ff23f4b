#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds what a Prometheus has of an exporter against a gtimehalt -j that ran beside it.

usage: agree.py PROMETHEUS JSON [PER_CENT]

JSON has the intervals of `gtimehalt -j`, back to back. Of each VM the time loaded, halted and busy between
the first and the last scrape within them is taken from the raw counters, and the same span from JSON, where a
scrape falls between two intervals by its part of the one. Prints both, a line each. Exit status 1 when two
are more than PER_CENT (1) of the greater apart, and, for what is hardly there at all, more than a thousandth of
the span; or when there are not 20 s and three VMs to compare.

The time of a scrape is not the time at which the exporter read its counters, which may be up to a second
before. But loaded + wait + blocked of a vCPU is its wall time: by how much that grew from one scrape to the next
tells how far apart the readings were.
"""

import datetime
import json
import re
import statistics
import sys

import http_client

METRICS = ("loaded", "halted", "busy")
WALL = ("loaded", "wait", "blocked")
MIN_SPAN_S = 20
MIN_VMS = 3


class Shown:
	"""The sums over the intervals of gtimehalt -j, by VM and metric, as they grew."""

	def __init__(self, path):
		self.ends, self.sums = [], []
		with open(path, encoding="utf-8") as file:
			for line in file:
				self.add(json.loads(line))

	def add(self, interval):
		if not self.ends:
			self.ends.append(seconds_of(interval["time"]) - interval["interval_ns"] / 1e9)
			self.sums.append({})
		sums = dict(self.sums[-1])
		for vm in interval["vms"]:
			for metric in METRICS:
				key = vm["pid"], metric
				sums[key] = sums.get(key, 0) + (vm["total"][metric + "_ns"] or 0) / 1e9
		self.ends.append(seconds_of(interval["time"]))
		self.sums.append(sums)

	def at(self, when, key):
		for i in range(1, len(self.ends)):
			if when <= self.ends[i]:
				part = (when - self.ends[i - 1]) / (self.ends[i] - self.ends[i - 1])
				before, behind = self.sums[i - 1].get(key, 0), self.sums[i].get(key, 0)
				return before + part * (behind - before)
		raise ValueError("no interval has it")


def seconds_of(text):
	"""Of RFC 3339 with any number of decimals."""
	whole, decimals = re.fullmatch(r"(.*?)(\.\d+)?Z", text).groups()
	return datetime.datetime.fromisoformat(whole + "+00:00").timestamp() + float(decimals or 0)


def counters(url, begin, end):
	"""{(pid, vm): {metric: {time: value}}} of the scrapes between the two."""
	found = {}
	for metric in {*METRICS, *WALL}:
		text = f"gtimehalt_vm_{metric}_seconds_total[{int(end - begin) + 1}s]"
		for series in http_client.query(url, text, end):
			labels = series["metric"]
			vm = found.setdefault((int(labels["pid"]), labels["vm"]), {})
			vm[metric] = {time: float(value) for time, value in series["values"] if time > begin}
	return found


def compare(name, shown, vm, vcpus, per_cent):
	"""Prints a VM. Returns whether it agrees."""
	times = sorted(set.intersection(*(set(vm[metric]) for metric in {*METRICS, *WALL})))
	wall = {time: sum(vm[metric][time] for metric in WALL) / vcpus for time in times}
	if not times:
		print(f"{name[1]}: not scraped")
		return False
	offset = statistics.median(time - wall[time] for time in times)
	first, last = times[0], times[-1]
	span = wall[last] - wall[first]
	agrees = span >= MIN_SPAN_S
	for metric in METRICS:
		counted = vm[metric][last] - vm[metric][first]
		beside = shown.at(offset + wall[last], (name[0], metric)) - shown.at(offset + wall[first],
			(name[0], metric))
		apart = abs(counted - beside)
		near = apart <= max(per_cent / 100 * max(counted, beside), span * vcpus / 1000)
		agrees = agrees and near
		print(f"{name[1]}: {metric} {counted:.3f} s as scraped, {beside:.3f} s beside, of {span:.1f} s on "
			f"{vcpus} vCPUs, {100 * apart / max(counted, beside, 1e-9):.2f} % apart{'' if near else ': FAR'}")
	return agrees


def main():
	url, path = sys.argv[1:3]
	per_cent = float(sys.argv[3]) if len(sys.argv) > 3 else 1
	shown = Shown(path)
	# An exporter may be a second behind, which must not be before the first interval.
	vms = counters(url, shown.ends[0] + 2, shown.ends[-1])
	# Over all of it: when a scrape comes too late all series end, until the next.
	text = f"max_over_time(gtimehalt_vm_vcpus[{int(shown.ends[-1] - shown.ends[0])}s])"
	vcpus = {(int(series["metric"]["pid"]), series["metric"]["vm"]): int(series["value"][1])
		for series in http_client.query(url, text, shown.ends[-1])}
	agree = [compare(name, shown, vm, vcpus[name], per_cent) for name, vm in sorted(vms.items())]
	return not all(agree) or len(agree) < MIN_VMS


if __name__ == "__main__":
	sys.exit(main())
