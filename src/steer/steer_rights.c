// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/capability.h>
#include "rights/privileges.h"
#include "rights/syscall_filter.h"
#include "run/exporter_syscalls.h"
#include "steer/steer_rights.h"

int steer_rights__drop(const char *user, bool writes_file, int (*works)(void *arg), void *arg)
{
	static const int caps[] = { PRIVILEGES_NONE, CAP_BPF, CAP_SYS_PTRACE };
	static const struct syscall_rule rules[] = {
		SYSCALL_ALLOW(pwrite64),
		SYSCALL_ALLOW(ftruncate),
		SYSCALL_ALLOW(fsync),
		SYSCALL_ALLOW(flock),
		SYSCALL_ALLOW_IF(sched_setaffinity, 0, 0),
	};
	const struct syscall_list syscalls = {
		.rules = rules,
		.cnt = sizeof(rules) / sizeof(rules[0]),
		.more = exporter_syscalls__list(writes_file),
	};
	const struct privileges_opts privileges = {
		.user = user,
		.caps = works ? caps : NULL,
		.cap_cnt = works ? sizeof(caps) / sizeof(caps[0]) : 0,
		.works = works,
		.arg = arg,
		.syscalls = &syscalls,
	};

	return privileges__drop(&privileges);
}
