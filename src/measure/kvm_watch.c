// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "base/hostfs.h"
#include "base/log.h"
#include "measure/hooks.h"
#include "measure/host.h"
#include "measure/kvm_watch.h"

static bool attaches_to(const struct hook_plan *plan, const char *target)
{
	for (size_t i = 0; i < plan->point_cnt; i++)
		if (!strcmp(plan->points[i].target, target))
			return true;
	return false;
}

void kvm_watch__open(const struct hostfs *fs, const struct host *host, const struct hook_plan *plan,
		     struct kvm_watch *watch)
{
	watch->kvm = hostfs__fopen(fs, "sys/module/kvm/initstate");
	watch->vendor = NULL;
	if (attaches_to(plan, host->run_function))
		watch->vendor = hostfs__fopen(fs, "sys/module/%s/initstate", host->vendor_module);
}

void kvm_watch__close(struct kvm_watch *watch)
{
	if (watch->kvm)
		fclose(watch->kvm);
	if (watch->vendor)
		fclose(watch->vendor);
	*watch = (struct kvm_watch){ 0 };
}

/* Of a module that is gone sysfs has ENODEV, also when another one has its name. */
static bool is_gone(FILE *stream)
{
	char c;

	return stream && pread(fileno(stream), &c, 1, 0) < 0;
}

int kvm_watch__check(const struct kvm_watch *watch)
{
	if (!is_gone(watch->kvm) && !is_gone(watch->vendor))
		return 0;
	pr_err("KVM was unloaded, and what was attached to it has gone with it: start gtimehalt again");
	return -ESHUTDOWN;
}
