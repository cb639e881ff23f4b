/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * service - what a program that runs for long tells systemd, if that has started it (sd_notify(3)). Else, all of
 * this does nothing. Nothing here fails: what is measured does not depend on who watches.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stddef.h>
#include <linux/types.h>

/* It measures, and listens where it is to; also when it has reloaded what it was asked to. */
void service__ready(void);

/*
 * A snapshot has been taken, of so many VMs and vCPUs: the only sign of life there is. One that takes none is to
 * be ended and started again. To be called at least every service__watchdog_ns(), 0: as one likes.
 */
void service__alive(size_t vm_cnt, size_t vcpu_cnt);
__u64 service__watchdog_ns(void);

/* SIGHUP has come; service__ready() follows. */
void service__reloading(void);

/* A signal has come, or a failure: it is about to end. */
void service__stopping(void);

#endif /* SERVICE_H */
