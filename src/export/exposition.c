// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "export/exposition_families.h"
#include "export/exposition.h"
#include "export/exposition_writer.h"
#include "export/totals.h"
#include "recording/recording.h"
#include "report/columns.h"
#include "text/stream.h"

static void label_vm(struct exposition_writer *w, const struct vm_total *vm)
{
	exposition_writer__number_label(w, "pid", (__u64)vm->total.pid);
	exposition_writer__label(w, "vm", vm->name);
}

static void write_vcpus(struct exposition_writer *w, const struct totals *totals,
			enum metric metric)
{
	for (size_t i = 0; i < totals__vcpu_cnt(totals); i++) {
		const struct total *vcpu = totals__vcpu(totals, i);
		const struct vm_total *vm;

		if (vcpu->sums.value[metric] == METRIC_UNKNOWN)
			continue;
		vm = totals__vm_of(totals, vcpu);
		if (!vm)
			continue;
		exposition_writer__sample(w, NULL);
		label_vm(w, vm);
		exposition_writer__number_label(w, "vcpu", vcpu->vcpu_id);
		exposition_writer__value(w, vcpu->sums.value[metric]);
	}
}

static void write_vms(struct exposition_writer *w, const struct totals *totals, enum metric metric)
{
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		const struct vm_total *vm = totals__vm(totals, i);

		if (vm->total.sums.value[metric] == METRIC_UNKNOWN)
			continue;
		exposition_writer__sample(w, NULL);
		label_vm(w, vm);
		exposition_writer__value(w, vm->total.sums.value[metric]);
	}
}

static void write_scalar(struct exposition_writer *w, const struct family *family, __u64 value)
{
	if (value == SCALAR_UNKNOWN)
		return;
	exposition_writer__family(w, family);
	exposition_writer__sample(w, NULL);
	exposition_writer__value(w, value);
}

static void write_metric(struct exposition_writer *w, const struct totals *totals,
			 enum family_level level, const struct metric_def *def)
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
	exposition_writer__family(w, &family);
	if (level == LEVEL_VM)
		write_vms(w, totals, def->metric);
	else if (!def->not_of_vcpus)
		write_vcpus(w, totals, def->metric);
}

static void write_metrics(struct exposition_writer *w, const struct totals *totals)
{
	for (enum family_level level = 0; level < LEVEL_CNT; level++) {
		for (size_t i = 0; i < METRIC_DEF_CNT; i++)
			write_metric(w, totals, level, &metric_defs[i]);
	}
}

static void write_bucket(struct exposition_writer *w, const struct vm_total *vm, unsigned int bound,
			 __u64 cnt)
{
	char le[32] = "+Inf";

	/* %.12g is exact for these bounds, and the shortest way to write them. */
	if (bound < TOTALS_BOUND_CNT)
		snprintf(le, sizeof(le), "%.12g", (double)totals__stint_bound_ns(bound) / 1e9);
	exposition_writer__sample(w, "_bucket");
	label_vm(w, vm);
	exposition_writer__label(w, "le", le);
	exposition_writer__count(w, cnt);
}

static void write_histogram(struct exposition_writer *w, const struct vm_total *vm)
{
	__u64 cnt = 0;

	for (unsigned int i = 0; i <= TOTALS_BOUND_CNT; i++) {
		cnt += vm->stints.cnt[i];
		write_bucket(w, vm, i, cnt);
	}
	exposition_writer__sample(w, "_count");
	label_vm(w, vm);
	exposition_writer__count(w, cnt);
	exposition_writer__sample(w, "_sum");
	label_vm(w, vm);
	exposition_writer__value(w, vm->stints.halted_ns);
}

