/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup - the VM's name in the path of its control group, where libvirt and systemd put it. Pure
 * text.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Extracts the guest's name from the text of /proc/PID/cgroup (version 1 or 2): "web-1" from
 * "0::/machine.slice/machine-qemu\x2d3\x2dweb\x2d1.scope/libvirt/emulator", or, without systemd,
 * from "/machine/qemu-3-web-1.libvirt-qemu". The name is truncated to `size` and not sanitized: it
 * may contain any byte but NUL.
 * Returns false if there is no such name.
 */
bool cgroup__guest_name(const char *text, char *raw, size_t size);

/*
 * Extracts what manages the process, from the same text: the container ("docker-0123456789ab", with
 * as much of its ID as tools show), or else the innermost unit of systemd that is a service
 * ("firecracker@web.service"). Sessions of users are none. Truncated and not sanitized, as above.
 * Returns false if there is none.
 */
bool cgroup__manager_name(const char *text, char *raw, size_t size);

#endif /* CGROUP_H */
