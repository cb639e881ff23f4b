/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * qemu - find the guest's name on QEMU's command line. Pure text.
 */
#ifndef QEMU_H
#define QEMU_H

#include <stdbool.h>
#include <stddef.h>

struct cmdline;

/*
 * Finds the guest's name: -name NAME, or -name guest=NAME among other keys, with a comma escaped as
 * ",,". If -name is repeated, the last one counts, as in QEMU. Without -name, Proxmox VE's -id 100
 * gives "vm100", which is the default name of that guest. The name is truncated to `size` and not
 * sanitized: it may contain any byte but NUL.
 * Returns false if there is no name.
 */
bool qemu__guest_name(const struct cmdline *cmdline, char *raw, size_t size);

#endif /* QEMU_H */
