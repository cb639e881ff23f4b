/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kvm_wait - waits until KVM has been loaded: --wait.
 */
#ifndef KVM_WAIT_H
#define KVM_WAIT_H

struct hostfs;
struct interval;

/*
 * Looks once a second whether KVM is there. Returns 1 when it is; 0 when a signal has ended the waiting;
 * -EOPNOTSUPP, logged, when something else is missing, which no waiting brings; or another -errno, logged.
 */
int kvm_wait__run(const struct hostfs *fs, const struct interval *interval);

#endif /* KVM_WAIT_H */
