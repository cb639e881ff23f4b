/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vmm - how virtual machine monitors differ, as seen from /proc: the name of the program, the place
 * of the guest's name on its command line, the names of its vCPU threads. Pure text, driven by one
 * table.
 */
#ifndef VMM_H
#define VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct cmdline;

/* One kind of VMM; opaque. */
struct vmm;

/*
 * Finds the VMM by the path of its executable, such as "/usr/bin/qemu-system-x86_64 (deleted)".
 * Returns NULL if it is unknown.
 */
const struct vmm *vmm__of_program(const char *path);

/*
 * Finds the guest's name on the command line; vmm is NULL for an unknown VMM. The name is truncated
 * to `size` and not sanitized: it may contain any byte but NUL.
 * Returns false if there is no name.
 */
bool vmm__guest_name(const struct vmm *vmm, const struct cmdline *cmdline, char *raw, size_t size);

/*
 * Like vmm__guest_name(), but derives the name from the control socket: its file name without the
 * extension, or its directory if that program calls all its sockets alike.
 */
bool vmm__socket_name(const struct vmm *vmm, const struct cmdline *cmdline, char *raw, size_t size);

/*
 * Parses the vCPU number in a thread's name, such as "CPU 3/KVM" or "fc_vcpu 3". comm may end with
 * a newline and is modified. Returns false, with *vcpu_id unchanged, if it is no such name.
 */
bool vmm__vcpu_id(char *comm, __u32 *vcpu_id);

#endif /* VMM_H */
