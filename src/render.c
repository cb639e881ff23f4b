// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "render.h"
#include "utf8.h"

#define TABLE_WIDTH 79
#define TID_WIDTH   7 /* PID_MAX_LIMIT is 2^22 */
#define GAP         2
#define NS_PER_S    1000000000ULL

/* A glyph of several combining characters has no bound; longer names are cut here. */
#define NAME_SIZE 256

/* Of the "schema" member: goes up when a member changes its meaning or is taken away. */
#define JSON_SCHEMA 1

enum column {
	COLUMN_HALTED,
	COLUMN_LOADED,
	COLUMN_GUEST,
	COLUMN_BUSY,
	COLUMN_HOST,
	COLUMN_WAIT,
	COLUMN_BLOCKED,
	COLUMN_ENTRIES,
	COLUMN_WALL,
	COLUMN_CLAMPED,
	COLUMN_UNMEASURED,
	COLUMN_CNT,
};

enum unit {
	UNIT_SHARE, /* per cent of wall time */
	UNIT_RATE,  /* per second of the interval */
};

#define IN_ENTRY  (1U << MODE_ENTRY)
#define IN_SWITCH (1U << MODE_SWITCH)
#define IN_BOTH   (IN_ENTRY | IN_SWITCH)

/* JSON has all columns in this order, the table those that have a heading and are in its mode. */
static const struct {
	const char *key;
	const char *heading;
	int width;
	enum unit unit;
	enum metric metric;
	unsigned int modes;
} columns[COLUMN_CNT] = {
	[COLUMN_HALTED] = { "halted_ns", "HALTED%", 7, UNIT_SHARE, METRIC_HALTED_NS, IN_BOTH },
	[COLUMN_LOADED] = { "loaded_ns", "LOADED%", 7, UNIT_SHARE, METRIC_LOADED_NS, IN_SWITCH },
	[COLUMN_GUEST] = { "guest_ns", .metric = METRIC_GUEST_NS },
	[COLUMN_BUSY] = { "busy_ns", "BUSY%", 5, UNIT_SHARE, METRIC_BUSY_NS, IN_ENTRY },
	[COLUMN_HOST] = { "host_ns", "HOST%", 5, UNIT_SHARE, METRIC_HOST_NS, IN_ENTRY },
	[COLUMN_WAIT] = { "wait_ns", "WAIT%", 5, UNIT_SHARE, METRIC_WAIT_NS, IN_BOTH },
	[COLUMN_BLOCKED] = { "blocked_ns", "BLOCK%", 6, UNIT_SHARE, METRIC_BLOCKED_NS, IN_BOTH },
	[COLUMN_ENTRIES] = { "entries", "ENTRIES/s", 9, UNIT_RATE, METRIC_ENTRY_CNT, IN_ENTRY },
	[COLUMN_WALL] = { "wall_ns", .metric = METRIC_WALL_NS },
	[COLUMN_CLAMPED] = { "clamped_ns", .metric = METRIC_CLAMPED_NS },
	[COLUMN_UNMEASURED] = { "unmeasured_ns", .metric = METRIC_UNMEASURED_NS },
};
_Static_assert((int)COLUMN_CNT == (int)METRIC_CNT, "every metric has its column");

static const struct {
	const char *key;
	const char *notice; /* in front of the count */
	size_t offset;
} failures[] = {
	{ "lost_windows", "windows lost, their time is missing",
	  offsetof(struct health, lost_window_cnt) },
	{ "mperf_errors", "MPERF reads failed", offsetof(struct health, mperf_error_cnt) },
	{ "map_full", "windows of vCPUs for which there was no room",
	  offsetof(struct health, map_full_cnt) },
	{ "torn_readings", "vCPU readings torn and left out",
	  offsetof(struct health, torn_reading_cnt) },
};
#define FAILURE_CNT (sizeof(failures) / sizeof(failures[0]))

static __u64 failure_cnt(const struct health *health, size_t failure)
{
	return *(const __u64 *)((const char *)health + failures[failure].offset);
}

static const char *mode_name(enum measure_mode mode)
{
	return mode == MODE_ENTRY ? "entry" : "switch";
}

/* Table */

/* One line of the table. Callers keep to TABLE_WIDTH columns and, of a name, NAME_SIZE bytes. */
struct line {
	char text[NAME_SIZE + TABLE_WIDTH + sizeof("\n")];
	size_t len;
	int width; /* in terminal columns */
};

static void line__add(struct line *line, const char *bytes, size_t len, int width)
{
	memcpy(line->text + line->len, bytes, len);
	line->len += len;
	line->width += width;
}

