/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render - write a report as a table, as CSV or as JSON. One table of columns drives all formats.
 *
 * The functions write to the given stream and nowhere else. A metric that was not measured is "-"
 * in a table, empty in CSV and null in JSON, never zero. VM names come from untrusted places: in
 * all formats "?" replaces invalid UTF-8 and characters that would control a terminal.
 */
#ifndef RENDER_H
#define RENDER_H

#include <stdio.h>
#include <linux/types.h>
#include "report/account.h"
#include "report/view.h"

/*
 * Writes the lines of render__host(), a heading and a line for each row of the view. Shares are in
 * per cent of wall time; those of a VM are the mean over its vCPUs, weighted with the wall time of
 * each. VMs of one process are numbered: "name#1", "name#2".
 *
 * max_width: the columns of the terminal; 0: no limit, so that names are shown in full. Lines have
 * 79 columns, and more if names need more and max_width allows it. Where it does not, names are cut
 * so that different names stay different, if that is possible; in less than 79 columns entries and
 * IDs may be left out.
 *
 * Notes follow, in lines that begin with "# ": how many VMs or vCPUs the view leaves out; which of
 * the VMs shown have their idle time in BLOCK%; each kind of failure; unmeasured time; clamps above
 * 0.1 % of a vCPU's wall time; an MPERF ratio that differs from 1 by more than 0.1 %. Each is
 * written only if it applies.
 *
 * Flushes the stream. Returns 0 or -errno.
 */
int render__table(const struct report *report, const struct view *view, int max_width, FILE *out);

/* Separates the tables of two intervals. Returns 0 or -errno. */
int render__gap(FILE *out);

/*
 * Writes the two lines above every table and histogram: the local time of day and the length of the
 * interval, "14:26:41, 1.00 s"; then host_text__format(). Returns 0 or -errno.
 */
int render__host(const struct report *report, FILE *out);

/* Writes the names of the fields, once per run, as the first line of CSV. Returns 0 or -errno. */
int render__csv_heading(FILE *out);

/*
 * Writes a line of CSV (RFC 4180, but lines end with a newline only) for each
 * row of the view. The fields are
 *
 *	time,interval_ns,mode,row,pid,instance,name,vcpu,tid,METRICS,FAILURES
 *
 * "row" is host, vm or vcpu. The row of the host comes first, with the sums over all vCPUs of the
 * report, shown or not, and no pid, instance and name. vcpu and tid are empty in it and in a VM's
 * row, whose METRICS are sums. FAILURES are lost_windows, mperf_errors, map_full, hooks_off and
 * refused_windows of the interval, the same in all its lines. Everything else is as in JSON.
 *
 * Names are always quoted. Spreadsheets must not take a name for a formula: a name that begins with
 * =, +, -, @, one of their full-width forms, or ' gets a ' in front.
 *
 * Flushes the stream. Returns 0 or -errno.
 */
int render__csv(const struct report *report, const struct view *view, FILE *out);

/*
 * Writes the whole report as one JSON object on one line:
 *
 *	{"schema":1,"time":"2025-11-23T14:26:41.000000045Z","interval_ns":N,
 *	 "start_monotonic_ns":N,"end_monotonic_ns":N,"mode":"entry","pinned":false,
 *	 "mperf_ratio":1.0,
 *	 "health":{"lost_windows":N,"mperf_errors":N,"map_full":N,"hooks_off":N,
 *		   "refused_windows":N},
 *	 "host":{"cpus":N,"vms":N,"vcpus":N,"wall_ns":N,"idle_ns":N,"busy_ns":N,"host_ns":N,
 *		 "used_ns":N,"wait_ns":N,"unknown_ns":N},
 *	 "vms":[{"pid":N,"instance":N,"name":"demo","idle_in_blocked":false,"can_halt":true,
 *		 "vcpu_count":N,
 *		 "total":{METRICS,"histogram":{HISTOGRAM}},
 *		 "vcpus":[{"vcpu":N,"tid":N,METRICS,"histogram":{HISTOGRAM}}]}]}
 *
 * "host" says what the wall time of all vCPUs was spent on (spent.h): busy_ns and host_ns are null
 * in switch mode, and cpus is null if unknown.
 *
 * METRICS are idle_ns, halted_ns, loaded_ns, guest_ns, busy_ns, host_ns, wait_ns, blocked_ns,
 * entries, wall_ns, clamped_ns and unmeasured_ns; in "total" they are sums. "time" is the end of
 * the interval. "instance" numbers the VMs of one process from 1; it may change when one of them is
 * created or ends. "idle_in_blocked" is true if the VM sleeps instead of halting in guest mode,
 * because its HLT exits or it is paused: its idle time is then in blocked_ns. "can_halt" is false
 * if KVM lets the VM neither HLT nor MWAIT in guest mode: halted_ns is then 0 without a
 * measurement. Both are null if unknown.
 *
 * HISTOGRAM is null if stints were not counted. It contains count and halted_ns of the stints in
 * the buckets; their p50_ns, p90_ns, p99_ns and max_ns, null if there are none; below_count, the
 * number of all other stints; and buckets, an array of [low_ns,high_ns,N] for each bucket that is
 * not empty.
 *
 * contrib/gtimehalt.schema.json describes this for programs.
 *
 * Flushes the stream. Returns 0; -ENOMEM, with nothing written; or -errno if the stream failed.
 */
int render__json(const struct report *report, FILE *out);

#endif /* RENDER_H */
