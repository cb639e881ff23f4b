/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * topology - which CPUs the host can have, which of them are SMT siblings, and which are isolated.
 */
#ifndef TOPOLOGY_H
#define TOPOLOGY_H

#include <sys/types.h>
#include "steer/cpus.h"

struct hostfs;

struct topology {
	int cpu_cnt;          /* the highest number of a possible CPU, plus one */
	int *core_of;         /* the lowest of its SMT siblings; the CPU itself if unknown */
	struct cpus isolated; /* by isolcpus= on the kernel command line */
};

/* Reads the topology. Returns 0 or -errno. The caller frees it with topology__free(). */
int topology__read(const struct hostfs *fs, struct topology *topology);
void topology__free(struct topology *topology);

/* Returns the CPU on which a thread runs or ran last; negative when the thread has ended. */
int topology__cpu_of(const struct hostfs *fs, pid_t tid);

#endif /* TOPOLOGY_H */
