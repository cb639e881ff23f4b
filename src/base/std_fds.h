/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * std_fds - prepare the descriptors of this process when it starts.
 */
#ifndef STD_FDS_H
#define STD_FDS_H

/*
 * Opens a placeholder, which can be neither read nor written, for each standard descriptor that is
 * closed. Otherwise a file opened later could get its number, and messages would be written into
 * that file. Call it before anything is opened. Returns 0 or -errno.
 */
int std_fds__fill(void);

/*
 * Raises the limit of open files as far as this process may. Each CPU, each VM and each client of
 * the exporter takes descriptors, and the usual soft limit of 1024 is for programs that call
 * select().
 */
void std_fds__raise_limit(void);

#endif /* STD_FDS_H */
