/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cpus - sets of CPUs, and the text form in which the kernel lists them ("0-3,8"). Pure.
 */
#ifndef CPUS_H
#define CPUS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* The most that x86 kernels are built for (CONFIG_NR_CPUS, arch/x86/Kconfig). */
#define CPUS_MAX 8192

/* The longest list has every second CPU: four digits and a comma each. */
#define CPUS_TEXT_MAX (CPUS_MAX / 2 * 5 + 1)

/* All zero: the empty set. */
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

/* Each sets *result, which may be an operand. */
void cpus__and(struct cpus *result, const struct cpus *a, const struct cpus *b);
void cpus__and_not(struct cpus *result, const struct cpus *a, const struct cpus *b);

/*
 * Reads one line, whose end is that of the text or a newline; an empty line is the empty set.
 * Returns 0; or -EINVAL (not a list), -ERANGE (a CPU of CPUS_MAX or above), and *cpus is undefined.
 */
int cpus__parse(const char *line, struct cpus *cpus);

/* Writes the list, without a newline, into text, and returns text. */
char *cpus__format(const struct cpus *cpus, char text[static CPUS_TEXT_MAX]);

#endif /* CPUS_H */
