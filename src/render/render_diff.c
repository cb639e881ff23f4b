// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>
#include "render/render_diff.h"
#include "report/diff.h"
#include "report/timeline.h"
#include "text/json_text.h"
#include "text/line.h"
#include "text/stream.h"
#include "text/time_text.h"

#define NAME_WIDTH  18
#define CNT_WIDTH   6
#define ID_WIDTH    9
#define SHARE_WIDTH 7

static const char *const run_names[] = { [DIFF_BEFORE] = "before", [DIFF_AFTER] = "after" };
static const char *const verdict_marks[] = {
	[DIFF_UNKNOWN] = "?",
	[DIFF_WITHIN] = " ",
	[DIFF_EXCEEDS] = "*",
};
static const char *const share_names[] = {
	[DIFF_IDLE] = "idle", [DIFF_HALTED] = "halted", [DIFF_BUSY] = "busy",
	[DIFF_HOST] = "host", [DIFF_WAIT] = "wait",
};
static const char *const headings[] = {
	[DIFF_IDLE] = "IDLE%", [DIFF_HALTED] = "HALTED%", [DIFF_BUSY] = "BUSY%",
	[DIFF_HOST] = "HOST%", [DIFF_WAIT] = "WAIT%",
};

/*
 * Adds a number of per cent with one decimal, or "-", and a mark behind it. sign: what to write in
 * front of a value that is not negative. Integers, so that the locale cannot yield a comma.
 */
static void add_pct(struct line *line, double pct, const char *sign, const char *mark)
{
	char text[32] = "-";
	long long tenths;

	if (pct > -1e6 && pct < 1e6) {
		tenths = (long long)(pct * 10 + (pct < 0 ? -0.5 : 0.5));
		snprintf(text, sizeof(text), "%s%lld.%lld",
			 tenths < 0 ? "-"
			 : tenths   ? sign
				    : "",
			 (tenths < 0 ? -tenths : tenths) / 10,
			 (tenths < 0 ? -tenths : tenths) % 10);
	}
	line__add_right(line, text, SHARE_WIDTH);
	line__add(line, mark);
}

/* Adds the name, with a number if a process has several VMs. */
static void add_name(const struct diff *diff, const struct diff_vm *vm, struct line *line)
{
	char number[16] = "";
	const struct timeline_vm *any = NULL;

	for (int i = 0; i < DIFF_RUN_CNT; i++) {
		if (!vm->vms[i])
			continue;
		any = vm->vms[i];
		if (timeline__is_one_of_several(diff->runs[i], any))
			snprintf(number, sizeof(number), "#%u", any->instance);
	}
	line__add_name(line, any->name, NAME_WIDTH - (int)strlen(number), NAME_CUT_MIDDLE);
	line__add(line, number);
}

static int write_run(const struct timeline_vm *vm, enum diff_run run,
		     const struct diff_value *values, struct line *line, FILE *out)
{
	char text[32];

	line__pad(line, NAME_WIDTH);
	if (vm) {
		snprintf(text, sizeof(text), "%zu", vm->vcpu_max);
		line__add_right(line, text, CNT_WIDTH);
		snprintf(text, sizeof(text), "%d", vm->pid);
		line__add_right(line, text, ID_WIDTH - 1);
	}
	line__pad(line, NAME_WIDTH + CNT_WIDTH + ID_WIDTH);
	line__add(line, run_names[run]);
	line__pad(line, NAME_WIDTH + CNT_WIDTH + ID_WIDTH + 6);
	if (!vm)
		line__add(line, "  not in this recording");
	for (int share = 0; vm && share < DIFF_SHARE_CNT; share++)
		add_pct(line, values[share].mean_pct[run], "",
			share + 1 < DIFF_SHARE_CNT ? " " : "");
	return line__write(line, out);
}

