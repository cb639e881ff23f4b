/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * std_fds - make sure that the descriptors 0 to 2 are open.
 */
#ifndef STD_FDS_H
#define STD_FDS_H

/*
 * Opens a placeholder, which can be neither read nor written, for each standard descriptor that is
 * closed. Otherwise a file opened later could get its number, and messages would be written into
 * that file. Call it before anything is opened. Returns 0 or -errno.
 */
int std_fds__fill(void);

#endif /* STD_FDS_H */
