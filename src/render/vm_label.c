// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include "report/columns.h"
#include "text/line.h"
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
		   struct line *line)
{
	char suffix[SUFFIX_SIZE];
	int name_width;

	format_suffix(report, vm, suffix);
	name_width = width - (int)strlen(suffix);
	line__add_name(line, vm->name, name_width > 1 ? name_width : 1);
	line__add(line, suffix);
}