static int write_difference(const struct diff_value *values, FILE *out)
{
	struct line line = { 0 };

	line__pad(&line, NAME_WIDTH + CNT_WIDTH + ID_WIDTH);
	line__add(&line, "change");
	for (int share = 0; share < DIFF_SHARE_CNT; share++) {
		const struct diff_value *value = &values[share];
		bool is_known = value->difference_pct == value->difference_pct;
		const char *mark = is_known ? verdict_marks[value->verdict] : " ";

		add_pct(&line, value->difference_pct, "+",
			*mark == ' ' && share + 1 == DIFF_SHARE_CNT ? "" : mark);
	}
	return line__write(&line, out);
}

static int write_vm(const struct diff *diff, const struct diff_vm *vm, FILE *out)
{
	struct diff_value values[DIFF_SHARE_CNT];
	struct line line = { 0 };
	int err = 0;

	for (int share = 0; share < DIFF_SHARE_CNT; share++)
		values[share] = diff__value(diff, vm, share);
	add_name(diff, vm, &line);
	for (int run = 0; run < DIFF_RUN_CNT && !err; run++) {
		err = write_run(vm->vms[run], run, values, &line, out);
		line = (struct line){ 0 };
	}
	return err || !vm->vms[DIFF_BEFORE] || !vm->vms[DIFF_AFTER] ? err
								    : write_difference(values, out);
}

/* Says for which part of a VM's time a share is unknown, which its mean leaves out. */
static int write_unknown(const struct diff *diff, const struct diff_vm *vm, FILE *out)
{
	int err = 0;

	for (int i = 0; i < DIFF_RUN_CNT * DIFF_SHARE_CNT && !err; i++) {
		int share = i / DIFF_RUN_CNT, run = i % DIFF_RUN_CNT;
		struct diff_value value = diff__value(diff, vm, share);
		struct line line = { 0 };

		if (!(value.unknown_pct[run] > 0 && value.unknown_pct[run] < 100))
			continue;
		line__add(&line, "# ");
		add_name(diff, vm, &line);
		line__add(&line, ", ");
		line__add(&line, run_names[run]);
		line__add(&line, ": time that is not counted, because its ");
		line__add(&line, share_names[share]);
		line__add(&line, " is unknown:");
		add_pct(&line, value.unknown_pct[run], "", " %");
		err = line__write(&line, out);
	}
	return err;
}

static int write_heading(const struct diff *diff, FILE *out)
{
	struct line line = { 0 };
	int err = 0;

	for (int i = 0; i < DIFF_RUN_CNT && !err; i++) {
		const struct timeline *run = diff->runs[i];
		char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE], length[TIME_TEXT_SIZE];

		time_text__local(run->begin.real_ns, from);
		time_text__local(run->end.real_ns, to);
		time_text__length(run->end.mono_ns - run->begin.mono_ns, length);
		if (fprintf(out, "%-6s %s to %s, %s in %zu interval%s\n", run_names[i], from, to,
			    length, run->interval_cnt, run->interval_cnt == 1 ? "" : "s") < 0)
			err = -errno;
	}
	if (err)
		return err;
	line__add(&line, "VM");
	line__pad(&line, NAME_WIDTH);
	line__add_right(&line, "vCPUs", CNT_WIDTH);
	line__add_right(&line, "PID", ID_WIDTH - 1);
	line__pad(&line, NAME_WIDTH + CNT_WIDTH + ID_WIDTH + 6);
	for (int share = 0; share < DIFF_SHARE_CNT; share++) {
		line__add_right(&line, headings[share], SHARE_WIDTH);
		line__add(&line, share + 1 < DIFF_SHARE_CNT ? " " : "");
	}
	return line__write(&line, out);
}

