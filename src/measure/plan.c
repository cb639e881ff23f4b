// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "measure/armed.h"
#include "measure/host.h"
#include "measure/plan.h"

int plan__make(const struct hostfs *fs, enum measure_mode mode, enum hook wanted, struct host *host,
	       struct hook_plan *plan)
{
	int err = host__probe(fs, host);

	if (err)
		return err;
	if (wanted == HOOK_ENTER_GUEST)
		host__find_enter_guest(fs, host);
	err = hooks__plan(host, mode, wanted, plan);
	return err ? err : armed__check(fs, plan);
}
