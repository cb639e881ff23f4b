/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exporter_rights - what the exporter gives up before it answers anybody: see privileges.h for what that is, and
 * exporter_syscalls.h for what it can still call.
 */
#ifndef EXPORTER_RIGHTS_H
#define EXPORTER_RIGHTS_H

struct options;
struct source;

/*
 * To be called when all is attached, bound and open that takes a right. Only a recording that is made into a file
 * leaves things as they are: it is over at once. Returns 0 or -errno, logged: then the exporter must not go on.
 */
int exporter_rights__drop(const struct options *opts, struct source *source);

#endif /* EXPORTER_RIGHTS_H */
