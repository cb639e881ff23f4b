/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kvm_debugfs - KVM's own account of its VMs, /sys/kernel/debug/kvm: a directory TID-FD for each VM,
 * named after the thread that created it and its descriptor there; in it vcpuN/pid, the thread that ran
 * vCPU N last (since Linux 6.0, e36de87d34a7 "KVM: debugfs: expose pid of vcpu threads").
 *
 * The one place that tells the VMs of a process apart and knows vCPU threads that are not named. It may
 * be absent, not mounted or closed to us, and says then what an empty one would.
 */
#ifndef KVM_DEBUGFS_H
#define KVM_DEBUGFS_H

#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>

struct hostfs;

struct kvm_dir {
	pid_t creator; /* the thread that created the VM; it may have ended */
	int vm_fd;
};

/* The VMs of the host at one moment, sorted by creator and descriptor. */
struct kvm_dirs {
	struct kvm_dir *dirs;
	size_t cnt;
	size_t room;
};

struct kvm_vcpu {
	__u32 vcpu_id;
	pid_t tid; /* 0: has never run, or this kernel does not say */
};

struct kvm_vcpus {
	struct kvm_vcpu *vcpus; /* in no order */
	size_t cnt;
	size_t room;
};

/* Lists the VMs, in place of those that were listed before. Returns 0 or -ENOMEM: then none. */
int kvm_debugfs__list(const struct hostfs *fs, struct kvm_dirs *dirs);
void kvm_dirs__free(struct kvm_dirs *dirs);

/* The first VM that a thread created; those of the same creator follow it. NULL: none. */
const struct kvm_dir *kvm_dirs__find(const struct kvm_dirs *dirs, pid_t creator);

/*
 * Reads the vCPUs of one VM, in place of those that were read before.
 * Returns 0 or -ENOMEM: then none. A VM that has gone has none.
 */
int kvm_debugfs__read_vcpus(const struct hostfs *fs, const struct kvm_dir *dir,
			    struct kvm_vcpus *vcpus);
void kvm_vcpus__free(struct kvm_vcpus *vcpus);

#endif /* KVM_DEBUGFS_H */
