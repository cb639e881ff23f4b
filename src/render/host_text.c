// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include "render/host_text.h"
#include "report/columns.h"
#include "report/spent.h"

struct text {
	char *bytes;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->bytes + text->len, HOST_TEXT_SIZE - text->len, format, args);
	va_end(args);
	if (len > 0)
		text->len += (size_t)len;
	if (text->len >= HOST_TEXT_SIZE)
		text->len = HOST_TEXT_SIZE - 1;
}

static void add_cnt(struct text *text, const char *before, size_t cnt, const char *what)
{
	add(text, "%s%zu %s%s", before, cnt, what, cnt == 1 ? "" : "s");
}

/* Integers, so that the locale cannot yield a comma. */
static void add_part(struct text *text, const char *name, __u64 ns, __u64 interval_ns)
{
	unsigned __int128 tenths = ((unsigned __int128)ns * 10 + interval_ns / 2) / interval_ns;

	add(text, "%s %llu.%u", name, (__u64)(tenths / 10), (unsigned int)(tenths % 10));
}

void host_text__format(const struct report *report, char bytes[static HOST_TEXT_SIZE])
{
	struct spent spent = spent__of(report);
	__u64 interval_ns = report->interval_ns;
	struct text text = { bytes, 0 };

	add_cnt(&text, "", vcpu_cnt_of_all(report), "vCPU");
	add_cnt(&text, " of ", report->vm_cnt, "VM");
	if (report->online_cpu_cnt)
		add_cnt(&text, " on ", report->online_cpu_cnt, "CPU");
	if (!spent.wall_ns || !interval_ns)
		return;
	add_part(&text, ": idle", spent.idle_ns, interval_ns);
	if (report->mode == MODE_ENTRY) {
		add_part(&text, ", busy", spent.busy_ns, interval_ns);
		add_part(&text, ", host", spent.host_ns, interval_ns);
	} else {
		add_part(&text, ", busy or host", spent.used_ns, interval_ns);
	}
	add_part(&text, ", wait", spent.wait_ns, interval_ns);
	if (spent.unknown_ns >= interval_ns / 20)
		add_part(&text, ", unknown", spent.unknown_ns, interval_ns);
}
