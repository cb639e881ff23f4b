/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render - a report as a table, as CSV or as JSON. One table of columns drives all forms.
 *
 * Writes to the stream that it is given and nowhere else. A metric that was not measured is "-" in a
 * table, empty in CSV and null in JSON, never zero. VM names may come from anywhere: in every form a
 * "?" stands for what is no UTF-8 and for what would act on a terminal.
 */
#ifndef RENDER_H
#define RENDER_H

#include <stdio.h>
#include <linux/types.h>
#include "report/account.h"
#include "report/view.h"

/*
 * A row for each row of the view, with a heading; shares in per cent of wall time, those of a VM being
 * the mean over its vCPUs, each weighted with its own wall time. VMs of one process are numbered:
 * "name#1", "name#2". At most 79 columns whatever the names are. Below it, with "# " in front, how many
 * VMs or vCPUs the view has left out; which of the VMs shown have their idle time in BLOCK%; and a line
 * for each kind of failure, for unmeasured time, for clamps above 0.1 % of some vCPU's wall time, and for
 * an MPERF ratio more than 0.1 % off 1. None of them when there is nothing to tell.
 * Flushes the stream. Returns 0, or -errno when it failed.
 */
int render__table(const struct report *report, const struct view *view, FILE *out);

/* What stands between the tables of two intervals. Returns 0, or -errno when the stream failed. */
int render__gap(FILE *out);

/* A line with the local time of day, "14:26:41". Returns 0, or -errno when the stream failed. */
int render__time(__u64 real_ns, FILE *out);

/*
 * The first line of CSV, once a run: the names of the fields. Returns 0, or -errno when the stream
 * failed.
 */
int render__csv_heading(FILE *out);

/*
 * A line of CSV for each row of the view: RFC 4180, with the line ends of this system. The fields are
 *
 *	time,interval_ns,mode,row,pid,instance,name,vcpu,tid,METRICS,lost_windows,mperf_errors,map_full,refused_windows
 *
 * "row" is vm or vcpu; vcpu and tid are empty in a VM's row, whose METRICS are sums. The last three are
 * of the interval, the same in all its lines. All else is as in JSON. A name is always in quotes; so that
 * a spreadsheet does not take it for a formula, one that begins with =, +, -, @, their wide forms or '
 * has a ' in front.
 * Flushes the stream. Returns 0, or -errno when it failed.
 */
int render__csv(const struct report *report, const struct view *view, FILE *out);

/*
 * One JSON object on one line, of the whole report:
 *
 *	{"schema":1,"time":"2025-11-23T14:26:41.000000045Z","interval_ns":N,
 *	 "start_monotonic_ns":N,"end_monotonic_ns":N,"mode":"entry","mperf_ratio":1.0,
 *	 "health":{"lost_windows":N,"mperf_errors":N,"map_full":N,"hooks_off":N,"refused_windows":N},
 *	 "vms":[{"pid":N,"instance":N,"name":"demo","idle_in_blocked":false,"vcpu_count":N,
 *		 "total":{METRICS,"histogram":{HISTOGRAM}},
 *		 "vcpus":[{"vcpu":N,"tid":N,METRICS,"histogram":{HISTOGRAM}}]}]}
 *
 * METRICS are halted_ns, loaded_ns, guest_ns, busy_ns, host_ns, wait_ns, blocked_ns, entries, wall_ns,
 * clamped_ns and unmeasured_ns, those in "total" being sums. "time" is the interval's end. "instance"
 * numbers the VMs of one process from 1; it may change when one of them comes or goes.
 * "idle_in_blocked" is true of a VM that does not halt in guest mode but sleeps, because its HLT exits
 * or it is paused: its idle time is in blocked_ns. null when that is not known.
 * HISTOGRAM, null where stints were not counted, is count and halted_ns of the stints in the buckets,
 * p50_ns, p90_ns, p99_ns and max_ns of these, null when there is none, below_count of all other stints, and
 * buckets, [low_ns,high_ns,N] of each that is not empty.
 * contrib/gtimehalt.schema.json is the schema for programs.
 * Flushes the stream. Returns 0, -ENOMEM (nothing was written), or -errno when the stream failed.
 */
int render__json(const struct report *report, FILE *out);

#endif /* RENDER_H */
