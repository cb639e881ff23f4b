/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * proc - parse the files of /proc/PID that describe processes, threads and descriptors.
 */
#ifndef PROC_H
#define PROC_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>

struct hostfs;

/*
 * Maps -ENOENT to -ESRCH: both mean that the process has exited, before its file was opened or
 * after.
 * Returns any other error unchanged.
 */
int proc__error(int err);

/*
 * Returns whether an error means that we lack the right to look.
 *
 * Another user's process lets everybody read its stat, status, cmdline, cgroup and comm, and comm
 * and schedstat of its threads. Its descriptors, and the system call in which a thread waits, need
 * the right to trace the process; KVM's debugfs needs root. With hidepid=1 nothing is readable.
 */
bool proc__is_closed(int err);

/*
 * Reads when a process started, in clock ticks since boot (field 22 of /proc/PID/stat), which
 * identifies the process together with its PID.
 * Returns 0, -ESRCH, -EPROTO (stat has an unknown format) or another -errno.
 */
int proc__read_start(const struct hostfs *fs, pid_t pid, __u64 *start_ticks);

/*
 * Opens /proc/PID/task for proc__thread_cnt(). The descriptor stands for this process, also when
 * its PID is reused. Returns the descriptor, which the caller closes, -ESRCH or another -errno.
 */
int proc__open_task(const struct hostfs *fs, pid_t pid);

/*
 * Returns the number of threads, which the kernel adds to the directory's link count
 * (proc_task_getattr() in fs/proc/base.c), -ESRCH, or another -errno.
 */
long proc__thread_cnt(int task_fd);

/*
 * Returns whether `pid` is a thread other than the first one of its process: /proc/TID exists for
 * every thread, although a listing of /proc shows processes only. Returns false if the status is
 * not readable.
 */
bool proc__is_thread(const struct hostfs *fs, pid_t pid);

/* Reads entries of a directory up to the next number. Returns 1, 0 at the end, or -errno. */
int proc__next_number(DIR *dir, __u64 *number);

/*
 * Returns 0 if this descriptor of the process is a VM, -ENODEV if not, or the -errno of readlink().
 */
int proc__check_vm_fd(const struct hostfs *fs, pid_t pid, int fd);

/* Reads which vCPU a descriptor is. Returns 0, -ENODEV (not a vCPU) or the -errno of readlink(). */
int proc__read_vcpu_fd(const struct hostfs *fs, pid_t pid, int fd, __u32 *vcpu_id);

/*
 * Reads /proc/PID/task/TID/syscall of a blocked thread.
 * Returns the descriptor on which it waits in KVM_RUN, -ENODEV if it does not, or another -errno.
 */
int proc__kvm_run_fd(const struct hostfs *fs, pid_t pid, pid_t tid);

#endif /* PROC_H */
