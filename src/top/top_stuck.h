/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_stuck - survive a terminal that accepts no output because of Ctrl-S or a
 * stopped terminal emulator.
 *
 * Curses loops until everything is written. With the terminating signals blocked, only SIGKILL
 * could end such a loop, and if the descriptor is non-blocking, the loop does not even sleep.
 */
#ifndef TOP_STUCK_H
#define TOP_STUCK_H

#include <stdbool.h>
#include <signal.h>

struct top_stuck {
	struct sigaction before; /* previous action of SIGALRM, which this module uses */
};

/* Installs the handler. Only one instance may be open, because there is only one SIGALRM. */
void top_stuck__open(struct top_stuck *stuck);
void top_stuck__close(const struct top_stuck *stuck);

/*
 * Enclose code that writes to stdout. While the terminal accepts nothing, the process sleeps. If a
 * terminating signal is pending, or is_ending is set and a second has passed, the pending output is
 * discarded and Ctrl-S is undone.
 */
void top_stuck__begin(bool is_ending);
void top_stuck__end(void);

#endif /* TOP_STUCK_H */
