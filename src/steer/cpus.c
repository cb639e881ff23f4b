// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "steer/cpus.h"

void cpus__and(struct cpus *result, const struct cpus *a, const struct cpus *b)
{
	CPU_AND_S(sizeof(*result), result->sets, a->sets, b->sets);
}

void cpus__and_not(struct cpus *result, const struct cpus *a, const struct cpus *b)
{
	struct cpus both;

	cpus__and(&both, a, b);
	CPU_XOR_S(sizeof(*result), result->sets, a->sets, both.sets);
}

/*
 * Parses a CPU number into *cpu and advances *text past it. Returns 0; -EINVAL when there is no
 * digit; or -ERANGE when the number is CPUS_MAX or above.
 */
static int parse_cpu(const char **text, int *cpu)
{
	const char *digit = *text;

	for (*cpu = 0; *digit >= '0' && *digit <= '9'; digit++) {
		*cpu = 10 * *cpu + (*digit - '0');
		if (*cpu >= CPUS_MAX)
			return -ERANGE;
	}
	if (digit == *text)
		return -EINVAL;
	*text = digit;
	return 0;
}

int cpus__parse(const char *line, struct cpus *cpus)
{
	*cpus = (struct cpus){ 0 };
	while (*line && *line != '\n') {
		int first, last;
		int err = parse_cpu(&line, &first);

		last = first;
		if (!err && *line == '-') {
			line++;
			err = parse_cpu(&line, &last);
		}
		if (err)
			return err;
		if (last < first)
			return -EINVAL;
		for (int cpu = first; cpu <= last; cpu++)
			cpus__add(cpus, cpu);
		if (*line == ',' && line[1] >= '0' && line[1] <= '9')
			line++;
		else if (*line && *line != '\n')
			return -EINVAL;
	}
	return 0;
}

char *cpus__format(const struct cpus *cpus, char text[static CPUS_TEXT_MAX])
{
	size_t len = 0;

	text[0] = '\0';
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		int first = cpu;

		if (!cpus__has(cpus, cpu))
			continue;
		while (cpu + 1 < CPUS_MAX && cpus__has(cpus, cpu + 1))
			cpu++;
		len += (size_t)snprintf(text + len, CPUS_TEXT_MAX - len,
					first == cpu ? "%s%d" : "%s%d-%d", len ? "," : "", first,
					cpu);
	}
	return text;
}
