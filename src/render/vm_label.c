// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/columns.h"
#include "text/utf8.h"
#include "render/vm_label.h"

#define SUFFIX_SIZE sizeof("#4294967295")

static void format_suffix(const struct report *report, const struct vm_report *vm,
			  char text[static SUFFIX_SIZE])
{
	const struct vm_report *end = report->vms + report->vm_cnt;
	unsigned int instance = instance_of(report, vm);

	*text = '\0';
	if (instance > 1 || (vm + 1 < end && vm[1].pid == vm->pid))
		snprintf(text, SUFFIX_SIZE, "#%u", instance);
}

int vm_label__width(const struct report *report, const struct vm_report *vm)
{
	const char *name = vm->name;
	char suffix[SUFFIX_SIZE];
	int width;

	format_suffix(report, vm, suffix);
	width = (int)strlen(suffix);
	while (*name)
		width += utf8__next_glyph(&name).width;
	return width;
}

void vm_label__add(const struct report *report, const struct vm_report *vm, int width,
		   enum name_cut cut, struct line *line)
{
	char suffix[SUFFIX_SIZE];
	int name_width;

	format_suffix(report, vm, suffix);
	name_width = width - (int)strlen(suffix);
	line__add_name(line, vm->name, name_width > 1 ? name_width : 1, cut);
	line__add(line, suffix);
}

/* A name, and what is shown of it. */
struct shown {
	const char *name;
	struct line line;
};

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = &((const struct shown *)a)->line;
	const struct line *y = &((const struct shown *)b)->line;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->text, y->text, x->len);
}

static bool keeps_apart(const struct report *report, int width, enum name_cut cut,
			struct shown *shown)
{
	for (size_t i = 0; i < report->vm_cnt; i++) {
		shown[i] = (struct shown){ .name = report->vms[i].name };
		vm_label__add(report, &report->vms[i], width, cut, &shown[i].line);
	}
	qsort(shown, report->vm_cnt, sizeof(*shown), compare_lines);
	for (size_t i = 1; i < report->vm_cnt; i++)
		if (!compare_lines(&shown[i - 1], &shown[i]) &&
		    strcmp(shown[i - 1].name, shown[i].name) != 0)
			return false;
	return true;
}

enum name_cut vm_label__cut(const struct report *report, int width)
{
	enum name_cut cut = NAME_CUT_MIDDLE;
	bool all_fit = true;
	struct shown *shown;

	for (size_t i = 0; i < report->vm_cnt && all_fit; i++)
		all_fit = vm_label__width(report, &report->vms[i]) <= width;
	shown = all_fit ? NULL : calloc(report->vm_cnt, sizeof(*shown));
	if (!shown)
		return NAME_CUT_MIDDLE;
	while (cut < NAME_CUT_CNT && !keeps_apart(report, width, cut, shown))
		cut++;
	free(shown);
	return cut < NAME_CUT_CNT ? cut : NAME_CUT_MIDDLE;
}
