// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * reports.c - prints JSON of every shape, one per line, for the validator: of reports that a host
 * can make, and of extreme ones.
 *
 * usage: reports [summary | diff]: JSON of --summary or --diff instead
 */
#include "render/render.h"
#include "render/render_diff.h"
#include "render/render_summary.h"
#include "report/diff.h"
#include "report/summary.h"
#include "report/timeline.h"
#include "../unit/report_fixture.h"

static const __u64 max = UINT64_MAX - 1;

static const struct metrics of_switch_mode = { { S, 600 * MS, 400 * MS, UNKNOWN, UNKNOWN, UNKNOWN,
						 100 * MS, 300 * MS, UNKNOWN, 0, 0 } };
static const struct metrics sleeping = { { S, 0, 0, 0, 0, 0, 0, S, 0, 0, 0 } };

static void make_nothing(struct fixture *f)
{
	(void)f;
}

static void make_a_host(struct fixture *f)
{
	add_demo(f);
	add_vm(f, 1300, "hlt-exits", sleeping);
	add_vcpu(f, 0, 1301, sleeping);
	add_vm(f, 1400, "twins", half_halted);
	add_vcpu(f, 0, 1401, half_halted);
	add_vm(f, 1400, "twins", half_halted);
	add_vcpu(f, 0, 1402, half_halted);
	add_vm(f, 1500, "no vCPU yet", all_unknown);
}

static void make_switch_mode(struct fixture *f)
{
	f->report.mode = MODE_SWITCH;
	add_vm(f, 1234, "demo", of_switch_mode);
	add_vcpu(f, 0, 1240, of_switch_mode);
	add_vm(f, 1300, "none", all_unknown);
}

/* A histogram with counts, an empty one, and one with the largest counts. */
static void make_histograms(struct fixture *f)
{
	static struct histogram some = { .below_cnt = 4, .halted_ns = 3 * MS };
	static struct histogram none = { .below_cnt = HISTOGRAM_UNKNOWN };
	static struct histogram all = { .below_cnt = UINT64_MAX - 1, .halted_ns = UINT64_MAX };

	some.cnt[70] = 2;
	some.cnt[80] = 1;
	for (size_t i = 0; i < STINT_BUCKET_CNT; i++)
		all.cnt[i] = UINT64_MAX;
	add_demo(f);
	f->vms[0].histogram = &all;
	f->vcpus[0].histogram = &some;
	f->vcpus[1].histogram = &none;
}

static void make_unknown(struct fixture *f)
{
	add_vm(f, 1, "?", all_unknown);
	add_vcpu(f, 0, 4194304, all_unknown);
}

static void make_largest(struct fixture *f)
{
	const struct metrics largest = { { max, max, max, max, max, max, max, max, max, max,
					   max } };

	f->report.interval_ns = INT64_MAX;
	f->report.begin.mono_ns = 0;
	f->report.end = (struct clock_reading){ .mono_ns = UINT64_MAX, .real_ns = UINT64_MAX };
	f->report.health =
		(struct health){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	f->report.mperf_ratio = 4096;
	add_vm(f, 4194304, "max", largest);
	add_vcpu(f, UINT32_MAX, 4194304, largest);
}

static void make_smallest(struct fixture *f)
{
	f->report.interval_ns = 1;
	f->report.begin = f->report.end = (struct clock_reading){ 0 };
	f->report.mperf_ratio = 1e-9;
	add_vm(f, 1, "", (struct metrics){ { 0 } });
	add_vcpu(f, 0, 1, (struct metrics){ { 0 } });
}

static void make_hostile_names(struct fixture *f)
{
	static char every_byte[256], combining[4097];

	for (int i = 1; i < 256; i++)
		every_byte[i - 1] = (char)i;
	for (size_t i = 0; i < sizeof(combining) - 1; i += 2)
		memcpy(&combining[i], "\xcc\x81", 2);
	add_vm(f, 1, every_byte, half_halted);
	add_vm(f, 2, combining, half_halted);
	add_vm(f, 3, "\"}],\"schema\":2,\"x\":[{\"", half_halted);
	add_vm(f, 4, "\\u0000\\", half_halted);
	add_vm(f, 5, "</script>\xe2\x80\xa8\xe2\x80\xae", half_halted);
	add_vm(f, 6, "\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80\xf0\x9f\x98\x80", half_halted);
}

static int print_report(const struct report *report)
{
	return render__json(report, stdout);
}

/* Prints the summary of 70 intervals. */
static int print_summary(const struct report *report)
{
	struct summary summary = { 0 };
	int err = 0;

	for (int i = 0; i < 70 && !err; i++)
		err = summary__add(&summary, report);
	if (!err)
		err = render__summary_json(&summary, stdout);
	summary__free(&summary);
	return err;
}

/* Compares a run of 10 intervals with a run of 12 that lacks the first VM. */
static int print_diff(const struct report *report)
{
	struct timeline before = { 0 }, after = { 0 };
	struct report without = *report;
	struct diff diff = { 0 };
	int err = 0;

	if (without.vm_cnt > 1) {
		without.vms++;
		without.vm_cnt--;
	}
	for (int i = 0; i < 10 && !err; i++)
		err = timeline__add(&before, report);
	for (int i = 0; i < 12 && !err; i++)
		err = timeline__add(&after, &without);
	if (!err)
		err = diff__make(&before, &after, &diff);
	if (!err)
		err = render__diff_json(&diff, stdout);
	diff__free(&diff);
	timeline__free(&before);
	timeline__free(&after);
	return err;
}

int main(int argc, char **argv)
{
	static void (*const makes[])(struct fixture * f) = {
		make_nothing, make_a_host,   make_switch_mode,   make_unknown,
		make_largest, make_smallest, make_hostile_names, make_histograms,
	};
	int (*print)(const struct report *report) = print_report;
	int err = 0;

	if (argc > 1)
		print = strcmp(argv[1], "diff") ? print_summary : print_diff;
	for (size_t i = 0; i < sizeof(makes) / sizeof(makes[0]) && !err; i++) {
		void *state;

		if (setup(&state))
			return 1;
		makes[i](state);
		err = print(&((struct fixture *)state)->report);
		teardown(&state);
	}
	return err ? 1 : 0;
}
