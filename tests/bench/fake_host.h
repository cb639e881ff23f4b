/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fake_host - a host with many VMs, for those who look at it through hostfs: processes with threads that
 * are named as QEMU names them, in the real /proc, and an MPERF that is TSC. No KVM is needed.
 *
 * Whoever links this links with -Wl,--wrap=hostfs__readlink: a memfd stands for a VM's descriptor.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <linux/types.h>
#include <sys/types.h>
#include "base/hostfs.h"

#define FAKE_HOST_VCPUS_OF_VM 64

struct fake_host {
	unsigned int vcpu_cnt, vm_cnt;
	pid_t *pids;      /* of VMs */
	__u64 *births_ns; /* of VMs, CLOCK_BOOTTIME */
	pid_t *tids;      /* of vCPUs, those of a VM one after another */
	char root[64];
	struct hostfs fs;
};

/* Starts the VMs. Ends the process, with a message, when it cannot. */
void fake_host__start(struct fake_host *host, unsigned int vcpu_cnt);
void fake_host__stop(struct fake_host *host);

/* Prints what failed, and ends the process. */
void die(const char *what, int err) __attribute__((noreturn));

#endif /* FAKE_HOST_H */
