/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ending_signals - those by which a process is asked to end: held back while something is half done.
 */
#ifndef ENDING_SIGNALS_H
#define ENDING_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Whether a signal is ignored, as nohup(1) has it for SIGHUP: whoever reads it from a descriptor gets it all the same. */
bool ending_signals__is_ignored(int number);

/*
 * From here on SIGINT, SIGTERM, SIGHUP and SIGQUIT wait, but for those that are ignored. *before is for
 * ending_signals__release(), at which one that has come ends the process.
 */
void ending_signals__hold(sigset_t *before);
void ending_signals__release(const sigset_t *before);

/* Whether one has come that is held. */
bool ending_signals__is_asked(void);

#endif /* ENDING_SIGNALS_H */
