/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * plan - from this host to the hooks that are to be attached.
 */
#ifndef PLAN_H
#define PLAN_H

#include "measure/hooks.h"
#include "report/snapshot.h"

struct host;
struct hostfs;

/*
 * Probes the host, and plans as hooks__plan(). The plan borrows from *host.
 * Returns 0; -EOPNOTSUPP when this host cannot be measured, or not so; or another -errno: logged.
 */
int plan__make(const struct hostfs *fs, enum measure_mode mode, enum hook wanted, struct host *host,
	       struct hook_plan *plan);

#endif /* PLAN_H */
