/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vmm - what virtual machine monitors have in common and where they differ, as seen from /proc: which
 * program is which, where a guest's name stands on its command line, how its vCPU threads are called.
 * Pure text; one table drives all.
 */
#ifndef VMM_H
#define VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct cmdline;

/* One program that runs VMs; opaque. */
struct vmm;

/*
 * Which one it is, by the path of its program ("/usr/bin/qemu-system-x86_64 (deleted)"), or NULL.
 */
const struct vmm *vmm__of_program(const char *path);

/*
 * The guest's name on its command line; vmm NULL: an unknown one. Cut to fit `size` and as raw as it was
 * given: it may hold any byte but NUL.
 * Returns whether there is one.
 */
bool vmm__guest_name(const struct vmm *vmm, const struct cmdline *cmdline, char *raw, size_t size);

/*
 * The same by what only hints at it: the path of the control socket, without its ending, or the folder
 * that it is in when all sockets of that program are called alike.
 */
bool vmm__socket_name(const struct vmm *vmm, const struct cmdline *cmdline, char *raw, size_t size);

/*
 * The vCPU's number in a thread's name, such as "CPU 3/KVM" or "fc_vcpu 3". comm may end in a line
 * break, and is changed. Returns whether it is such a name; *vcpu_id is left alone otherwise.
 */
bool vmm__vcpu_id(char *comm, __u32 *vcpu_id);

#endif /* VMM_H */
