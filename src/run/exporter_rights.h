/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exporter_rights - drop the exporter's privileges before it answers requests. See privileges.h for
 * what is dropped and exporter_syscalls.h for the system calls that stay allowed.
 */
#ifndef EXPORTER_RIGHTS_H
#define EXPORTER_RIGHTS_H

struct options;
struct source;

/*
 * Drops the privileges. Call it when everything that needs them is attached, bound and open. Does
 * nothing if a recording is only converted into a file, because that run ends at once.
 * Returns 0; or -errno, logged: then the exporter must not go on.
 */
int exporter_rights__drop(const struct options *opts, struct source *source);

#endif /* EXPORTER_RIGHTS_H */
