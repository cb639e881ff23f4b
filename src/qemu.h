/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * qemu - how QEMU tells a guest's name and its vCPUs to those who read its command line and the names
 * of its threads. Pure text.
 */
#ifndef QEMU_H
#define QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/*
 * The guest's name on a command line of len bytes, NUL between the words; `cut`: the last word may
 * not be whole. Cut to fit `size` and as raw as it was given: it may hold any byte but NUL.
 * Returns whether there is one.
 */
bool qemu__guest_name(const char *cmdline, size_t len, bool cut, char *raw, size_t size);

/*
 * The number in "CPU 3/KVM", as QEMU names its vCPU threads. comm may end in a line break, and is
 * changed. Returns whether it is such a name.
 */
bool qemu__vcpu_id(char *comm, __u32 *vcpu_id);

#endif /* QEMU_H */