static void line__pad(struct line *line, int width)
{
	while (line->width < width)
		line__add(line, " ", 1, 1);
}

/* Adds a text of ASCII, right-aligned behind a gap. */
static void line__add_right(struct line *line, const char *text, int width)
{
	size_t len = strlen(text);

	line__pad(line, line->width + GAP + width - (int)len);
	line__add(line, text, len, len);
}

/* Adds a name, with a "~" in place of its end when it is wider than that. */
static void line__add_name(struct line *line, const char *name, int width)
{
	const char *rest = name;
	int full_width = 0;
	int end;

	while (*rest)
		full_width += utf8__next_glyph(&rest).width;
	end = line->width + (full_width > width ? width - 1 : width);
	while (*name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		if (line->width + glyph.width > end || line->len + glyph.len > NAME_SIZE)
			break;
		line__add(line, glyph.bytes, glyph.len, glyph.width);
	}
	if (full_width > width)
		line__add(line, "~", 1, 1);
}

static int line__write(struct line *line, FILE *out)
{
	line->text[line->len] = '\n';
	line->text[line->len + 1] = '\0';
	return fputs(line->text, out) < 0 ? -errno : 0;
}

static bool is_shown(enum column column, enum measure_mode mode)
{
	return columns[column].modes & 1U << mode;
}

/* What the other columns leave of the width. */
static int name_width(enum measure_mode mode)
{
	int width = TABLE_WIDTH - GAP - TID_WIDTH;

	for (int i = 0; i < COLUMN_CNT; i++) {
		if (is_shown(i, mode))
			width -= GAP + columns[i].width;
	}
	return width;
}

static __u64 divide_rounded(__u64 value, __u64 factor, __u64 divisor)
{
	unsigned __int128 quotient = ((unsigned __int128)value * factor + divisor / 2) / divisor;

	return quotient > UINT64_MAX ? UINT64_MAX : quotient;
}

/* In integers: no rounding makes 100.1, and no locale a comma. */
static void add_cell(struct line *line, enum column column, const struct metrics *metrics,
		     const struct report *report)
{
	__u64 value = metrics->value[columns[column].metric];
	__u64 wall_ns = metrics->value[METRIC_WALL_NS];
	int width = columns[column].width;
	char text[32] = "-";
	__u64 shown = 0;

	if (value == METRIC_UNKNOWN) {
		;
	} else if (columns[column].unit == UNIT_RATE) {
		shown = divide_rounded(value, NS_PER_S, report->interval_ns);
		snprintf(text, sizeof(text), "%llu", shown);
	} else if (wall_ns && wall_ns != METRIC_UNKNOWN) {
		shown = divide_rounded(value, 1000, wall_ns);
		snprintf(text, sizeof(text), "%llu.%llu", shown / 10, shown % 10);
	}
	/* Only a broken counter gets here; the columns behind it are to stay where they are. */
	if (strlen(text) > (size_t)width)
		snprintf(text, sizeof(text), "%.0e", (double)shown);
	line__add_right(line, text, width);
}

static int write_row(struct line *line, pid_t id, const struct metrics *metrics,
		     const struct report *report, FILE *out)
{
	char text[16];

	line__pad(line, name_width(report->mode));
	snprintf(text, sizeof(text), "%d", id);
	line__add_right(line, text, TID_WIDTH);
	for (int i = 0; i < COLUMN_CNT; i++) {
		if (is_shown(i, report->mode))
			add_cell(line, i, metrics, report);
	}
	return line__write(line, out);
}

static int write_heading(enum measure_mode mode, FILE *out)
{
	struct line line = { 0 };

	line__add_name(&line, "VM/vCPU", name_width(mode));
	line__pad(&line, name_width(mode));
	line__add_right(&line, "PID/TID", TID_WIDTH);
	for (int i = 0; i < COLUMN_CNT; i++) {
		if (is_shown(i, mode))
			line__add_right(&line, columns[i].heading, columns[i].width);
	}
	return line__write(&line, out);
}

/* 1 for the first VM of a process, 2 for the second. */
static unsigned int instance_of(const struct report *report, size_t vm)
{
	unsigned int instance = 1;

	for (; vm > 0 && report->vms[vm - 1].pid == report->vms[vm].pid; vm--)
		instance++;
	return instance;
}

static bool has_siblings(const struct report *report, size_t vm)
{
	return instance_of(report, vm) > 1 ||
	       (vm + 1 < report->vm_cnt && report->vms[vm + 1].pid == report->vms[vm].pid);
}

