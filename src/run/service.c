// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdint.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include "base/clock.h"
#include "base/log.h"
#include "run/service.h"

static void told(int result)
{
	if (result < 0)
		pr_debug("cannot notify systemd: %s", strerror(-result));
}

void service__ready(void)
{
	told(sd_notify(0, "READY=1"));
}

void service__alive(size_t vm_cnt, size_t vcpu_cnt)
{
	told(sd_notifyf(0, "WATCHDOG=1\nSTATUS=%zu VM%s, %zu vCPU%s", vm_cnt,
			vm_cnt == 1 ? "" : "s", vcpu_cnt, vcpu_cnt == 1 ? "" : "s"));
}

void service__alive_scheduler(void)
{
	told(sd_notify(0, "WATCHDOG=1\nSTATUS=scheduling"));
}

/* Half of the watchdog's timeout, as sd_watchdog_enabled(3) advises. */
__u64 service__watchdog_ns(void)
{
	uint64_t patience_us;

	return sd_watchdog_enabled(0, &patience_us) > 0 ? patience_us * 1000 / 2 : 0;
}

/* Type=notify-reload (since systemd 253) requires the time; older versions ignore it. */
void service__reloading(void)
{
	told(sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", clock__now_ns() / 1000));
}

void service__stopping(void)
{
	told(sd_notify(0, "STOPPING=1"));
}
