/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * unit - AllowedCPUs= of systemd units, over D-Bus. systemd is the only writer of its units'
 * cgroups: it may rewrite them at any time with the values that it knows.
 *
 * systemd lets a D-Bus peer change units if the peer was root when it connected, because
 * sd_bus_query_sender_privilege() in src/libsystemd/sd-bus/bus-convenience.c asks the bus for the
 * user of the connection. A connection that was opened as root therefore works after privileges are
 * dropped.
 */
#ifndef UNIT_H
#define UNIT_H

#include <limits.h>
#include <systemd/sd-bus.h>
#include "steer/cpus.h"

struct systemd_unit {
	char name[256];   /* UNIT_NAME_MAX of systemd */
	char object[512]; /* D-Bus object path */
	char interface[64];
};

/*
 * Connects to systemd. Returns 0 and *bus, which the caller closes with sd_bus_flush_close_unref();
 * -ENOENT when the host was not booted with systemd; or another -errno.
 */
int unit__connect(sd_bus **bus);

/*
 * Finds a unit by its name. cgroup: the path of its cgroup without a leading slash; empty when
 * there is none, for example because the unit is not running. Returns 0; -ENOENT when no unit of
 * this name can have a cgroup; or another -errno.
 */
int unit__find(sd_bus *bus, const char *name, struct systemd_unit *unit,
	       char cgroup[static PATH_MAX]);

/* Reads AllowedCPUs= of the unit; empty: not configured. Returns 0 or -errno. */
int unit__read(sd_bus *bus, const struct systemd_unit *unit, struct cpus *cpus);

/*
 * Sets AllowedCPUs= of the unit, until the next boot at most. systemd writes the cgroup some time
 * after this has returned 0; after several calls in a row, it may write only the last set. Returns
 * 0 or -errno.
 */
int unit__write(sd_bus *bus, const struct systemd_unit *unit, const struct cpus *cpus);

#endif /* UNIT_H */
