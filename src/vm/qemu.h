/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * qemu - how QEMU tells a guest's name to those who read its command line. Pure text.
 */
#ifndef QEMU_H
#define QEMU_H

#include <stdbool.h>
#include <stddef.h>

struct cmdline;

/*
 * The guest's name on a command line: -name NAME, or -name guest=NAME among other keys, a comma being
 * written twice; as QEMU has it, the last of several counts. Without -name, Proxmox VE's -id 100 is
 * "vm100", as it would itself have named the guest. Cut to fit `size` and as raw as it was given: it
 * may hold any byte but NUL.
 * Returns whether there is one.
 */
bool qemu__guest_name(const struct cmdline *cmdline, char *raw, size_t size);

#endif /* QEMU_H */
