// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include "report/columns.h"
#include "render/render.h"
#include "text/stream.h"
#include "text/time_text.h"
#include "text/utf8.h"

int render__csv_heading(FILE *out)
{
	int err = stream__put(out, "time,interval_ns,mode,row,pid,instance,name,vcpu,tid");

	for (int i = 0; i < COLUMN_CNT && !err; i++)
		err = fprintf(out, ",%s", column_defs[i].key) < 0 ? -errno : 0;
	for (int i = 0; i < FAILURE_CNT && !err; i++)
		err = fprintf(out, ",%s", failure_defs[i].key) < 0 ? -errno : 0;
	if (!err)
		err = stream__put(out, "\n");
	return err ? err : stream__flush(out);
}

/*
 * The following functions write to a stream in memory, which records an
 * allocation failure as its error.
 */

/*
 * Characters that make a spreadsheet take a cell for a formula, with the
 * full-width forms of East Asia.
 */
static bool begins_formula(const char *name)
{
	static const __s32 signs[] = { '=', '+', '-', '@', 0xff1d, 0xff0b, 0xff0d, 0xff20 };
	size_t len;
	__s32 code = utf8__decode(name, &len);

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (code == signs[i])
			return true;
	}
	return false;
}

static void add_name(const char *name, FILE *text)
{
	/* A leading ' of the name itself is doubled, so that a reader can always remove one. */
	fputs(*name == '\'' || begins_formula(name) ? "\"'" : "\"", text);
	while (*name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		fwrite(glyph.bytes, 1, glyph.len, text);
		/* A quote within quotes is doubled. */
		if (*glyph.bytes == '"')
			fputc('"', text);
	}
	fputc('"', text);
}

static void begin_row(const struct report *report, const char *kind, FILE *text)
{
	char time[TIME_TEXT_SIZE];

	time_text__rfc3339(report->end.real_ns, time);
	fprintf(text, "%s,%llu,%s,%s,", time, report->interval_ns, mode__name(report->mode), kind);
}

static void end_row(const struct report *report, const struct metrics *metrics, FILE *text)
{
	for (int i = 0; i < COLUMN_CNT; i++) {
		__u64 value = metrics->value[column_defs[i].metric];

		fputc(',', text);
		if (value != METRIC_UNKNOWN)
			fprintf(text, "%llu", value);
	}
	for (int i = 0; i < FAILURE_CNT; i++)
		fprintf(text, ",%llu", failure_cnt(&report->health, i));
	fputc('\n', text);
}

static void add_host(const struct report *report, FILE *text)
{
	begin_row(report, "host", text);
	fputs(",,,,", text);
	end_row(report, &report->total, text);
}

static void add_row(const struct report *report, const struct view_row *row, FILE *text)
{
	begin_row(report, row->vcpu ? "vcpu" : "vm", text);
	fprintf(text, "%d,%u,", row->vm->pid, instance_of(report, row->vm));
	add_name(row->vm->name, text);
	if (row->vcpu)
		fprintf(text, ",%u,%d", row->vcpu->vcpu_id, row->vcpu->tid);
	else
		fputs(",,", text);
	end_row(report, row->vcpu ? &row->vcpu->metrics : &row->vm->metrics, text);
}

int render__csv(const struct report *report, const struct view *view, FILE *out)
{
	char *bytes = NULL;
	size_t size;
	FILE *text = open_memstream(&bytes, &size);
	int err = -ENOMEM;

	if (!text)
		return err;
	add_host(report, text);
	for (size_t i = 0; i < view->row_cnt; i++)
		add_row(report, &view->rows[i], text);
	if (!ferror(text))
		err = 0;
	if (fclose(text))
		err = -ENOMEM;
	if (!err)
		err = stream__put(out, bytes);
	free(bytes);
	return err ? err : stream__flush(out);
}
