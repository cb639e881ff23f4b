/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * privileges - reduce what a process may do once it has started: it switches to an unprivileged
 * user and keeps no capability, except one that is proved necessary.
 *
 * Operations that the exporter needs afterwards, and what the kernel requires for them:
 * - bpf(2) on open descriptors. BPF_MAP_LOOKUP_ELEM, _LOOKUP_BATCH, _UPDATE_ELEM and _DELETE_ELEM
 *   only depend on how the map was opened (map_lookup_elem() and others, kernel/bpf/syscall.c). So
 *   does the update that puts a perf event into a BPF_MAP_TYPE_PERF_EVENT_ARRAY:
 *   perf_event_fd_array_get_ptr(), kernel/bpf/arraymap.c, accepts any descriptor of a perf event.
 *   BPF_PROG_TEST_RUN requires nothing since Linux 5.8 (2c78ee898d8f "bpf: Implement CAP_BPF").
 *   BPF_OBJ_GET_INFO_BY_FD requires nothing; without CAP_BPF it omits the program's code, but still
 *   has run_time_ns and run_cnt.
 * - With kernel.unprivileged_bpf_disabled set, which is the default, every bpf(2) required CAP_BPF.
 *   Linux 5.19 (c8644cd0efe7 "bpf: refine kernel.unprivileged_bpf_disabled behaviour") limited this
 *   to creating maps and loading programs, and distributions may have backported that. The release
 *   therefore does not tell, and `works` below tries the operations instead.
 * - Names: /proc/PID/{stat,cmdline,cgroup,comm} and task/TID/{comm,schedstat} are readable by
 *   everybody. Descriptors, task/TID/syscall and KVM's debugfs are not: see src/vm.
 * - perf_event_open(2) for a CPU that was offline requires CAP_PERFMON: see
 * src/measure/perf_helper.h.
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct syscall_list;

/* Stands for no capability. */
#define PRIVILEGES_NONE (-1)

#define PRIVILEGES_DEFAULT_USER "nobody"

struct privileges_opts {
	/*
	 * User to switch to, with its group; NULL: PRIVILEGES_DEFAULT_USER. Not
	 * done if the process is not root.
	 */
	const char *user;
	/* Supplementary groups of the process afterwards; all others are dropped. */
	const gid_t *groups;
	size_t group_cnt;
	/*
	 * Candidates for the capability that is kept. The first one is chosen with which works()
	 * returns 0, called as that user and without any other effective capability;
	 * PRIVILEGES_NONE means none. The next candidate is tried only after -EPERM or -EACCES.
	 * caps NULL: none is kept.
	 */
	const int *caps;
	size_t cap_cnt;
	int (*works)(void *arg);
	void *arg;
	/* System calls that stay allowed; NULL: all. */
	const struct syscall_list *syscalls;
};

/*
 * Drops the privileges. Afterwards the process
 * - runs as that user, with no groups except those given;
 * - has at most the one capability in its permitted and effective sets, and none in the inheritable
 *   and ambient sets; the bounding set is empty if the process had the right to empty it;
 * - cannot gain capabilities by execve(2) (no_new_privs);
 * - can only be inspected with CAP_SYS_PTRACE (not dumpable);
 * - can call only the listed system calls.
 *
 * All of this applies to the calling thread, so no other thread may exist.
 * Returns 0; or -errno, logged (-EBUSY: there are other threads). After a failure the caller must
 * end, because some privileges may already be lost.
 */
int privileges__drop(const struct privileges_opts *opts);

#endif /* PRIVILEGES_H */
