/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exposition_families - the names, units and help texts of all metrics, as data.
 * gtimehalt(8) describes them.
 */
#ifndef EXPOSITION_FAMILIES_H
#define EXPOSITION_FAMILIES_H

#include <stdbool.h>
#include "export/exposition_writer.h"
#include "report/account.h"
#include "report/columns.h"

/* The levels for which sums are exported. */
enum family_level {
	LEVEL_VCPU,
	LEVEL_VM,
	LEVEL_NODE,
	LEVEL_CNT,
};

struct level_def {
	const char *prefix; /* of a family's name */
	const char *whose;  /* end of the help text */
};

/* A metric that has one family per level. */
struct metric_def {
	const char *name, *unit, *help;
	enum metric metric;
	bool not_of_vcpus;
};

#define METRIC_DEF_CNT 11

extern const struct level_def level_defs[LEVEL_CNT];
extern const struct metric_def metric_defs[METRIC_DEF_CNT];

extern const struct family vm_info_family, vcpus_family, vms_family, stints_family, info_family,
	ratio_family, scrapes_family, run_family, runs_family;
extern const struct family failure_families[FAILURE_CNT]; /* in the order of failure_defs */
extern const struct family scalar_families[SCALAR_CNT];

#endif /* EXPOSITION_FAMILIES_H */
