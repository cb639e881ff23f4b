// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include "report/columns.h"
#include "text/line.h"
#include "text/time_text.h"
#include "render/render_notes.h"
#include "report/view.h"
#include "render/vm_label.h"

#define NAME_WIDTH 20 /* of a VM's name in a list */

static int write_left_out(const struct view *view, FILE *out)
{
	const char *what = view->level == VIEW_VCPUS ? "vCPU" : "VM";

	if (!view->left_out_cnt)
		return 0;
	return fprintf(out, "# %zu more %s%s\n", view->left_out_cnt, what,
		       view->left_out_cnt > 1 ? "s" : "") < 0
		       ? -errno
		       : 0;
}

static bool has_row(const struct view *view, const struct vm_report *vm)
{
	/* Do not search thousands of rows without need. */
	if (!view->lacks_vms)
		return true;
	for (size_t i = 0; i < view->row_cnt; i++) {
		if (view->rows[i].vm == vm)
			return true;
	}
	return false;
}

/*
 * Returns the next VM, from `vm` on, that has a row and its idle time in BLOCK%;
 * NULL if there is none.
 */
static const struct vm_report *next_idle_in_blocked(const struct report *report,
						    const struct view *view,
						    const struct vm_report *vm)
{
	for (; vm < report->vms + report->vm_cnt; vm++) {
		if (idle_in_blocked(&vm->metrics) > 0 && has_row(view, vm))
			return vm;
	}
	return NULL;
}

/*
 * A guest that is always busy shows 0 % halted. Name the VMs that show it because they sleep
 * instead of halting, so that they are not mistaken for busy ones.
 */
static int write_idle_in_blocked(const struct report *report, const struct view *view, FILE *out)
{
	const int more_width = sizeof(" and 99999 more") - 1;
	const struct vm_report *vm = next_idle_in_blocked(report, view, report->vms);
	const enum name_cut cut = vm_label__cut(report, NAME_WIDTH);
	struct line line = { 0 };
	size_t more_cnt = 0;

	if (!vm)
		return 0;
	line__add(&line, "# idle in BLOCK% (HLT exits, or paused): ");
	vm_label__add(report, vm, NAME_WIDTH, cut, &line);
	while ((vm = next_idle_in_blocked(report, view, vm + 1))) {
		int width = vm_label__width(report, vm);

		width = width < NAME_WIDTH ? width : NAME_WIDTH;
		if (more_cnt || line.width + 2 + width + more_width > LINE_WIDTH) {
			more_cnt++;
			continue;
		}
		line__add(&line, ", ");
		vm_label__add(report, vm, NAME_WIDTH, cut, &line);
	}
	if (more_cnt) {
		char text[32];

		snprintf(text, sizeof(text), " and %zu more", more_cnt);
		line__add(&line, text);
	}
	return line__write(&line, out);
}

static __u64 permyriad_of(__u64 ns, __u64 wall_ns)
{
	unsigned __int128 share = ((unsigned __int128)ns * 10000 + wall_ns / 2) / wall_ns;

	return share > UINT64_MAX ? UINT64_MAX : share;
}

static int write_failures(const struct report *report, FILE *out)
{
	for (size_t i = 0; i < FAILURE_CNT; i++) {
		__u64 cnt = failure_cnt(&report->health, i);

		if (cnt && fprintf(out, "# %s: %llu\n", failure_defs[i].notice, cnt) < 0)
			return -errno;
	}
	return 0;
}

/*
 * Counts vCPUs without numbers because the map had no room or the hooks did not
 * run. A window may stay open for hours, so this is reported as long as it
 * affects an interval, not only when it happens.
 */
static int write_unknown(const struct report *report, FILE *out)
{
	size_t cnt = 0;

	for (size_t i = 0; i < report->vcpu_cnt; i++) {
		const __u64 *value = report->vcpus[i].metrics.value;

		cnt += value[METRIC_LOADED_NS] == METRIC_UNKNOWN &&
		       value[METRIC_WALL_NS] != METRIC_UNKNOWN;
	}
	if (cnt && fprintf(out, "# vCPUs that are not measured (no room, or hooks were off): %zu\n",
			   cnt) < 0)
		return -errno;
	return 0;
}

/* Reports clamps above 0.1 % of wall time; smaller ones are jitter between clocks. */
static int write_clamps(const struct report *report, FILE *out)
{
	const struct vcpu_report *worst = NULL;
	__u64 worst_permyriad = 0;
	size_t cnt = 0;

	for (size_t i = 0; i < report->vcpu_cnt; i++) {
		const __u64 *value = report->vcpus[i].metrics.value;
		__u64 wall_ns = value[METRIC_WALL_NS];
		__u64 permyriad;

		if (value[METRIC_CLAMPED_NS] == METRIC_UNKNOWN ||
		    value[METRIC_CLAMPED_NS] <= wall_ns / 1000)
			continue;
		permyriad = permyriad_of(value[METRIC_CLAMPED_NS], wall_ns ? wall_ns : 1);
		cnt++;
		if (!worst || permyriad > worst_permyriad) {
			worst = &report->vcpus[i];
			worst_permyriad = permyriad;
		}
	}
	if (!cnt)
		return 0;
	/* A clamped time belongs to one share or another of 100 points. */
	if (worst_permyriad > 10000)
		worst_permyriad = 10000;
	return fprintf(out,
		       "# shares of %zu vCPU%s may be off by up to %.4g points (TID %d), clamped\n",
		       cnt, cnt == 1 ? "" : "s", worst_permyriad / 100.0, worst->tid) < 0
		       ? -errno
		       : 0;
}

static int write_unmeasured(const struct report *report, FILE *out)
{
	char text[TIME_TEXT_SIZE];
	__u64 sum_ns = 0;

	for (size_t i = 0; i < report->vcpu_cnt; i++) {
		__u64 ns = report->vcpus[i].metrics.value[METRIC_UNMEASURED_NS];

		if (ns != METRIC_UNKNOWN && __builtin_add_overflow(sum_ns, ns, &sum_ns))
			sum_ns = UINT64_MAX;
	}
	if (!sum_ns)
		return 0;
	time_text__length(sum_ns, text);
	return fprintf(out, "# loaded but not measured: %s, not in HALTED%%\n", text) < 0 ? -errno
											  : 0;
}

static int write_ratio(const struct report *report, FILE *out)
{
	if (!report->vm_cnt || (report->mperf_ratio >= 0.999 && report->mperf_ratio <= 1.001))
		return 0;
	if (fprintf(out, "# MPERF counts at %.6g times the rate of TSC\n", report->mperf_ratio) < 0)
		return -errno;
	return 0;
}

/* Columns may be missing because somebody else chose the mode. */
static int write_pinned(const struct report *report, FILE *out)
{
	if (!report->pinned)
		return 0;
	return fprintf(out, "# read from what --pin measures%s\n",
		       report->mode == MODE_SWITCH ? ": BUSY% and HOST% need --mode entry" : "") < 0
		       ? -errno
		       : 0;
}

int render__notes(const struct report *report, const struct view *view, FILE *out)
{
	int err = write_left_out(view, out);

	if (!err)
		err = write_idle_in_blocked(report, view, out);
	if (!err)
		err = write_failures(report, out);
	if (!err)
		err = write_unknown(report, out);
	if (!err)
		err = write_clamps(report, out);
	if (!err)
		err = write_unmeasured(report, out);
	if (!err)
		err = write_pinned(report, out);
	return err ? err : write_ratio(report, out);
}
