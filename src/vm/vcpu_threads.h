/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vcpu_threads - find the vCPU threads of a process and their vCPU numbers.
 *
 * Three sources, best first: KVM's debugfs; the descriptor on which a thread waits in KVM_RUN; the
 * thread's name. The first two give KVM's own number, as the BPF side does. The name does not:
 * QEMU's "CPU 3/KVM" contains its cpu_index, whereas KVM's number is the APIC ID. The two differ if
 * the number of cores per socket or of threads per core is not a power of two.
 */
#ifndef VCPU_THREADS_H
#define VCPU_THREADS_H

#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>

struct hostfs;
struct kvm_dirs;

struct vm_thread {
	pid_t tid;
	__u32 vcpu_id;
	__u64 kvm; /* distinguishes VMs of one process, below 2^56; 0: unknown */
};

struct vm_threads {
	struct vm_thread *threads; /* sorted by tid */
	size_t cnt;
	size_t room;
	size_t all_cnt; /* all threads of the process, vCPUs or not */
	size_t kvm_cnt; /* VMs of the process that debugfs lists */
};

/*
 * Replaces *threads by the vCPU threads of a process. dirs: what kvm_debugfs__list() found,
 * possibly nothing.
 * Returns 0, -ESRCH or another -errno; on failure there are no threads.
 */
int vcpu_threads__read(const struct hostfs *fs, pid_t pid, const struct kvm_dirs *dirs,
		       struct vm_threads *threads);

/*
 * Merges into `threads`, read with fewer rights, what was known `before`: a thread that still
 * exists keeps its number and VM, whether it was found again or not. Returns 0 or -ENOMEM.
 */
int vcpu_threads__keep(const struct hostfs *fs, pid_t pid, const struct vm_threads *before,
		       struct vm_threads *threads);
void vcpu_threads__free(struct vm_threads *threads);

#endif /* VCPU_THREADS_H */
