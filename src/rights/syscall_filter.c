// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "rights/syscall_filter.h"

static int add_rules(scmp_filter_ctx filter, const struct syscall_list *list)
{
	int err = 0;

	for (size_t i = 0; !err && i < list->cnt; i++) {
		const struct syscall_rule *rule = &list->rules[i];

		err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rule->number, rule->cmp_cnt,
					     rule->cmps);
	}
	return err;
}

int syscall_filter__load(const struct syscall_list *list)
{
	scmp_filter_ctx filter =
		seccomp_init(list->kills ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	int err = 0;

	if (!filter)
		return -ENOMEM;
	for (; !err && list; list = list->more)
		err = add_rules(filter, list);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	/* libseccomp returns -ECANCELED when seccomp(2) failed. */
	return err == -ECANCELED ? -EINVAL : err;
}
