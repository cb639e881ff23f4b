// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include "base/hostfs.h"
#include "base/log.h"
#include "measure/armed.h"
#include "measure/hooks.h"

static bool is_off(const struct hostfs *fs, const char *path)
{
	char text[8];

	return hostfs__read(fs, text, sizeof(text), "%s", path) > 0 && text[0] == '0';
}

int armed__check(const struct hostfs *fs, const struct hook_plan *plan)
{
	bool by_kprobe = false, by_fentry = false;

	for (size_t i = 0; i < plan->point_cnt; i++) {
		enum attach_by by = plan->points[i].by;

		by_kprobe |= by == ATTACH_KPROBE || by == ATTACH_KRETPROBE;
		by_fentry |= by == ATTACH_FENTRY;
	}
	/* A kprobe at the beginning of a function is one of ftrace's. */
	if ((by_kprobe || by_fentry) && is_off(fs, "proc/sys/kernel/ftrace_enabled")) {
		pr_err("kernel.ftrace_enabled is 0: nothing that is attached to KVM's functions would run; "
		       "sysctl kernel.ftrace_enabled=1");
		return -EOPNOTSUPP;
	}
	if (by_kprobe && is_off(fs, "sys/kernel/debug/kprobes/enabled")) {
		pr_err("kprobes are switched off: echo 1 > /sys/kernel/debug/kprobes/enabled");
		return -EOPNOTSUPP;
	}
	return 0;
}
