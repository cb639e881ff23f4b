/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * process_title - what ps(1) and top(1) call a process that was forked and did not execute another program.
 */
#ifndef PROCESS_TITLE_H
#define PROCESS_TITLE_H

/*
 * Sets the name (15 bytes are shown) and, in place of the command line, of which as much is shown as fits, the
 * title. All of argv is lost. Where /proc does not tell where the command line is, the name alone is set.
 */
void process_title__set(const char *name, const char *title);

#endif /* PROCESS_TITLE_H */
