/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* plan - probes the host and plans the hooks that are to be attached. */
#ifndef PLAN_H
#define PLAN_H

#include "measure/hooks.h"
#include "report/snapshot.h"

struct host;
struct hostfs;

/*
 * Probes the host into *host, and plans as hooks__plan(). The plan borrows from *host.
 * Returns 0; -EOPNOTSUPP when this host cannot be measured, or not with the wanted hook; or another
 * -errno: logged.
 */
int plan__make(const struct hostfs *fs, enum measure_mode mode, enum hook wanted, struct host *host,
	       struct hook_plan *plan);

#endif /* PLAN_H */
