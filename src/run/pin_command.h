/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pin_command - --pin and --unpin: start a measurement that goes on without a process, and end it.
 */
#ifndef PIN_COMMAND_H
#define PIN_COMMAND_H

struct hostfs;
struct measure_opts;
struct pin_opts;

/*
 * --pin: starts a measurement as the options say, without their filter. If one is already pinned,
 * it is kept, and CPUs that have come online since are added to it. --unpin: ends it; if there is
 * none, that is no failure.
 *
 * Signals are held back until the work is done, so that nothing is left half pinned. A --pin that
 * got a signal removes what it has pinned.
 *
 * Returns 0; -EOPNOTSUPP if this host cannot be measured; or another -errno. Every failure has been
 * logged.
 */
int pin_command__run(const struct pin_opts *command, const struct measure_opts *opts,
		     const struct hostfs *fs);

#endif /* PIN_COMMAND_H */