int render__diff(const struct diff *diff, FILE *out)
{
	int err = write_heading(diff, out);

	for (size_t i = 0; i < diff->vm_cnt && !err; i++)
		err = write_vm(diff, &diff->vms[i], out);
	if (!err)
		err = stream__put(out,
				  "# *: a difference above the variation within the recordings; "
				  "?: variation unknown\n");
	for (size_t i = 0; i < diff->vm_cnt && !err; i++)
		err = write_unknown(diff, &diff->vms[i], out);
	for (int i = 0; i < DIFF_RUN_CNT && !err; i++) {
		if (diff->runs[i]->left_out_cnt &&
		    fprintf(out, "# %s: VMs left out, too many: %zu\n", run_names[i],
			    diff->runs[i]->left_out_cnt) < 0)
			err = -errno;
	}
	return err ? err : stream__flush(out);
}

static void add_time(struct json_text *text, const char *key, __u64 real_ns)
{
	char time[TIME_TEXT_SIZE];

	time_text__rfc3339(real_ns, time);
	json_text__add(text, key, json_object_new_string(time));
}

static void add_share(struct json_text *text, const char *name, const struct diff_value *value)
{
	json_text__open(text, name, '{');
	json_text__add_decimal(text, "before_pct", value->mean_pct[DIFF_BEFORE]);
	json_text__add_decimal(text, "after_pct", value->mean_pct[DIFF_AFTER]);
	json_text__add_decimal(text, "difference_pct", value->difference_pct);
	json_text__add_decimal(text, "variation_pct", value->variation_pct);
	if (value->verdict == DIFF_UNKNOWN)
		json_text__add_null(text, "exceeds");
	else
		json_text__add(text, "exceeds",
			       json_object_new_boolean(value->verdict == DIFF_EXCEEDS));
	json_text__add_decimal(text, "before_unknown_pct", value->unknown_pct[DIFF_BEFORE]);
	json_text__add_decimal(text, "after_unknown_pct", value->unknown_pct[DIFF_AFTER]);
	json_text__close(text, '}');
}

static void add_vm(struct json_text *text, const struct diff *diff, const struct diff_vm *vm)
{
	json_text__open(text, NULL, '{');
	json_text__add_name(text, "name",
			    vm->vms[vm->vms[DIFF_BEFORE] ? DIFF_BEFORE : DIFF_AFTER]->name);
	for (int run = 0; run < DIFF_RUN_CNT; run++) {
		const struct timeline_vm *in_run = vm->vms[run];

		if (!in_run) {
			json_text__add_null(text, run_names[run]);
			continue;
		}
		json_text__open(text, run_names[run], '{');
		json_text__add_u64(text, "pid", (__u64)in_run->pid);
		json_text__add_u64(text, "instance", in_run->instance);
		json_text__add_u64(text, "vcpu_count", in_run->vcpu_max);
		json_text__close(text, '}');
	}
	for (int share = 0; share < DIFF_SHARE_CNT; share++) {
		struct diff_value value = diff__value(diff, vm, share);

		add_share(text, share_names[share], &value);
	}
	json_text__close(text, '}');
}

int render__diff_json(const struct diff *diff, FILE *out)
{
	struct json_text text = { 0 };
	int err;

	json_text__open(&text, NULL, '{');
	json_text__add(&text, "kind", json_object_new_string("diff"));
	json_text__add_u64(&text, "schema", 1);
	for (int i = 0; i < DIFF_RUN_CNT; i++) {
		const struct timeline *run = diff->runs[i];

		json_text__open(&text, run_names[i], '{');
		add_time(&text, "from", run->begin.real_ns);
		add_time(&text, "to", run->end.real_ns);
		json_text__add_u64(&text, "length_ns", run->end.mono_ns - run->begin.mono_ns);
		json_text__add_u64(&text, "intervals", run->interval_cnt);
		json_text__add_u64(&text, "left_out", run->left_out_cnt);
		json_text__close(&text, '}');
	}
	json_text__open(&text, "vms", '[');
	for (size_t i = 0; i < diff->vm_cnt; i++)
		add_vm(&text, diff, &diff->vms[i]);
	json_text__close(&text, ']');
	json_text__close(&text, '}');
	err = json_text__write(&text, out);
	json_text__free(&text);
	return err ? err : stream__flush(out);
}