static int write_vm(const struct report *report, size_t idx, FILE *out)
{
	const struct vm_report *vm = &report->vms[idx];
	struct line line = { 0 };
	char suffix[16] = "";
	int err;

	if (has_siblings(report, idx))
		snprintf(suffix, sizeof(suffix), "#%u", instance_of(report, idx));
	line__add_name(&line, vm->name, name_width(report->mode) - (int)strlen(suffix));
	line__add(&line, suffix, strlen(suffix), strlen(suffix));
	err = write_row(&line, vm->pid, &vm->metrics, report, out);
	for (size_t i = 0; i < vm->vcpu_cnt && !err; i++) {
		char name[32];

		line = (struct line){ 0 };
		snprintf(name, sizeof(name), "  vCPU %u", vm->vcpus[i].vcpu_id);
		line__add_name(&line, name, name_width(report->mode));
		err = write_row(&line, vm->vcpus[i].tid, &vm->vcpus[i].metrics, report, out);
	}
	return err;
}

/* Footer */

static int write_failures(const struct report *report, FILE *out)
{
	for (size_t i = 0; i < FAILURE_CNT; i++) {
		__u64 cnt = failure_cnt(&report->health, i);

		if (cnt && fprintf(out, "# %s: %llu\n", failures[i].notice, cnt) < 0)
			return -errno;
	}
	return 0;
}

/* Clamps above 0.1 % of wall; below that they are the jitter between the clocks. */
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
		permyriad = divide_rounded(value[METRIC_CLAMPED_NS], 10000, wall_ns ? wall_ns : 1);
		cnt++;
		if (!worst || permyriad > worst_permyriad) {
			worst = &report->vcpus[i];
			worst_permyriad = permyriad;
		}
	}
	if (!cnt)
		return 0;
	if (fprintf(out,
		    "# vCPUs with clamped times: %zu; most: TID %d, %.4g %% of its wall time\n",
		    cnt, worst->tid, worst_permyriad / 100.0) < 0)
		return -errno;
	return 0;
}

static int write_unmeasured(const struct report *report, FILE *out)
{
	__u64 sum_ns = 0;

	for (size_t i = 0; i < report->vcpu_cnt; i++) {
		__u64 ns = report->vcpus[i].metrics.value[METRIC_UNMEASURED_NS];

		if (ns != METRIC_UNKNOWN && __builtin_add_overflow(sum_ns, ns, &sum_ns))
			sum_ns = UINT64_MAX;
	}
	if (sum_ns && fprintf(out, "# loaded but not measured: %llu.%03llu us, not in HALTED%%\n",
			      sum_ns / 1000, sum_ns % 1000) < 0)
		return -errno;
	return 0;
}

static int write_ratio(const struct report *report, FILE *out)
{
	if (!report->vm_cnt || (report->mperf_ratio >= 0.999 && report->mperf_ratio <= 1.001))
		return 0;
	if (fprintf(out, "# MPERF counts at %.6g times the rate of TSC\n", report->mperf_ratio) < 0)
		return -errno;
	return 0;
}

static int flush(FILE *out)
{
	if (fflush(out))
		return -errno;
	return ferror(out) ? -EIO : 0;
}

int render__table(const struct report *report, FILE *out)
{
	int err = write_heading(report->mode, out);

	for (size_t i = 0; i < report->vm_cnt && !err; i++)
		err = write_vm(report, i, out);
	if (!err)
		err = write_failures(report, out);
	if (!err)
		err = write_clamps(report, out);
	if (!err)
		err = write_unmeasured(report, out);
	if (!err)
		err = write_ratio(report, out);
	return err ? err : flush(out);
}

/* JSON */

/*
 * Adds a member and takes the value over. NULL stands for a value for which there was no memory, not
 * for a null. Returns 0 or -ENOMEM.
 */
static int add_member(struct json_object *parent, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_object_add(parent, key, value)) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int add_element(struct json_object *array, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_array_add(array, value)) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int add_u64(struct json_object *parent, const char *key, __u64 value)
{
	return add_member(parent, key, json_object_new_uint64(value));
}

static int add_metrics(struct json_object *parent, const struct metrics *metrics)
{
	for (int i = 0; i < COLUMN_CNT; i++) {
		__u64 value = metrics->value[columns[i].metric];
		int err;

		if (value != METRIC_UNKNOWN)
			err = add_u64(parent, columns[i].key, value);
		else
			err = json_object_object_add(parent, columns[i].key, NULL) ? -ENOMEM : 0;
		if (err)
			return err;
	}
	return 0;
}

