// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * faulty - makes the faults that the instruments must detect: a test of the instruments.
 *
 *	faulty none|leak|overflow|freed|uninitialised|undefined|open [confined]
 *
 * confined: with only the privileges that the exporter of a recording keeps, and with stderr
 * closed.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rights/privileges.h"
#include "run/exporter_syscalls.h"

/* Volatile, so that the compiler cannot optimise the fault away. */
static char *volatile lost;
static volatile int number = INT_MAX;

static void do_fault(const char *fault)
{
	char *text = malloc(10);

	if (!text)
		return;
	lost = text;
	memset(text, 'a', 5);
	if (!strcmp(fault, "overflow"))
		lost[10 + !number] = 'a';
	if (!strcmp(fault, "undefined"))
		number++;
	/*
	 * Used as a condition, because valgrind reports uninitialised values only where they
	 * matter.
	 */
	if (!strcmp(fault, "uninitialised") && lost[7] == 'b')
		puts("b");
	/* Duplicated twice, because the first copy may become stderr if that is closed. */
	if (!strcmp(fault, "open"))
		(void)!dup(dup(STDOUT_FILENO));
	if (strcmp(fault, "leak"))
		free(text);
	if (!strcmp(fault, "freed"))
		lost[0]++;
	lost = NULL;
}

static int confine(void)
{
	const struct privileges_opts opts = { .syscalls = exporter_syscalls__list(false) };

	close(STDERR_FILENO);
	return privileges__drop(&opts);
}

int main(int argc, char **argv)
{
	if (argc < 2 || (argc > 2 && confine()))
		return 1;
	do_fault(argv[1]);
	return 0;
}
