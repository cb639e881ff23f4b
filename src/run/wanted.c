// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "base/log.h"
#include "measure/measure_opts.h"
#include "report/snapshot.h"
#include "run/wanted.h"

int wanted__narrow(const struct measure_opts *opts, struct snapshot *snap)
{
	filter__apply(&opts->filter, snap);
	if (!opts->histogram)
		snap->has_stints = false;
	if (opts->histogram && !snap->has_stints) {
		pr_err("the recording has no histogram: it was made without -H");
		return -ENODATA;
	}
	return 0;
}
