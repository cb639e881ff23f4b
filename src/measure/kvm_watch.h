/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kvm_watch - notices that KVM was unloaded under a measurement.
 *
 * fentry and tracepoints keep their module; kprobes do not. They go with it, say nothing, and do not come back when
 * it is loaded again: what is measured from then on would be vCPUs that never run.
 */
#ifndef KVM_WATCH_H
#define KVM_WATCH_H

#include <stdio.h>

struct host;
struct hook_plan;
struct hostfs;

/* Streams of files of the modules, which are dead when the module is, whether or not it was loaded again; or NULL. */
struct kvm_watch {
	FILE *kvm, *vendor;
};

/*
 * Looks at the modules whose functions the plan attaches to. Called before anything is attached. What is built in,
 * or cannot be opened, is not watched.
 */
void kvm_watch__open(const struct hostfs *fs, const struct host *host, const struct hook_plan *plan,
		     struct kvm_watch *watch);
void kvm_watch__close(struct kvm_watch *watch);

/* Returns 0, or -ESHUTDOWN, logged: one of the modules has been unloaded since. */
int kvm_watch__check(const struct kvm_watch *watch);

#endif /* KVM_WATCH_H */