static void write_about_vms(struct exposition_writer *w, const struct totals *totals)
{
	exposition_writer__family(w, &stints_family);
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		if (totals__vm(totals, i)->stints.known)
			write_histogram(w, totals__vm(totals, i));
	}
	exposition_writer__family(w, &vm_info_family);
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		exposition_writer__sample(w, NULL);
		label_vm(w, totals__vm(totals, i));
		exposition_writer__count(w, 1);
	}
	exposition_writer__family(w, &vcpus_family);
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		const struct vm_total *vm = totals__vm(totals, i);

		exposition_writer__sample(w, NULL);
		label_vm(w, vm);
		exposition_writer__count(w, vm->total.seen ? vm->vcpu_cnt : 0);
	}
	/* Unknown before the first report, which needs two snapshots. */
	write_scalar(w, &vms_family,
		     totals->mperf_ratio > 0 ? totals__live_vm_cnt(totals) : SCALAR_UNKNOWN);
}

static void write_info(struct exposition_writer *w, const struct recording_header *header)
{
	exposition_writer__family(w, &info_family);
	exposition_writer__sample(w, NULL);
	exposition_writer__label(w, "version", header->gtimehalt_version);
	exposition_writer__label(w, "mode", mode__name(header->mode));
	exposition_writer__label(w, "window_hook", header->window_hook);
	exposition_writer__label(w, "stint_hook", header->stint_hook);
	exposition_writer__label(w, "kernel", header->kernel_release);
	exposition_writer__count(w, 1);
}

static void write_programs(struct exposition_writer *w, const struct exposition_source *source)
{
	exposition_writer__family(w, &run_family);
	for (size_t i = 0; i < source->program_cnt; i++) {
		exposition_writer__sample(w, NULL);
		exposition_writer__label(w, "program", source->programs[i].name);
		exposition_writer__value(w, source->programs[i].run_ns);
	}
	exposition_writer__family(w, &runs_family);
	for (size_t i = 0; i < source->program_cnt; i++) {
		exposition_writer__sample(w, NULL);
		exposition_writer__label(w, "program", source->programs[i].name);
		exposition_writer__count(w, source->programs[i].run_cnt);
	}
}

/* Writes the metrics about this program. */
static void write_about_us(struct exposition_writer *w, const struct exposition_source *source)
{
	write_info(w, source->header);
	if (source->totals->mperf_ratio > 0) {
		exposition_writer__family(w, &ratio_family);
		exposition_writer__sample(w, NULL);
		exposition_writer__ratio(w, source->totals->mperf_ratio);
	}
	for (size_t i = 0; i < FAILURE_CNT; i++)
		write_scalar(w, &failure_families[i], failure_cnt(&source->totals->health, i));
	exposition_writer__family(w, &scrapes_family);
	for (size_t i = 0; i < source->scrape_code_cnt; i++) {
		exposition_writer__sample(w, NULL);
		exposition_writer__number_label(w, "code", source->scrapes[i].code);
		exposition_writer__count(w, source->scrapes[i].cnt);
	}
	write_programs(w, source);
	for (size_t i = 0; i < SCALAR_CNT; i++)
		write_scalar(w, &scalar_families[i], source->scalars[i]);
}

int exposition__write(const struct exposition_source *source, enum exposition_form form, FILE *out)
{
	struct exposition_writer writer = { .out = out, .form = form };

	write_metrics(&writer, source->totals);
	write_about_vms(&writer, source->totals);
	write_about_us(&writer, source);
	exposition_writer__end(&writer);
	return stream__flush(out);
}

int exposition__make(struct exposition *text, const struct exposition_source *source,
		     enum exposition_form form)
{
	int err;

	if (!text->out)
		text->out = open_memstream(&text->bytes, &text->size);
	if (!text->out)
		return -errno;
	rewind(text->out);
	err = exposition__write(source, form, text->out);
	if (!err)
		err = putc('\0', text->out) == EOF ? -ENOMEM : stream__flush(text->out);
	if (err)
		exposition__free(text);
	return err;
}

void exposition__free(struct exposition *text)
{
	if (text->out)
		fclose(text->out);
	free(text->bytes);
	*text = (struct exposition){ 0 };
}
