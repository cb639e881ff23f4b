/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vcpu_threads - which threads of a process are vCPUs, and of what number.
 *
 * Three sources, best first: KVM's debugfs; the descriptor on which a thread waits in KVM_RUN; the
 * thread's name. The first two know KVM's own number, which the BPF side has too. Names do not: QEMU's
 * "CPU 3/KVM" is its cpu_index, KVM's number the APIC ID, and the two part where a socket or core has not
 * a power of two of the next smaller thing.
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
	__u64 kvm; /* tells the VMs of a process apart, below 2^56; 0: not known which */
};

struct vm_threads {
	struct vm_thread *threads; /* sorted by tid */
	size_t cnt;
	size_t room;
	size_t all_cnt; /* threads of the process, vCPUs or not */
	size_t kvm_cnt; /* VMs that debugfs says the process has */
};

/*
 * Reads the vCPU threads of a process, in place of those that were read before; dirs: what
 * kvm_debugfs__list() found, maybe nothing.
 * Returns 0, -ESRCH or another -errno; on failure there are none.
 */
int vcpu_threads__read(const struct hostfs *fs, pid_t pid, const struct kvm_dirs *dirs,
		       struct vm_threads *threads);

/*
 * Puts what was known before into what was read with fewer rights: of a thread that is there still, its number and
 * its VM, whether it was found again or not. Returns 0 or -ENOMEM.
 */
int vcpu_threads__keep(const struct hostfs *fs, pid_t pid, const struct vm_threads *before,
		       struct vm_threads *threads);
void vcpu_threads__free(struct vm_threads *threads);

#endif /* VCPU_THREADS_H */
