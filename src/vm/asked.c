// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "vm/asked.h"
#include "report/filter.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "vm/proc.h"
#include "vm/vm.h"

static int check_pid(const struct hostfs *fs, pid_t pid)
{
	int err = vm__check(fs, pid);

	if (err == -ESRCH)
		pr_err("there is no process %d", pid);
	else if (err == -ENODEV)
		pr_err("process %d runs no VM", pid);
	else if (proc__is_closed(err))
		pr_err("cannot inspect process %d: this needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
		       pid);
	else if (err)
		pr_err("cannot inspect process %d: %s", pid, strerror(-err));
	return proc__is_closed(err) ? -EOPNOTSUPP : err;
}

/* /proc/TID exists for every thread, although a listing of /proc shows processes only. */
static int check_tid(const struct hostfs *fs, pid_t tid)
{
	int exists = hostfs__exists(fs, "proc/%d", tid);

	if (exists < 0)
		pr_err("cannot look for thread %d: %s", tid, strerror(-exists));
	else if (!exists)
		pr_err("there is no thread %d", tid);
	else
		return 0;
	return exists < 0 ? exists : -ESRCH;
}

int asked__check_ids(const struct filter *filter, const struct hostfs *fs)
{
	int err = 0;

	for (size_t i = 0; i < filter->pid_cnt && !err; i++)
		err = check_pid(fs, filter->pids[i]);
	for (size_t i = 0; i < filter->tid_cnt && !err; i++)
		err = check_tid(fs, filter->tids[i]);
	return err;
}

int asked__check_names(const struct filter *filter, const struct snapshot *snap)
{
	for (size_t i = 0; i < filter->name_cnt; i++) {
		const struct filter one = { .names = &filter->names[i], .name_cnt = 1 };

		if (filter__matches(&one, snap))
			continue;
		pr_err("no VM has a name like '%s'", filter->names[i]);
		return -ENOENT;
	}
	return 0;
}

int asked__check_vcpus(const struct filter *filter, const struct snapshot *snap)
{
	for (size_t i = 0; i < filter->tid_cnt; i++) {
		const struct filter one = { .tids = &filter->tids[i], .tid_cnt = 1 };

		if (filter__matches(&one, snap))
			continue;
		pr_err("no vCPU has the thread ID %d", filter->tids[i]);
		return -ENOENT;
	}
	for (size_t i = 0; i < filter->vcpu_id_cnt; i++) {
		const struct filter one = { .vcpu_ids = &filter->vcpu_ids[i], .vcpu_id_cnt = 1 };

		if (filter__matches(&one, snap))
			continue;
		pr_err("no VM has a vCPU %u", filter->vcpu_ids[i]);
		return -ENOENT;
	}
	if (filter__is_empty(filter) || filter__matches(filter, snap))
		return 0;
	pr_err("no VM or vCPU matches all of the filters");
	return -ENOENT;
}
