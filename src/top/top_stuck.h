/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_stuck - writing to a terminal that takes nothing: somebody has pressed Ctrl-S, or what shows it has stopped. Curses
 * writes until all is written, and with the signals blocked that end a process nothing but SIGKILL would end that;
 * where the descriptor does not block, it does not even sleep meanwhile.
 */
#ifndef TOP_STUCK_H
#define TOP_STUCK_H

#include <stdbool.h>
#include <signal.h>

struct top_stuck {
	struct sigaction before; /* of SIGALRM, which does it */
};

/* Must not be done twice: there is but one SIGALRM. */
void top_stuck__open(struct top_stuck *stuck);
void top_stuck__close(const struct top_stuck *stuck);

/*
 * Around what writes to stdout. While that takes nothing the process sleeps; when one of the signals that end it is
 * pending, or it is ending and a second is over, what has not been taken is thrown away, and so is what Ctrl-S holds.
 */
void top_stuck__begin(bool is_ending);
void top_stuck__end(void);

#endif /* TOP_STUCK_H */
