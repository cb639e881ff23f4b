/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * topology - which CPUs the host can have, which of them are siblings, and which are isolated.
 */
#ifndef TOPOLOGY_H
#define TOPOLOGY_H

#include <sys/types.h>
#include "steer/cpus.h"

struct hostfs;

struct topology {
	int cpu_cnt;          /* the greatest number of a possible CPU, and one */
	int *core_of;         /* the first of its SMT siblings; itself where that is not known */
	struct cpus isolated; /* by isolcpus= of the kernel's command line */
};

/* Returns 0 or -errno. The caller ends it with topology__free(). */
int topology__read(const struct hostfs *fs, struct topology *topology);
void topology__free(struct topology *topology);

/* The CPU that a thread is on, or was on last; below 0 when it has ended. */
int topology__cpu_of(const struct hostfs *fs, pid_t tid);

#endif /* TOPOLOGY_H */
