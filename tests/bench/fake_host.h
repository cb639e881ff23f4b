/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fake_host - a host with many VMs for code that uses hostfs: processes with threads named like
 * QEMU's in the real /proc, and an MPERF that is TSC. No KVM is needed.
 *
 * Programs link this with -Wl,--wrap=hostfs__readlink, because a memfd stands for a VM's
 * descriptor.
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
	__u64 *births_ns; /* start times of VMs, CLOCK_BOOTTIME */
	pid_t *tids;      /* of vCPUs, grouped by VM */
	char root[64];
	struct hostfs fs;
};

/* Starts the VMs. On failure, prints a message and exits. */
void fake_host__start(struct fake_host *host, unsigned int vcpu_cnt);
void fake_host__stop(struct fake_host *host);

/* Prints what failed, and exits. */
void die(const char *what, int err) __attribute__((noreturn));

#endif /* FAKE_HOST_H */
