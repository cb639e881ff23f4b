/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render - a report as a table or as JSON. One table of columns drives all forms.
 *
 * Writes to the stream that it is given and nowhere else. A metric that was not measured is "-" in a
 * table and null in JSON, never zero.
 */
#ifndef RENDER_H
#define RENDER_H

#include <stdio.h>
#include "account.h"

/*
 * A row for each VM and one for each of its vCPUs, with a heading; shares in per cent of wall time,
 * those of a VM being the mean over its vCPUs, each weighted with its own wall time. VMs of one
 * process are numbered: "name#1", "name#2". At most 79 columns whatever the names are. Below it, with
 * "# " in front, a line for each kind of failure, for unmeasured time, for clamps above 0.1 % of some
 * vCPU's wall time, and for an MPERF ratio more than 0.1 % off 1; none when all is well.
 * Flushes the stream. Returns 0, or -errno when it failed.
 */
int render__table(const struct report *report, FILE *out);

/* What stands between the tables of two intervals. Returns 0, or -errno when the stream failed. */
int render__gap(FILE *out);

/*
 * One JSON object on one line:
 *
 *	{"schema":1,"time":"2025-11-23T14:26:41.000000045Z","interval_ns":N,
 *	 "start_monotonic_ns":N,"end_monotonic_ns":N,"mode":"entry","mperf_ratio":1.0,
 *	 "health":{"lost_windows":N,"mperf_errors":N,"map_full":N},
 *	 "vms":[{"pid":N,"instance":N,"name":"demo","total":{METRICS},
 *		 "vcpus":[{"vcpu":N,"tid":N,METRICS}]}]}
 *
 * METRICS are halted_ns, loaded_ns, guest_ns, busy_ns, host_ns, wait_ns, blocked_ns, entries, wall_ns,
 * clamped_ns and unmeasured_ns, those in "total" being sums. "time" is the interval's end. "instance"
 * numbers the VMs of one process from 1; it may change when one of them comes or goes. Bytes of a name
 * that are not UTF-8 come out as U+FFFD.
 * Flushes the stream. Returns 0, -ENOMEM (nothing was written), or -errno when the stream failed.
 */
int render__json(const struct report *report, FILE *out);

#endif /* RENDER_H */
