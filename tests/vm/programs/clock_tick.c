// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * clock_tick - make CLOCK_MONOTONIC run at TICK / 10000 of its rate, as NTP does to slew the clock.
 *
 * usage: clock_tick TICK
 */
#include <err.h>
#include <stdlib.h>
#include <sys/timex.h>

int main(int argc, char **argv)
{
	struct timex timex = { .modes = ADJ_TICK };

	if (argc != 2)
		errx(2, "usage: clock_tick TICK");
	timex.tick = atol(argv[1]);
	if (adjtimex(&timex) < 0)
		err(1, "adjtimex");
	return 0;
}
