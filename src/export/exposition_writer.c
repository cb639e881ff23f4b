// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "export/exposition_writer.h"

#define NS_PER_S 1000000000ULL

/* The Prometheus format has no info type. */
static const char *type_name(const struct exposition_writer *w)
{
	switch (w->family->type) {
	case FAMILY_COUNTER:
		return "counter";
	case FAMILY_HISTOGRAM:
		return "histogram";
	case FAMILY_INFO:
		return w->form == EXPOSITION_OPENMETRICS ? "info" : "gauge";
	default:
		return "gauge";
	}
}

/* Suffix of the names of samples. */
static const char *type_suffix(enum family_type type)
{
	return type == FAMILY_COUNTER ? "_total" : type == FAMILY_INFO ? "_info" : "";
}

void exposition_writer__family(struct exposition_writer *w, const struct family *family)
{
	w->family = family;
	w->announced = false;
}

static void write_about(const struct exposition_writer *w, const char *what)
{
	const struct family *f = w->family;

	/* In the Prometheus format HELP and TYPE name the samples, in OpenMetrics the family. */
	fprintf(w->out, "# %s %s%s%s ", what, f->prefix, f->name,
		w->form == EXPOSITION_PROMETHEUS ? type_suffix(f->type) : "");
}

static void announce(struct exposition_writer *w)
{
	const struct family *f = w->family;

	write_about(w, "HELP");
	fprintf(w->out, "%s%s\n", f->help[0], f->help[1] ? f->help[1] : "");
	write_about(w, "TYPE");
	fprintf(w->out, "%s\n", type_name(w));
	if (*f->unit && w->form == EXPOSITION_OPENMETRICS) {
		write_about(w, "UNIT");
		fprintf(w->out, "%s\n", f->unit);
	}
	w->announced = true;
}

void exposition_writer__sample(struct exposition_writer *w, const char *suffix)
{
	if (!w->announced)
		announce(w);
	fputs(w->family->prefix, w->out);
	fputs(w->family->name, w->out);
	fputs(suffix ? suffix : type_suffix(w->family->type), w->out);
	w->labelled = false;
}

static void begin_label(struct exposition_writer *w, const char *name)
{
	fputc(w->labelled ? ',' : '{', w->out);
	fputs(name, w->out);
	fputs("=\"", w->out);
	w->labelled = true;
}

void exposition_writer__label(struct exposition_writer *w, const char *name, const char *value)
{
	begin_label(w, name);
	while (*value) {
		size_t len = strcspn(value, "\\\"\n");

		fwrite(value, 1, len, w->out);
		value += len;
		if (*value) {
			fputc('\\', w->out);
			fputc(*value == '\n' ? 'n' : *value, w->out);
			value++;
		}
	}
	fputc('"', w->out);
}

/*
 * Writes a number with at least `width` digits. With fprintf(), this would be half of the cost of
 * an export of a thousand vCPUs.
 */
static void put_number(FILE *out, __u64 value, int width)
{
	char digits[24];
	char *end = digits + sizeof(digits), *begin = end;

	do
		*--begin = (char)('0' + value % 10);
	while ((value /= 10) || end - begin < width);
	fwrite(begin, 1, (size_t)(end - begin), out);
}

void exposition_writer__number_label(struct exposition_writer *w, const char *name, __u64 value)
{
	begin_label(w, name);
	put_number(w->out, value, 1);
	fputc('"', w->out);
}

static void begin_value(struct exposition_writer *w)
{
	fputs(w->labelled ? "} " : " ", w->out);
}

void exposition_writer__count(struct exposition_writer *w, __u64 cnt)
{
	begin_value(w);
	put_number(w->out, cnt, 1);
	fputc('\n', w->out);
}

void exposition_writer__value(struct exposition_writer *w, __u64 value)
{
	if (strcmp(w->family->unit, "seconds") != 0) {
		exposition_writer__count(w, value);
		return;
	}
	begin_value(w);
	put_number(w->out, value / NS_PER_S, 1);
	fputc('.', w->out);
	put_number(w->out, value % NS_PER_S, 9);
	fputc('\n', w->out);
}

void exposition_writer__ratio(struct exposition_writer *w, double ratio)
{
	begin_value(w);
	fprintf(w->out, "%.9g\n", ratio);
}

void exposition_writer__end(struct exposition_writer *w)
{
	if (w->form == EXPOSITION_OPENMETRICS)
		fputs("# EOF\n", w->out);
}
