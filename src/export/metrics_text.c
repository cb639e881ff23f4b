// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "export/metrics_families.h"
#include "export/metrics_text.h"
#include "export/metrics_writer.h"
#include "export/totals.h"
#include "recording/recording.h"
#include "report/columns.h"
#include "text/stream.h"

static void label_vm(struct metrics_writer *w, const struct vm_total *vm)
{
	metrics_writer__number_label(w, "pid", (__u64)vm->total.pid);
	metrics_writer__label(w, "vm", vm->name);
}

static void write_vcpus(struct metrics_writer *w, const struct totals *totals, enum metric metric)
{
	for (size_t i = 0; i < totals__vcpu_cnt(totals); i++) {
		const struct total *vcpu = totals__vcpu(totals, i);
		const struct vm_total *vm;

		if (vcpu->sums.value[metric] == METRIC_UNKNOWN)
			continue;
		vm = totals__vm_of(totals, vcpu);
		if (!vm)
			continue;
		metrics_writer__sample(w, NULL);
		label_vm(w, vm);
		metrics_writer__number_label(w, "vcpu", vcpu->vcpu_id);
		metrics_writer__value(w, vcpu->sums.value[metric]);
	}
}

static void write_vms(struct metrics_writer *w, const struct totals *totals, enum metric metric)
{
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		const struct vm_total *vm = totals__vm(totals, i);

		if (vm->total.sums.value[metric] == METRIC_UNKNOWN)
			continue;
		metrics_writer__sample(w, NULL);
		label_vm(w, vm);
		metrics_writer__value(w, vm->total.sums.value[metric]);
	}
}

static void write_scalar(struct metrics_writer *w, const struct family *family, __u64 value)
{
	if (value == SCALAR_UNKNOWN)
		return;
	metrics_writer__family(w, family);
	metrics_writer__sample(w, NULL);
	metrics_writer__value(w, value);
}

static void write_metric(struct metrics_writer *w, const struct totals *totals,
			 enum metrics_level level, const struct metric_def *def)
{
	const struct family family = {
		.prefix = level_defs[level].prefix,
		.name = def->name,
		.unit = def->unit,
		.help = { def->help, level_defs[level].whose },
		.type = FAMILY_COUNTER,
	};

	if (level == LEVEL_NODE) {
		write_scalar(w, &family, totals->node.value[def->metric]);
		return;
	}
	metrics_writer__family(w, &family);
	if (level == LEVEL_VM)
		write_vms(w, totals, def->metric);
	else if (!def->not_of_vcpus)
		write_vcpus(w, totals, def->metric);
}

static void write_metrics(struct metrics_writer *w, const struct totals *totals)
{
	for (enum metrics_level level = 0; level < LEVEL_CNT; level++) {
		for (size_t i = 0; i < METRIC_DEF_CNT; i++)
			write_metric(w, totals, level, &metric_defs[i]);
	}
}

static void write_bucket(struct metrics_writer *w, const struct vm_total *vm, unsigned int bound,
			 __u64 cnt)
{
	char le[32] = "+Inf";

	/* %.12g is exact for these bounds, and the shortest way to write them. */
	if (bound < TOTALS_BOUND_CNT)
		snprintf(le, sizeof(le), "%.12g", (double)totals__stint_bound_ns(bound) / 1e9);
	metrics_writer__sample(w, "_bucket");
	label_vm(w, vm);
	metrics_writer__label(w, "le", le);
	metrics_writer__count(w, cnt);
}

static void write_histogram(struct metrics_writer *w, const struct vm_total *vm)
{
	__u64 cnt = 0;

	for (unsigned int i = 0; i <= TOTALS_BOUND_CNT; i++) {
		cnt += vm->stints.cnt[i];
		write_bucket(w, vm, i, cnt);
	}
	metrics_writer__sample(w, "_count");
	label_vm(w, vm);
	metrics_writer__count(w, cnt);
	metrics_writer__sample(w, "_sum");
	label_vm(w, vm);
	metrics_writer__value(w, vm->stints.halted_ns);
}

