// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "columns.h"
#include "render.h"
#include "utf8.h"

#define TABLE_WIDTH 79
#define TID_WIDTH   7 /* PID_MAX_LIMIT is 2^22 */
#define GAP         2
#define NS_PER_S    1000000000ULL

/* A glyph of several combining characters has no bound; longer names are cut here. */
#define NAME_SIZE 256

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
	return column_defs[column].modes & 1U << mode;
}

/* What the other columns leave of the width. */
static int name_width(enum measure_mode mode)
{
	int width = TABLE_WIDTH - GAP - TID_WIDTH;

	for (int i = 0; i < COLUMN_CNT; i++) {
		if (is_shown(i, mode))
			width -= GAP + column_defs[i].width;
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
	__u64 value = metrics->value[column_defs[column].metric];
	__u64 wall_ns = metrics->value[METRIC_WALL_NS];
	int width = column_defs[column].width;
	char text[32] = "-";
	__u64 shown = 0;

	if (value == METRIC_UNKNOWN) {
		;
	} else if (column_defs[column].unit == UNIT_RATE) {
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
			line__add_right(&line, column_defs[i].heading, column_defs[i].width);
	}
	return line__write(&line, out);
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

		if (cnt && fprintf(out, "# %s: %llu\n", failure_defs[i].notice, cnt) < 0)
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

int render__gap(FILE *out)
{
	return fputc('\n', out) == EOF ? -errno : 0;
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
