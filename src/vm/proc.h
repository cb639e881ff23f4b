/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * proc - the forms in which /proc speaks of processes and threads.
 */
#ifndef PROC_H
#define PROC_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>

struct hostfs;

/* What /proc/PID/stat tells of a process. */
struct proc_stat {
	__u64 start_ticks; /* field 22: with the pid, the process's identity */
	__u64 thread_cnt;  /* field 20 */
};

/*
 * Two causes of one thing: the process had ended before the path was opened (-ENOENT), or after
 * (-ESRCH). Returns -ESRCH for both, any other error as it is.
 */
int proc__error(int err);

/*
 * Whether an error says that we lack the right to look. What is for all to read of another user's process are
 * stat, status, cmdline, cgroup and comm, and of its threads comm and schedstat; its descriptors, and what its
 * threads wait for, are for who may trace it, and KVM's debugfs is root's. With hidepid=1 nothing is.
 */
bool proc__is_closed(int err);

/* Returns 0, -ESRCH, -EPROTO (a stat of an unknown form) or another -errno. */
int proc__read_stat(const struct hostfs *fs, pid_t pid, struct proc_stat *stat);

/*
 * Whether a number is that of a thread which is not its process's first: /proc/TID exists for every thread,
 * though /proc lists processes only. False when that cannot be told.
 */
bool proc__is_thread(const struct hostfs *fs, pid_t pid);

/* The next entry of a directory that is a number. Returns 1, 0 at the end, or -errno. */
int proc__next_number(DIR *dir, __u64 *number);

/* Whether a descriptor of the process is a VM: 0, -ENODEV, or the -errno of the look. */
int proc__check_vm_fd(const struct hostfs *fs, pid_t pid, int fd);

/* Which vCPU a descriptor of the process is: 0, -ENODEV (none), or the -errno of the look. */
int proc__read_vcpu_fd(const struct hostfs *fs, pid_t pid, int fd, __u32 *vcpu_id);

/*
 * The descriptor on which a blocked thread is in KVM_RUN, from /proc/PID/task/TID/syscall.
 * Returns it, or -ENODEV (it is not), or another -errno.
 */
int proc__kvm_run_fd(const struct hostfs *fs, pid_t pid, pid_t tid);

#endif /* PROC_H */
