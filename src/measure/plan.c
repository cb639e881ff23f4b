// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "measure/hook_watch.h"
#include "measure/host.h"
#include "measure/plan.h"

int plan__make(const struct hostfs *fs, enum measure_mode mode, enum hook wanted, struct host *host,
	       struct hook_plan *plan)
{
	int err = host__probe(fs, host);

	if (err)
		return err;
	if (mode == MODE_ENTRY &&
	    (wanted == HOOK_ENTER_GUEST || wanted == HOOK_KPROBE || !host->has_module_btf))
		host__find_functions(fs, host);
	err = hooks__plan(host, mode, wanted, plan);
	if (!err)
		hook_watch__find_modules(fs, &plan->needs);
	if (!err)
		err = hook_watch__check_switches(fs, &plan->needs);
	return err;
}
