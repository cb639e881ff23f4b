#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the counters of an exporter in Prometheus with the output of a gtimehalt -j that ran at the same time.

usage: agree.py PROMETHEUS JSON [PER_CENT]

JSON holds the intervals of `gtimehalt -j`, without gaps. For each VM, the time loaded, halted and busy between the
first and the last scrape is calculated twice: from the raw counters, and from JSON, where an interval that contains a
scrape counts in proportion. Prints both values, one line per VM and metric. Exits with status 1 if two values differ
by more than PER_CENT (default 1) of the greater one and, because tiny values need an absolute limit, by more than a
thousandth of the span; or if there are fewer than 20 s or three VMs to compare.

Prometheus records the time of a scrape, but the exporter may have read its counters up to a second earlier. The true
distance of two readings is the growth of loaded + wait + blocked, which is a vCPU's wall time.
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
	"""The sums over the intervals of gtimehalt -j, by VM and metric, at the end of each interval."""

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
	"""Converts an RFC 3339 time with any number of decimals."""
	whole, decimals = re.fullmatch(r"(.*?)(\.\d+)?Z", text).groups()
	return datetime.datetime.fromisoformat(whole + "+00:00").timestamp() + float(decimals or 0)


def counters(url, begin, end):
	"""Returns {(pid, vm): {metric: {time: value}}} of the scrapes between `begin` and `end`."""
	found = {}
	for metric in {*METRICS, *WALL}:
		text = f"gtimehalt_vm_{metric}_seconds_total[{int(end - begin) + 1}s]"
		for series in http_client.query(url, text, end):
			labels = series["metric"]
			vm = found.setdefault((int(labels["pid"]), labels["vm"]), {})
			vm[metric] = {time: float(value) for time, value in series["values"] if time > begin}
	return found


def compare(name, shown, vm, vcpus, per_cent):
	"""Prints the values of a VM. Returns whether they agree."""
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
		print(f"{name[1]}: {metric} {counted:.3f} s scraped, {beside:.3f} s by gtimehalt -j, of {span:.1f} s on "
			f"{vcpus} vCPUs, {100 * apart / max(counted, beside, 1e-9):.2f} % apart{'' if near else ': TOO FAR'}")
	return agrees


def main():
	url, path = sys.argv[1:3]
	per_cent = float(sys.argv[3]) if len(sys.argv) > 3 else 1
	shown = Shown(path)
	# Start late enough, because the exporter's values may be from up to a second before a scrape.
	vms = counters(url, shown.ends[0] + 2, shown.ends[-1])
	# The maximum over the whole span, because all series end when a scrape fails, until the next one.
	text = f"max_over_time(gtimehalt_vm_vcpus[{int(shown.ends[-1] - shown.ends[0])}s])"
	vcpus = {(int(series["metric"]["pid"]), series["metric"]["vm"]): int(series["value"][1])
		for series in http_client.query(url, text, shown.ends[-1])}
	agree = [compare(name, shown, vm, vcpus[name], per_cent) for name, vm in sorted(vms.items())]
	return not all(agree) or len(agree) < MIN_VMS


if __name__ == "__main__":
	sys.exit(main())
