/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * process_title - set the name that ps(1) and top(1) show for a process that
 * forked without an exec.
 */
#ifndef PROCESS_TITLE_H
#define PROCESS_TITLE_H

/*
 * Sets the comm (at most 15 bytes are kept), and overwrites the command line
 * with the title, truncated to fit. The contents of argv are lost. If
 * /proc/self/stat is not readable, only the comm is set.
 */
void process_title__set(const char *name, const char *title);

#endif /* PROCESS_TITLE_H */
