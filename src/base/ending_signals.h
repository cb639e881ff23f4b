/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ending_signals - hold back the signals that ask a process to end, while work
 * must not be left half done.
 */
#ifndef ENDING_SIGNALS_H
#define ENDING_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/*
 * Returns whether a signal is ignored, as SIGHUP is under nohup(1). A signalfd
 * would receive it nevertheless.
 */
bool ending_signals__is_ignored(int number);

/*
 * Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT, except those that are ignored. Pass *before to
 * ending_signals__release(); a signal that arrived in between then ends the process.
 */
void ending_signals__hold(sigset_t *before);
void ending_signals__release(const sigset_t *before);

/* Returns whether one of the blocked signals is pending. */
bool ending_signals__is_asked(void);

#endif /* ENDING_SIGNALS_H */