static void write_about_vms(struct metrics_writer *w, const struct totals *totals)
{
	metrics_writer__family(w, &stints_family);
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		if (totals__vm(totals, i)->stints.known)
			write_histogram(w, totals__vm(totals, i));
	}
	metrics_writer__family(w, &vm_info_family);
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		metrics_writer__sample(w, NULL);
		label_vm(w, totals__vm(totals, i));
		metrics_writer__count(w, 1);
	}
	metrics_writer__family(w, &vcpus_family);
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		const struct vm_total *vm = totals__vm(totals, i);

		metrics_writer__sample(w, NULL);
		label_vm(w, vm);
		metrics_writer__count(w, vm->total.seen ? vm->vcpu_cnt : 0);
	}
	/* Unknown before the first report, which needs two snapshots. */
	write_scalar(w, &vms_family,
		     totals->mperf_ratio > 0 ? totals__live_vm_cnt(totals) : SCALAR_UNKNOWN);
}

static void write_info(struct metrics_writer *w, const struct recording_header *header)
{
	metrics_writer__family(w, &info_family);
	metrics_writer__sample(w, NULL);
	metrics_writer__label(w, "version", header->gtimehalt_version);
	metrics_writer__label(w, "mode", mode__name(header->mode));
	metrics_writer__label(w, "window_hook", header->window_hook);
	metrics_writer__label(w, "stint_hook", header->stint_hook);
	metrics_writer__label(w, "kernel", header->kernel_release);
	metrics_writer__count(w, 1);
}

static void write_programs(struct metrics_writer *w, const struct metrics_source *source)
{
	metrics_writer__family(w, &run_family);
	for (size_t i = 0; i < source->program_cnt; i++) {
		metrics_writer__sample(w, NULL);
		metrics_writer__label(w, "program", source->programs[i].name);
		metrics_writer__value(w, source->programs[i].run_ns);
	}
	metrics_writer__family(w, &runs_family);
	for (size_t i = 0; i < source->program_cnt; i++) {
		metrics_writer__sample(w, NULL);
		metrics_writer__label(w, "program", source->programs[i].name);
		metrics_writer__count(w, source->programs[i].run_cnt);
	}
}

/* Writes the metrics about this program. */
static void write_about_us(struct metrics_writer *w, const struct metrics_source *source)
{
	write_info(w, source->header);
	if (source->totals->mperf_ratio > 0) {
		metrics_writer__family(w, &ratio_family);
		metrics_writer__sample(w, NULL);
		metrics_writer__ratio(w, source->totals->mperf_ratio);
	}
	for (size_t i = 0; i < FAILURE_CNT; i++)
		write_scalar(w, &failure_families[i], failure_cnt(&source->totals->health, i));
	metrics_writer__family(w, &scrapes_family);
	for (size_t i = 0; i < source->scrape_code_cnt; i++) {
		metrics_writer__sample(w, NULL);
		metrics_writer__number_label(w, "code", source->scrapes[i].code);
		metrics_writer__count(w, source->scrapes[i].cnt);
	}
	write_programs(w, source);
	for (size_t i = 0; i < SCALAR_CNT; i++)
		write_scalar(w, &scalar_families[i], source->scalars[i]);
}

int metrics_text__write(const struct metrics_source *source, enum metrics_form form, FILE *out)
{
	struct metrics_writer writer = { .out = out, .form = form };

	write_metrics(&writer, source->totals);
	write_about_vms(&writer, source->totals);
	write_about_us(&writer, source);
	metrics_writer__end(&writer);
	return stream__flush(out);
}

int metrics_text__make(struct metrics_text *text, const struct metrics_source *source,
		       enum metrics_form form)
{
	int err;

	if (!text->out)
		text->out = open_memstream(&text->bytes, &text->size);
	if (!text->out)
		return -errno;
	rewind(text->out);
	err = metrics_text__write(source, form, text->out);
	if (!err)
		err = putc('\0', text->out) == EOF ? -ENOMEM : stream__flush(text->out);
	if (err)
		metrics_text__free(text);
	return err;
}

void metrics_text__free(struct metrics_text *text)
{
	if (text->out)
		fclose(text->out);
	free(text->bytes);
	*text = (struct metrics_text){ 0 };
}
