/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * service - report the state of a long-running program to systemd (sd_notify(3)). Does nothing if
 * the program was not started by systemd. Failures are ignored, because the measurement does not
 * depend on the supervisor.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stddef.h>
#include <linux/types.h>

/* Reports that the program is measuring and listening, at the start and after a reload. */
void service__ready(void);

/*
 * Reports that a snapshot has been taken, and the number of VMs and vCPUs in it. This is the only
 * watchdog message, so that systemd restarts a program that takes no snapshots. Call it at least
 * once per service__watchdog_ns(), which is 0 if there is no watchdog.
 */
void service__alive(size_t vm_cnt, size_t vcpu_cnt);
__u64 service__watchdog_ns(void);

/* The same for a run that takes no snapshots. */
void service__alive_scheduler(void);

/* Reports that SIGHUP was received; service__ready() must follow. */
void service__reloading(void);

/* Reports that the program is about to end, because of a signal or a failure. */
void service__stopping(void);

#endif /* SERVICE_H */
