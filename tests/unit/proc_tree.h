/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * proc_tree - simulated processes, threads, VMs and KVM debugfs directories below a tree.
 */
#ifndef PROC_TREE_H
#define PROC_TREE_H

#include <errno.h>
#include <stdbool.h>
#include "tree.h"

#define KVM_VM "anon_inode:kvm-vm"

__attribute__((format(printf, 2, 3))) static inline char *proc_tree__path(char buf[256],
									  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(buf, 256, format, args);
	va_end(args);
	return buf;
}

static inline void proc_tree__write(const struct tree *tree, const char *name, const char *text)
{
	tree__write(tree, name, text, strlen(text));
}

static inline void proc_tree__write_stat(const struct tree *tree, pid_t pid, const char *comm,
					 unsigned int start)
{
	char name[256], stat[512];

	snprintf(
		stat, sizeof(stat),
		"%d (%s) S 1 %d %d 0 -1 4194560 3 4 5 6 7 8 9 10 20 0 2 0 %u 2147483648 2000 "
		"18446744073709551615 1 1 0 0 0 0 0 4096 1088 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0\n",
		pid, comm, pid, pid, start);
	proc_tree__write(tree, proc_tree__path(name, "proc/%d/stat", pid), stat);
}

/*
 * Adds a process that started at tick 1000 + pid, with memory, no descriptors and one thread of the
 * same name.
 */
static inline void proc_tree__add_process(const struct tree *tree, pid_t pid, const char *comm)
{
	char name[256], text[256];

	tree__mkdir(tree, proc_tree__path(name, "proc/%d", pid));
	tree__mkdir(tree, proc_tree__path(name, "proc/%d/fd", pid));
	tree__mkdir(tree, proc_tree__path(name, "proc/%d/task", pid));
	tree__mkdir(tree, proc_tree__path(name, "proc/%d/task/%d", pid, pid));
	proc_tree__write_stat(tree, pid, comm, 1000 + (unsigned int)pid);
	snprintf(text, sizeof(text), "%s\n", comm);
	proc_tree__write(tree, proc_tree__path(name, "proc/%d/comm", pid), text);
	proc_tree__write(tree, proc_tree__path(name, "proc/%d/task/%d/comm", pid, pid), text);
	proc_tree__write(tree, proc_tree__path(name, "proc/%d/cmdline", pid), "");
	proc_tree__write(tree, proc_tree__path(name, "proc/%d/statm", pid), "300 20 10 5 0 30 0\n");
	snprintf(text, sizeof(text), "Name:\t%s\nUmask:\t0022\nTgid:\t%d\nPid:\t%d\n", comm, pid,
		 pid);
	proc_tree__write(tree, proc_tree__path(name, "proc/%d/status", pid), text);
}

static inline void proc_tree__add_fd(const struct tree *tree, pid_t pid, int fd, const char *target)
{
	char name[256];

	tree__symlink(tree, proc_tree__path(name, "proc/%d/fd/%d", pid, fd), target);
}

static inline void proc_tree__add_thread(const struct tree *tree, pid_t pid, pid_t tid,
					 const char *comm)
{
	char name[256], text[64];

	tree__mkdir(tree, proc_tree__path(name, "proc/%d/task/%d", pid, tid));
	snprintf(text, sizeof(text), "%.60s\n", comm);
	proc_tree__write(tree, proc_tree__path(name, "proc/%d/task/%d/comm", pid, tid), text);
}

static inline void proc_tree__add_vm(const struct tree *tree, pid_t pid, const char *comm)
{
	proc_tree__add_process(tree, pid, comm);
	proc_tree__add_fd(tree, pid, 0, "/dev/null");
	proc_tree__add_fd(tree, pid, 11, "/dev/kvm");
	proc_tree__add_fd(tree, pid, 12, KVM_VM);
	proc_tree__add_fd(tree, pid, 13, "anon_inode:kvm-vcpu:0");
	proc_tree__add_thread(tree, pid, pid + 1, "CPU 0/KVM");
}

static inline void proc_tree__remove_process(const struct tree *tree, pid_t pid)
{
	char name[256];

	tree__remove(tree, proc_tree__path(name, "proc/%d", pid));
}

/* Adds KVM's debugfs directory of a VM; proc_tree__add_kvm_vcpu() adds its vCPUs. */
static inline void proc_tree__add_kvm(const struct tree *tree, pid_t creator, int vm_fd)
{
	static const char *const dirs[] = { "sys", "sys/kernel", "sys/kernel/debug",
					    "sys/kernel/debug/kvm" };
	char name[256];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		mkdirat(tree->fs.root_fd, dirs[i], 0755);
	tree__mkdir(tree, proc_tree__path(name, "sys/kernel/debug/kvm/%d-%d", creator, vm_fd));
	proc_tree__write(tree,
			 proc_tree__path(name, "sys/kernel/debug/kvm/%d-%d/exits", creator, vm_fd),
			 "0\n");
}

/*
 * `tid` is 0 for a vCPU that has never run, and negative for a kernel that does not expose the
 * thread ID.
 */
static inline void proc_tree__add_kvm_vcpu(const struct tree *tree, pid_t creator, int vm_fd,
					   unsigned int vcpu_id, pid_t tid)
{
	char name[256], text[32];

	tree__mkdir(tree, proc_tree__path(name, "sys/kernel/debug/kvm/%d-%d/vcpu%u", creator, vm_fd,
					  vcpu_id));
	if (tid < 0)
		return;
	snprintf(text, sizeof(text), "%d\n", tid);
	proc_tree__write(tree,
			 proc_tree__path(name, "sys/kernel/debug/kvm/%d-%d/vcpu%u/pid", creator,
					 vm_fd, vcpu_id),
			 text);
}

/* Writes /proc/PID/task/TID/syscall of a thread that is in the ioctl KVM_RUN on descriptor `fd`. */
static inline void proc_tree__wait_in_kvm(const struct tree *tree, pid_t pid, pid_t tid, int fd)
{
	char name[256], text[128];

	snprintf(text, sizeof(text),
		 "16 0x%x 0xae80 0x0 0x0 0x7f0000000000 0x1 0x7f0000001000 0x7f0000002000\n",
		 (unsigned int)fd);
	proc_tree__write(tree, proc_tree__path(name, "proc/%d/task/%d/syscall", pid, tid), text);
}

/* Changes the mode of a file; does nothing if the file does not exist. */
static inline void proc_tree__chmod(const struct tree *tree, const char *name, mode_t mode)
{
	int err = fchmodat(tree->fs.root_fd, name, mode, 0);

	assert_true(!err || errno == ENOENT);
}

/*
 * Makes the files that are private to a process, and KVM's debugfs if present, unreadable
 * (`closed`) or readable again, which teardown needs.
 */
static inline void proc_tree__set_closed(const struct tree *tree, pid_t pid, bool closed)
{
	char name[256];

	proc_tree__chmod(tree, proc_tree__path(name, "proc/%d/fd", pid), closed ? 0 : 0755);
	for (pid_t tid = pid; tid < pid + 10; tid++)
		proc_tree__chmod(tree, proc_tree__path(name, "proc/%d/task/%d/syscall", pid, tid),
				 closed ? 0 : 0400);
	proc_tree__chmod(tree, "sys/kernel/debug", closed ? 0 : 0755);
}

#endif /* PROC_TREE_H */
