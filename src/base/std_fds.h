/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * std_fds - the descriptors 0 to 2 are there, whoever started the process.
 */
#ifndef STD_FDS_H
#define STD_FDS_H

/*
 * Puts something that can neither be read nor written in place of those that are closed, so that nothing else comes
 * to have their number: what is printed would go there. Before anything is opened. Returns 0 or -errno.
 */
int std_fds__fill(void);

#endif /* STD_FDS_H */
