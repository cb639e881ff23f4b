/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * privileges - what a process may do once it has started: it becomes a user without rights, and keeps no
 * capability, but for one that it is shown to need.
 *
 * What the exporter needs afterwards, and what the kernel asks for it:
 * - bpf(2) on descriptors that it holds: BPF_MAP_LOOKUP_ELEM, _LOOKUP_BATCH, _UPDATE_ELEM and _DELETE_ELEM ask
 *   for how the map was opened and for nothing else (map_lookup_elem() and others, kernel/bpf/syscall.c), and so
 *   does the update that puts a perf event into a BPF_MAP_TYPE_PERF_EVENT_ARRAY: perf_event_fd_array_get_ptr(),
 *   kernel/bpf/arraymap.c, takes any descriptor of a perf event. BPF_PROG_TEST_RUN: nothing since Linux 5.8
 *   (2c78ee898d8f "bpf: Implement CAP_BPF"). BPF_OBJ_GET_INFO_BY_FD: nothing, and what it leaves out without
 *   CAP_BPF is the program's code; run_time_ns and run_cnt are filled in.
 * - But while kernel.unprivileged_bpf_disabled is set, which is the default, every bpf(2) asked for CAP_BPF,
 *   until Linux 5.19 (c8644cd0efe7 "bpf: refine kernel.unprivileged_bpf_disabled behaviour") narrowed that to
 *   creating maps and loading programs. Distributions may take that back to what they ship: so it is not the
 *   release that is asked but the kernel, by doing it (`works` below).
 * - Names: /proc/PID/{stat,cmdline,cgroup,comm} and task/TID/{comm,schedstat} are for all to read. Descriptors,
 *   task/TID/syscall and KVM's debugfs are not: see src/vm.
 * - perf_event_open(2) for a CPU that was offline: CAP_PERFMON; see src/measure/opener.h.
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct syscall_list;

/* In place of a capability: none at all. */
#define PRIVILEGES_NONE (-1)

#define PRIVILEGES_DEFAULT_USER "nobody"

struct privileges_opts {
	/* Whom to become, and that one's group; NULL: PRIVILEGES_DEFAULT_USER. A process that is not root cannot. */
	const char *user;
	/* Supplementary groups to have then; no others are left. */
	const gid_t *groups;
	size_t group_cnt;
	/*
	 * Which capability is kept: the first of these, or PRIVILEGES_NONE, with which works() returns 0 when the
	 * process has no other and is that user. NULL: none. Another one is tried on -EPERM and -EACCES only.
	 */
	const int *caps;
	size_t cap_cnt;
	int (*works)(void *arg);
	void *arg;
	/* What can still be called; NULL: everything. */
	const struct syscall_list *syscalls;
};

/*
 * Afterwards the process is that user, in no group but those given, has at most the one capability in its
 * permitted and effective sets and none in the inheritable, the ambient and, where it was allowed to empty it, the
 * bounding set; it can gain none by execve(2) (no_new_privs), nobody without CAP_SYS_PTRACE can look into it (not
 * dumpable), and it can call what is listed.
 *
 * All of that is of one thread: to be called while there is no other. Returns 0; or -errno, logged (-EBUSY: there
 * are other threads), and then the caller is to end, for it may have lost some of its rights.
 */
int privileges__drop(const struct privileges_opts *opts);

#endif /* PRIVILEGES_H */
