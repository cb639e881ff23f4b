/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kvm_debugfs - the VMs and vCPUs that KVM lists in /sys/kernel/debug/kvm: one directory TID-FD per
 * VM, named after the thread that created the VM and the VM's descriptor in that process. In it,
 * vcpuN/pid is the thread that last ran vCPU N (since Linux 6.0, e36de87d34a7 "KVM: debugfs: expose
 * pid of vcpu threads").
 *
 * This is the only source that distinguishes several VMs of one process and that knows vCPU threads
 * without a telling name. If debugfs is missing, not mounted or not readable, it looks as if there
 * were no VMs.
 */
#ifndef KVM_DEBUGFS_H
#define KVM_DEBUGFS_H

#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>

struct hostfs;

struct kvm_dir {
	pid_t creator; /* the thread that created the VM; it may have exited */
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
	pid_t tid; /* 0: never ran, or this kernel does not have the file */
};

struct kvm_vcpus {
	struct kvm_vcpu *vcpus; /* unsorted */
	size_t cnt;
	size_t room;
};

/* Replaces *dirs by the VMs that exist now. Returns 0, or -ENOMEM with *dirs empty. */
int kvm_debugfs__list(const struct hostfs *fs, struct kvm_dirs *dirs);
void kvm_dirs__free(struct kvm_dirs *dirs);

/* Returns the first VM that this thread created, or NULL; its other VMs follow in dirs->dirs. */
const struct kvm_dir *kvm_dirs__find(const struct kvm_dirs *dirs, pid_t creator);

/*
 * Replaces *vcpus by the vCPUs of one VM, or by none if the VM no longer exists.
 * Returns 0, or -ENOMEM with *vcpus empty.
 */
int kvm_debugfs__read_vcpus(const struct hostfs *fs, const struct kvm_dir *dir,
			    struct kvm_vcpus *vcpus);
void kvm_vcpus__free(struct kvm_vcpus *vcpus);

#endif /* KVM_DEBUGFS_H */
