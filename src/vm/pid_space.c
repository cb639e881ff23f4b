// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/hostfs.h"
#include "base/log.h"
#include "vm/pid_space.h"

/* PROC_PID_INIT_INO (include/linux/proc_ns.h), the number of the initial namespace since there are any. */
#define INITIAL "pid:[4026531836]"

/* include/linux/sched.h: PF_KTHREAD, in field 9 of stat. */
#define KERNEL_THREAD 0x00200000UL

/* In /proc of the initial namespace 2 is kthreadd. There is no kernel thread in any other. */
static bool has_kernel_threads(const struct hostfs *fs)
{
	char text[512];
	unsigned long flags;
	const char *rest;

	if (hostfs__read_line(fs, text, sizeof(text), "proc/2/stat") <= 0)
		return false;
	rest = strrchr(text, ')');
	return rest && sscanf(rest, ") %*c %*d %*d %*d %*d %*d %lu", &flags) == 1 &&
	       flags & KERNEL_THREAD;
}

/*
 * A process is in /proc of its own namespace, and of those above it. A kernel that has but one does not have the
 * link.
 */
static bool is_initial(const struct hostfs *fs)
{
	char own[64];

	return hostfs__readlink(fs, own, sizeof(own), "proc/self/ns/pid") < 0 ||
	       !strcmp(own, INITIAL) || has_kernel_threads(fs);
}

int pid_space__check(const struct hostfs *fs)
{
	/* self is a link that leads nowhere where this process has no number. */
	if (hostfs__exists(fs, "proc/self/status") != 1) {
		pr_err("/proc is not there, or is that of a PID namespace in which this process is not: "
		       "mount -t proc proc /proc");
		return -EOPNOTSUPP;
	}
	if (!is_initial(fs)) {
		pr_err("/proc is that of a PID namespace, as a container has its own: VMs of the host cannot be "
		       "told by it; run it in the host's (docker run --pid=host)");
		return -EOPNOTSUPP;
	}
	if (!hostfs__exists(fs, "proc/1"))
		pr_warn("/proc hides processes (hidepid): a VM of theirs is shown from when a vCPU of it runs, "
			"and without a name; CAP_SYS_PTRACE, or the group of its option gid, would help");
	return 0;
}

bool pid_space__is_ours(const struct hostfs *fs)
{
	char self[16];

	return hostfs__readlink(fs, self, sizeof(self), "proc/self") > 0 && atoi(self) == getpid();
}
