// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include "base/hostfs.h"
#include "base/log.h"
#include "measure/host_rights.h"

/*
 * The kernel accepts CAP_SYS_ADMIN in place of CAP_BPF and CAP_PERFMON
 * (include/linux/capability.h), and requires CAP_SYS_ADMIN itself to find a function of a module by
 * BTF (bpf_btf_get_fd_by_id()).
 */
#define NEEDED_CAP CAP_SYS_ADMIN

/*
 * Namespaces in which a process cannot measure, each with the link of the initial one: its number
 * is PROC_*_INIT_INO (include/linux/proc_ns.h), which has never changed. pid_space.h checks PID
 * namespaces: a PID namespace does no harm if /proc is the host's. Time namespaces exist since
 * Linux 5.6; `time` is the process's own namespace, and the one for its children does not matter
 * here.
 */
static const struct {
	const char *link, *initial, *why;
	bool for_reading; /* also for a process that only reads a pinned measurement */
} namespaces[] = {
	{ "user", "user:[4026531837]",
	  "a user namespace, whose root may neither load BPF programs nor read MPERF: run gtimehalt as "
	  "root of the host",
	  false },
	{ "time", "time:[4026531834]",
	  "a time namespace, whose clocks differ from those of BPF and KVM: run gtimehalt in the host's "
	  "(nsenter -T -t 1)",
	  true },
};

static int check_namespaces(const struct hostfs *fs, bool reads_only)
{
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		char own[64];

		if (reads_only && !namespaces[i].for_reading)
			continue;
		/* A kernel without this kind of namespace does not have the link. */
		if (hostfs__readlink(fs, own, sizeof(own), "proc/self/ns/%s", namespaces[i].link) <
			    0 ||
		    !strcmp(own, namespaces[i].initial))
			continue;
		pr_err("runs in %s", namespaces[i].why);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int check_caps(const struct hostfs *fs)
{
	static const char key[] = "\nCapEff:\t";
	unsigned long long effective;
	char status[8192], *value, *end;

	/*
	 * If the status cannot be read or parsed, continue: the kernel itself refuses what is not
	 * allowed.
	 */
	if (hostfs__read(fs, status, sizeof(status), "proc/self/status") < 0)
		return 0;
	value = strstr(status, key);
	if (!value)
		return 0;
	effective = strtoull(value + strlen(key), &end, 16);
	if (*end != '\n' || effective & 1ULL << NEEDED_CAP)
		return 0;
	pr_err("needs CAP_SYS_ADMIN to load BPF programs and to read MPERF: run it as root");
	return -EOPNOTSUPP;
}

/*
 * The file reads "none integrity [confidentiality]". Integrity mode forbids nothing that gtimehalt
 * does.
 */
static int check_lockdown(const struct hostfs *fs)
{
	char modes[64];

	if (hostfs__read(fs, modes, sizeof(modes), "sys/kernel/security/lockdown") < 0 ||
	    !strstr(modes, "[confidentiality]"))
		return 0;
	pr_err("the kernel is locked down for confidentiality, so BPF may not read its memory: "
	       "boot with lockdown=integrity or without lockdown");
	return -EOPNOTSUPP;
}

int host_rights__check(const struct hostfs *fs)
{
	int err = check_namespaces(fs, false);

	if (!err)
		err = check_caps(fs);
	return err ? err : check_lockdown(fs);
}

/*
 * Returns whether RLIMIT_MEMLOCK limits BPF: its memory counted as locked before Linux 5.11, and
 * libbpf could not raise the limit.
 */
static bool is_memory_limited(struct rlimit *limit)
{
	struct utsname uts;
	int major, minor;

	return !getrlimit(RLIMIT_MEMLOCK, limit) && limit->rlim_cur != RLIM_INFINITY &&
	       !uname(&uts) && sscanf(uts.release, "%d.%d", &major, &minor) == 2 &&
	       (major < 5 || (major == 5 && minor < 11));
}

int host_rights__check_reading(const struct hostfs *fs)
{
	return check_namespaces(fs, true);
}

int host_rights__refused(int err, const char *what, const char *call, bool takes_memory)
{
	struct rlimit limit;

	if (err != -EPERM && err != -EACCES && err != -ENOSYS)
		return log__failure(what, err);
	if (err == -EPERM && takes_memory && is_memory_limited(&limit))
		pr_err("cannot %s: RLIMIT_MEMLOCK is %llu KiB, and this kernel counts BPF's memory as "
		       "locked: set ulimit -l unlimited, or run with CAP_SYS_RESOURCE",
		       what, (unsigned long long)limit.rlim_cur / 1024);
	else
		pr_err("cannot %s: %s; if the process has CAP_SYS_ADMIN, a seccomp filter (of a "
		       "container) or a security module forbids %s()",
		       what, strerror(-err), call);
	return -EOPNOTSUPP;
}
