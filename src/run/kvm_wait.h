/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kvm_wait - --wait: wait until KVM's modules are loaded.
 */
#ifndef KVM_WAIT_H
#define KVM_WAIT_H

struct hostfs;
struct interval;

/*
 * Checks once a second whether KVM is there.
 * Returns 1 if it is; 0 if a signal ended the wait; -EOPNOTSUPP, logged, if something else is
 * missing, for which it makes no sense to wait; or another -errno, logged.
 */
int kvm_wait__run(const struct hostfs *fs, const struct interval *interval);

#endif /* KVM_WAIT_H */
