/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pin_command - what --pin and --unpin do: start a measurement that goes on without a process, and end it.
 */
#ifndef PIN_COMMAND_H
#define PIN_COMMAND_H

struct hostfs;
struct options;

/*
 * --pin: measures from here on, as the options say; one that is pinned already is kept, and CPUs that have
 * come online since are taken into it. --unpin: ends it; that there is none is no failure.
 * A signal ends the process, but leaves nothing half done; nor anything pinned by a --pin that it ends.
 * Returns 0; -EOPNOTSUPP when this host cannot; or another -errno. Every failure has been logged.
 */
int pin_command__run(const struct options *opts, const struct hostfs *fs);

#endif /* PIN_COMMAND_H */
