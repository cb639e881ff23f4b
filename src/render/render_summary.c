// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>
#include "render/render_summary.h"
#include "report/summary.h"
#include "text/json_text.h"
#include "text/line.h"
#include "text/stream.h"
#include "text/time_text.h"

#define NAME_WIDTH  25
#define CNT_WIDTH   7
#define ID_WIDTH    9
#define WHAT_WIDTH  6
#define VALUE_WIDTH 8
#define VALUE_SIZE  32

static const char *const value_names[] = {
	[SUMMARY_BUSY] = "busy",
	[SUMMARY_IDLE] = "idle",
	[SUMMARY_WANTED] = "wanted",
};

/* Integers, so that the locale cannot yield a comma. */
static void format_vcpus(double vcpus, char text[static VALUE_SIZE])
{
	__u64 hundredths;

	snprintf(text, VALUE_SIZE, "-");
	if (!(vcpus >= 0) || vcpus > 1e15)
		return;
	hundredths = (__u64)(vcpus * 100 + 0.5);
	snprintf(text, VALUE_SIZE, "%llu.%02llu", hundredths / 100, hundredths % 100);
}

static void add_name(const struct summary *summary, const struct vm_summary *vm, struct line *line)
{
	char number[16] = "";

	if (summary__is_one_of_several(summary, vm))
		snprintf(number, sizeof(number), "#%u", vm->instance);
	line__add_name(line, vm->name, NAME_WIDTH - (int)strlen(number), NAME_CUT_MIDDLE);
	line__add(line, number);
}

static int write_values(const struct summary *summary, const struct vm_summary *vm,
			enum summary_value value, FILE *out)
{
	struct summary_spread spread = summary__spread(vm, value);
	const double shown[] = { spread.mean, spread.p50, spread.p95, spread.max, spread.minute };
	struct line line = { 0 };
	char text[VALUE_SIZE];

	if (value == SUMMARY_BUSY) {
		add_name(summary, vm, &line);
		line__pad(&line, NAME_WIDTH);
		snprintf(text, sizeof(text), "%zu", vm->vcpu_cnt);
		line__add_right(&line, text, CNT_WIDTH);
		snprintf(text, sizeof(text), "%d", vm->pid);
		line__add_right(&line, text, ID_WIDTH - 1);
	}
	line__pad(&line, NAME_WIDTH + CNT_WIDTH + ID_WIDTH - 1);
	line__add_right(&line, value_names[value], WHAT_WIDTH);
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		format_vcpus(shown[i], text);
		line__add_right(&line, text, VALUE_WIDTH - 1);
	}
	return line__write(&line, out);
}

static int write_advice(const struct summary *summary, const struct vm_summary *vm, FILE *out)
{
	struct summary_spread wanted = summary__spread(vm, SUMMARY_WANTED);
	size_t enough = summary__enough_vcpus(vm);
	struct line line = { 0 };
	char text[160], p95[VALUE_SIZE], length[TIME_TEXT_SIZE];
	int err;

	line__add(&line, "# ");
	add_name(summary, vm, &line);
	format_vcpus(wanted.p95, p95);
	if (!enough)
		snprintf(text, sizeof(text), ": nothing is known of what it wanted");
	else if (enough < vm->vcpu_cnt)
		snprintf(
			text, sizeof(text),
			": wanted %s of %zu vCPUs at p95; %zu would be enough for 99 %% of the time",
			p95, vm->vcpu_cnt, enough);
	else
		snprintf(text, sizeof(text), ": wanted %s of %zu vCPU%s at p95; none is too many",
			 p95, vm->vcpu_cnt, vm->vcpu_cnt == 1 ? "" : "s");
	line__add(&line, text);
	err = line__write(&line, out);
	if (err || !wanted.unknown_ns || !enough)
		return err;
	time_text__length(wanted.unknown_ns, length);
	return fprintf(out, "#   not counted, because its idle time is unknown: %s\n", length) < 0
		       ? -errno
		       : 0;
}

