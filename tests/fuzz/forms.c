// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "export/exposition.h"
#include "export/totals.h"
#include "forms.h"
#include "fuzz.h"
#include "options/options.h"
#include "recording/recording.h"
#include "render/show.h"
#include "report/account.h"
#include "shown.h"

static void check_sum(const __u64 *value, enum metric a, enum metric b, enum metric sum)
{
	if (value[a] == METRIC_UNKNOWN || value[b] == METRIC_UNKNOWN ||
	    value[sum] == METRIC_UNKNOWN)
		return;
	FUZZ_ASSERT(value[a] + value[b] == value[sum]);
}

static void check_metrics(const __u64 *value)
{
	check_sum(value, METRIC_GUEST_NS, METRIC_HOST_NS, METRIC_LOADED_NS);
	check_sum(value, METRIC_BUSY_NS, METRIC_HALTED_NS, METRIC_GUEST_NS);
	if (value[METRIC_WAIT_NS] != METRIC_UNKNOWN && value[METRIC_BLOCKED_NS] != METRIC_UNKNOWN &&
	    value[METRIC_LOADED_NS] != METRIC_UNKNOWN && value[METRIC_WALL_NS] != METRIC_UNKNOWN)
		FUZZ_ASSERT(value[METRIC_LOADED_NS] + value[METRIC_WAIT_NS] +
				    value[METRIC_BLOCKED_NS] ==
			    value[METRIC_WALL_NS]);
}

void forms__check_sums(const struct report *report)
{
	size_t vcpu_cnt = 0;

	for (size_t i = 0; i < report->vm_cnt; i++) {
		check_metrics(report->vms[i].metrics.value);
		vcpu_cnt += report->vms[i].vcpu_cnt;
	}
	FUZZ_ASSERT(vcpu_cnt == report->vcpu_cnt);
	for (size_t i = 0; i < report->vcpu_cnt; i++)
		check_metrics(report->vcpus[i].metrics.value);
}

/* Returns the output for the report with these options. The caller frees it. */
static char *shown_by(const struct options *opts, const struct report *report, size_t *size)
{
	struct show *show;
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	FUZZ_ASSERT(out);
	FUZZ_ASSERT(!show__new(opts, out, false, &show));
	FUZZ_ASSERT(!show__report(show, report));
	show__free(show);
	FUZZ_ASSERT(!fclose(out));
	return text;
}

static void check_text(const struct options *opts, const struct report *report, int width_max)
{
	size_t size;
	char *text = shown_by(opts, report, &size);

	shown__check_lines(text, size, width_max);
	free(text);
}

void forms__check(const struct report *report, int width_max)
{
	struct options opts = { .no_clear = true };
	size_t size;
	char *text;

	for (enum view_level level = VIEW_VMS_AND_VCPUS; level <= VIEW_VCPUS; level++) {
		opts.view = (struct view_opts){
			.level = level,
			.sorted = level == VIEW_VMS,
			.sort = COLUMN_BLOCKED,
			.row_max = level == VIEW_VCPUS ? 2 : 0,
		};
		opts.measure.histogram = false;
		check_text(&opts, report, width_max);
		opts.measure.histogram = true;
		opts.histogram_unit = (enum histogram_unit)level;
		check_text(&opts, report, width_max);
	}
	opts = (struct options){ .form = OUTPUT_CSV };
	text = shown_by(&opts, report, &size);
	shown__check_csv(text, report);
	free(text);
	opts.form = OUTPUT_JSON;
	text = shown_by(&opts, report, &size);
	shown__check_json(text, size, report);
	free(text);
}

void forms__check_metrics(const struct report *report, struct totals *totals)
{
	static const struct recording_header header = {
		.gtimehalt_version = "0",
		.kernel_release = "6.12",
		.window_hook = "fentry",
	};
	struct exposition_source source = { .totals = totals, .header = &header };
	struct exposition made = { 0 };

	FUZZ_ASSERT(!totals__add(totals, report));
	for (int i = 0; i < SCALAR_CNT; i++)
		source.scalars[i] = SCALAR_UNKNOWN;
	for (enum exposition_form form = 0; form < EXPOSITION_FORM_CNT; form++) {
		FUZZ_ASSERT(!exposition__make(&made, &source, form));
		shown__check_metrics(made.bytes, totals);
		FUZZ_ASSERT(form != EXPOSITION_OPENMETRICS ||
			    (made.size >= 7 && !strcmp(made.bytes + made.size - 7, "# EOF\n")));
	}
	exposition__free(&made);
}
