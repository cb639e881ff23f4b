#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints a recording of a fleet: fleet.py [--vms N] [--vcpus N] [--intervals N] [--seconds S] [--busy PCT] [--seed N]

Each VM is busy with PCT per cent (default: another value for each VM), in bursts that last about a minute. Of the rest
it halts; every third VM sleeps instead, because its HLT exits. 3 % are host time and 1 % is wait.
"""

import argparse
import json
import random

parser = argparse.ArgumentParser()
for name, default in (("vms", 50), ("vcpus", 8), ("intervals", 360), ("seconds", 10), ("busy", -1), ("seed", 1)):
	parser.add_argument(f"--{name}", type=float if name in ("busy", "seconds") else int, default=default)
args = parser.parse_args()
chance = random.Random(args.seed)
STEP_NS = int(args.seconds * 1e9)

vms = [{"pid": 1000 + 100 * v, "name": f"instance-{v + 0xa01:08x}"} for v in range(args.vms)]
vcpus = [{
	"pid": vm["pid"], "tid": vm["pid"] + 1 + n, "vcpu": n, "seen": True, "vm_id": vm["pid"], "start_boottime_ns": 1, "at_monotonic_ns": 0,
	"loaded_ns": 0, "measured_ns": 0, "mperf_cycles": 0, "unmeasured_ns": 0, "guest_ns": 0, "entries": 0, "wait_ns": 0, "sleeps": 0,
} for vm in vms for n in range(args.vcpus)]
mean = {vm["pid"]: args.busy / 100 if args.busy >= 0 else chance.random() ** 2 * 0.9 for vm in vms}
level = {(vcpu["pid"], vcpu["vcpu"]): mean[vcpu["pid"]] for vcpu in vcpus}


def write(thing):
	print(json.dumps(thing, separators=(",", ":")))


write({"format": "gtimehalt-recording", "version": 1, "mode": "entry", "mperf_ratio": 1})
for i in range(args.intervals + 1):
	now = 10**12 + i * STEP_NS
	for vcpu in vcpus if i else ():
		key = vcpu["pid"], vcpu["vcpu"]
		if chance.random() < args.seconds / 60:
			level[key] = min(0.96, max(0, chance.gauss(mean[key[0]], 0.4 * mean[key[0]])))
		busy, host, wait = (int(STEP_NS * share) for share in (level[key], 0.03, 0.01))
		halts = vcpu["pid"] // 100 % 3 > 0
		halted = STEP_NS - busy - host - wait if halts else 0
		vcpu["loaded_ns"] += busy + host + halted
		vcpu["measured_ns"] += busy + host + halted
		vcpu["mperf_cycles"] += 2 * (busy + host)
		vcpu["guest_ns"] += busy + halted
		vcpu["entries"] += 1000
		vcpu["wait_ns"] += wait
		vcpu["sleeps"] += 0 if halts else 2
	for vcpu in vcpus:
		vcpu["at_monotonic_ns"] = now
	write({"clock": {"monotonic_ns": now, "boottime_ns": now, "realtime_ns": 1795562023 * 10**9 + i * STEP_NS, "tsc_cycles": 2 * now,
			"monotonic_raw_ns": now}, "mode": "entry", "mperf_ratio": 1, "online_cpus": 128,
		"health": {"lost_windows": 0, "mperf_errors": 0, "map_full": 0}, "vms": vms, "vcpus": vcpus})
