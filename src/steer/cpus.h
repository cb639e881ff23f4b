/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cpus - sets of CPUs, and the list format in which the kernel prints them ("0-3,8"). Pure.
 */
#ifndef CPUS_H
#define CPUS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* The largest CONFIG_NR_CPUS that arch/x86/Kconfig allows. */
#define CPUS_MAX 8192

/* The longest list has every second CPU, with at most four digits and a comma for each. */
#define CPUS_TEXT_MAX (CPUS_MAX / 2 * 5 + 1)

/* A zeroed struct is the empty set. */
struct cpus {
	cpu_set_t sets[CPUS_MAX / CPU_SETSIZE];
};

static inline void cpus__add(struct cpus *cpus, int cpu)
{
	CPU_SET_S((size_t)cpu, sizeof(*cpus), cpus->sets);
}

static inline bool cpus__has(const struct cpus *cpus, int cpu)
{
	return CPU_ISSET_S((size_t)cpu, sizeof(*cpus), cpus->sets);
}

static inline int cpus__cnt(const struct cpus *cpus)
{
	return CPU_COUNT_S(sizeof(*cpus), cpus->sets);
}

static inline bool cpus__equal(const struct cpus *a, const struct cpus *b)
{
	return CPU_EQUAL_S(sizeof(*a), a->sets, b->sets);
}

/* Intersection of a and b, and a without b. *result may be one of the operands. */
void cpus__and(struct cpus *result, const struct cpus *a, const struct cpus *b);
void cpus__and_not(struct cpus *result, const struct cpus *a, const struct cpus *b);

/*
 * Parses one line, which ends at a newline or at the end of the text; an empty line is the empty
 * set. Returns 0; -EINVAL when the line is not a list of CPUs; or -ERANGE when a CPU number is
 * CPUS_MAX or above. On failure *cpus is undefined.
 */
int cpus__parse(const char *line, struct cpus *cpus);

/* Writes the list into text, without a newline. Returns text. */
char *cpus__format(const struct cpus *cpus, char text[static CPUS_TEXT_MAX]);

#endif /* CPUS_H */
