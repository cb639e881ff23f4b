/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup - the name under which libvirt registers a VM with systemd, in the path of its control group.
 * Pure text.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The guest's name in the text of /proc/PID/cgroup, version 1 or 2: "web-1" of
 * "0::/machine.slice/machine-qemu\x2d3\x2dweb\x2d1.scope/libvirt/emulator", or, where there is no systemd,
 * of "/machine/qemu-3-web-1.libvirt-qemu". Cut to fit `size` and raw: it may hold any byte but NUL.
 * Returns whether there is one.
 */
bool cgroup__guest_name(const char *text, char *raw, size_t size);

#endif /* CGROUP_H */
