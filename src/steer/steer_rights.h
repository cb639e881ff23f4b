/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * steer_rights - drops the privileges of a run once everything that needs them is open.
 */
#ifndef STEER_RIGHTS_H
#define STEER_RIGHTS_H

#include <stdbool.h>

/*
 * Drops the privileges as privileges__drop() does. user: NULL for the default one. writes_file: the
 * run writes a textfile. works: checks that the run can go on with the remaining privileges, as in
 * struct privileges_opts; NULL: it needs none. Returns 0 or -errno, logged.
 */
int steer_rights__drop(const char *user, bool writes_file, int (*works)(void *arg), void *arg);

#endif /* STEER_RIGHTS_H */