/* A name as a JSON string: U+FFFD for each byte that is not UTF-8, for which JSON has no room. */
static int add_name(struct json_object *parent, const char *key, const char *name)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char *text = malloc(strlen(name) * (sizeof(replacement) - 1) + 1);
	char *end = text;
	int err;

	if (!text)
		return -ENOMEM;
	while (*name) {
		size_t len;

		if (utf8__decode(name, &len) < 0)
			end = stpcpy(end, replacement);
		else
			end = mempcpy(end, name, len);
		name += len;
	}
	err = add_member(parent, key, json_object_new_string_len(text, end - text));
	free(text);
	return err;
}

static int add_time(struct json_object *parent, const char *key, __u64 real_ns)
{
	time_t seconds = real_ns / NS_PER_S;
	char day[32], text[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09lluZ", day, real_ns % NS_PER_S);
	return add_member(parent, key, json_object_new_string(text));
}

/* With as many digits as --mperf-ratio takes; all 17 would show 0.97 as 0.96999999999999997. */
static int add_ratio(struct json_object *parent, const char *key, double ratio)
{
	struct json_object *value = json_object_new_double(ratio);

	if (!value)
		return -ENOMEM;
	json_object_set_serializer(value, json_object_double_to_json_string, (void *)"%.9g", NULL);
	return add_member(parent, key, value);
}

static int add_health(struct json_object *parent, const struct health *health)
{
	struct json_object *object = json_object_new_object();
	int err = add_member(parent, "health", object);

	for (size_t i = 0; i < FAILURE_CNT && !err; i++)
		err = add_u64(object, failures[i].key, failure_cnt(health, i));
	return err;
}

/* Objects are added to their parent while they are empty, so that there is one owner throughout. */
static int add_vcpu(struct json_object *array, const struct vcpu_report *vcpu)
{
	struct json_object *object = json_object_new_object();
	int err = add_element(array, object);

	if (!err)
		err = add_u64(object, "vcpu", vcpu->vcpu_id);
	if (!err)
		err = add_member(object, "tid", json_object_new_int(vcpu->tid));
	return err ? err : add_metrics(object, &vcpu->metrics);
}

static int add_vm(struct json_object *array, const struct report *report, size_t idx)
{
	const struct vm_report *vm = &report->vms[idx];
	struct json_object *object = json_object_new_object();
	struct json_object *total, *vcpus;
	int err = add_element(array, object);

	if (!err)
		err = add_member(object, "pid", json_object_new_int(vm->pid));
	if (!err)
		err = add_u64(object, "instance", instance_of(report, idx));
	if (!err)
		err = add_name(object, "name", vm->name);
	if (err)
		return err;
	total = json_object_new_object();
	err = add_member(object, "total", total);
	if (!err)
		err = add_metrics(total, &vm->metrics);
	if (err)
		return err;
	vcpus = json_object_new_array();
	err = add_member(object, "vcpus", vcpus);
	for (size_t i = 0; i < vm->vcpu_cnt && !err; i++)
		err = add_vcpu(vcpus, &vm->vcpus[i]);
	return err;
}

static int fill_root(struct json_object *root, const struct report *report)
{
	struct json_object *vms;
	int err = add_u64(root, "schema", JSON_SCHEMA);

	if (!err)
		err = add_time(root, "time", report->end.real_ns);
	if (!err)
		err = add_u64(root, "interval_ns", report->interval_ns);
	if (!err)
		err = add_u64(root, "start_monotonic_ns", report->begin.mono_ns);
	if (!err)
		err = add_u64(root, "end_monotonic_ns", report->end.mono_ns);
	if (!err)
		err = add_member(root, "mode", json_object_new_string(mode_name(report->mode)));
	if (!err)
		err = add_ratio(root, "mperf_ratio", report->mperf_ratio);
	if (!err)
		err = add_health(root, &report->health);
	if (err)
		return err;
	vms = json_object_new_array();
	err = add_member(root, "vms", vms);
	for (size_t i = 0; i < report->vm_cnt && !err; i++)
		err = add_vm(vms, report, i);
	return err;
}

int render__json(const struct report *report, FILE *out)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	struct json_object *root = json_object_new_object();
	const char *text = NULL;
	int err = -ENOMEM;

	if (root)
		err = fill_root(root, report);
	if (!err)
		text = json_object_to_json_string_ext(root, flags);
	if (!err && !text)
		err = -ENOMEM;
	if (!err && fprintf(out, "%s\n", text) < 0)
		err = -errno;
	json_object_put(root);
	return err ? err : flush(out);
}