static int write_heading(const struct summary *summary, FILE *out)
{
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE], length[TIME_TEXT_SIZE];
	__u64 length_ns = summary->end.mono_ns - summary->begin.mono_ns;

	time_text__clock(summary->begin.real_ns, from);
	time_text__clock(summary->end.real_ns, to);
	time_text__length(length_ns, length);
	if (fprintf(out, "%s to %s, %s in %zu interval%s; values in vCPUs\n", from, to, length,
		    summary->interval_cnt, summary->interval_cnt == 1 ? "" : "s") < 0)
		return -errno;
	return fprintf(out, "%-*s%*s%*s%*s%*s%*s%*s%*s%*s\n", NAME_WIDTH, "VM", CNT_WIDTH, "vCPUs",
		       ID_WIDTH - 1, "PID", WHAT_WIDTH, "", VALUE_WIDTH - 1, "MEAN",
		       VALUE_WIDTH - 1, "P50", VALUE_WIDTH - 1, "P95", VALUE_WIDTH - 1, "MAX",
		       VALUE_WIDTH - 1, "MINUTE") < 0
		       ? -errno
		       : 0;
}

int render__summary(const struct summary *summary, FILE *out)
{
	int err = write_heading(summary, out);

	for (size_t i = 0; i < summary->vm_cnt && !err; i++) {
		err = write_values(summary, &summary->vms[i], SUMMARY_BUSY, out);
		if (!err)
			err = write_values(summary, &summary->vms[i], SUMMARY_IDLE, out);
	}
	for (size_t i = 0; i < summary->vm_cnt && !err; i++)
		err = write_advice(summary, &summary->vms[i], out);
	return err ? err : stream__flush(out);
}

static void add_spread(struct json_text *text, const struct vm_summary *vm,
		       enum summary_value value)
{
	struct summary_spread spread = summary__spread(vm, value);

	json_text__open(text, value_names[value], '{');
	json_text__add_decimal(text, "mean", spread.mean);
	json_text__add_decimal(text, "p50", spread.p50);
	json_text__add_decimal(text, "p95", spread.p95);
	json_text__add_decimal(text, "max", spread.max);
	json_text__add_decimal(text, "worst_minute", spread.minute);
	json_text__add_u64(text, "unknown_ns", spread.unknown_ns);
	json_text__close(text, '}');
}

static void add_time(struct json_text *text, const char *key, __u64 real_ns)
{
	char time[TIME_TEXT_SIZE];

	time_text__rfc3339(real_ns, time);
	json_text__add(text, key, json_object_new_string(time));
}

static void add_vm(struct json_text *text, const struct vm_summary *vm)
{
	size_t enough = summary__enough_vcpus(vm);

	json_text__open(text, NULL, '{');
	json_text__add_u64(text, "pid", (__u64)vm->pid);
	json_text__add_u64(text, "instance", vm->instance);
	json_text__add_name(text, "name", vm->name);
	json_text__add_u64(text, "vcpu_count", vm->vcpu_cnt);
	json_text__add_u64(text, "intervals", vm->sample_cnt);
	for (int value = 0; value < SUMMARY_VALUE_CNT; value++)
		add_spread(text, vm, value);
	if (enough)
		json_text__add_u64(text, "enough_vcpus",
				   enough < vm->vcpu_cnt ? enough : vm->vcpu_cnt);
	else
		json_text__add_null(text, "enough_vcpus");
	json_text__close(text, '}');
}

int render__summary_json(const struct summary *summary, FILE *out)
{
	struct json_text text = { 0 };
	int err;

	json_text__open(&text, NULL, '{');
	json_text__add(&text, "kind", json_object_new_string("summary"));
	json_text__add_u64(&text, "schema", 1);
	add_time(&text, "from", summary->begin.real_ns);
	add_time(&text, "to", summary->end.real_ns);
	json_text__add_u64(&text, "length_ns", summary->end.mono_ns - summary->begin.mono_ns);
	json_text__add_u64(&text, "intervals", summary->interval_cnt);
	json_text__open(&text, "vms", '[');
	for (size_t i = 0; i < summary->vm_cnt; i++)
		add_vm(&text, &summary->vms[i]);
	json_text__close(&text, ']');
	json_text__close(&text, '}');
	err = json_text__write(&text, out);
	json_text__free(&text);
	return err ? err : stream__flush(out);
}
