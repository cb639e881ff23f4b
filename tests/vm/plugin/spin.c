// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: spin ITERATIONS
 *
 * Executes two instructions per iteration: a known amount of work to check the plugin's instruction
 * counter.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	unsigned long long iterations;
	char *end;

	if (argc != 2) {
		fprintf(stderr, "usage: spin ITERATIONS\n");
		return 2;
	}
	errno = 0;
	iterations = strtoull(argv[1], &end, 10);
	if (errno || end == argv[1] || *end || argv[1][0] == '-' || !iterations) {
		fprintf(stderr, "spin: '%s' is not a count\n", argv[1]);
		return 2;
	}
	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(iterations) : : "cc");
	return 0;
}
