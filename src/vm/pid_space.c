// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/hostfs.h"
#include "base/log.h"
#include "vm/pid_space.h"

/*
 * PROC_PID_INIT_INO (include/linux/proc_ns.h): the fixed inode number of the initial PID namespace.
 */
#define INITIAL "pid:[4026531836]"

/* PF_KTHREAD (include/linux/sched.h), a bit of field 9 of /proc/PID/stat. */
#define KERNEL_THREAD 0x00200000UL

/* PID 2 is kthreadd in the initial PID namespace. No other namespace has kernel threads. */
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
 * Checks whether /proc belongs to the initial PID namespace. The link shows this process's own
 * namespace, which is enough if that is the initial one; if not, /proc may still be the host's,
 * because processes appear in the /proc of all ancestor namespaces. A kernel without PID namespaces
 * does not have the link.
 */
static bool is_initial(const struct hostfs *fs)
{
	char own[64];

	return hostfs__readlink(fs, own, sizeof(own), "proc/self/ns/pid") < 0 ||
	       !strcmp(own, INITIAL) || has_kernel_threads(fs);
}

int pid_space__check(const struct hostfs *fs)
{
	/* /proc/self is a dangling link if this process has no PID in the namespace of /proc. */
	if (hostfs__exists(fs, "proc/self/status") != 1) {
		pr_err("/proc is not mounted, or belongs to a PID namespace without this process: "
		       "mount -t proc proc /proc");
		return -EOPNOTSUPP;
	}
	if (!is_initial(fs)) {
		pr_err("/proc belongs to a container's PID namespace and does not show the VMs of the host: "
		       "run gtimehalt in the PID namespace of the host (docker run --pid=host)");
		return -EOPNOTSUPP;
	}
	if (!hostfs__exists(fs, "proc/1"))
		pr_warn("/proc hides processes (hidepid): their VMs appear only once a vCPU runs, and without "
			"a name; CAP_SYS_PTRACE or membership in the group of the mount option gid avoids this");
	return 0;
}

bool pid_space__is_ours(const struct hostfs *fs)
{
	char self[16];

	return hostfs__readlink(fs, self, sizeof(self), "proc/self") > 0 && atoi(self) == getpid();
}
