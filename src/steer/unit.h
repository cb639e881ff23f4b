/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * unit - AllowedCPUs= of systemd's units, over D-Bus. systemd is the only writer of the cgroups of
 * its units: it may write them again at any time, with the values that it knows.
 *
 * systemd lets a peer change units that was root when it connected (sd_bus_query_sender_privilege()
 * in src/libsystemd/sd-bus/bus-convenience.c asks the bus for the user of the connection): so the
 * connection may be used after the rights to open one are gone.
 */
#ifndef UNIT_H
#define UNIT_H

#include <limits.h>
#include <systemd/sd-bus.h>
#include "steer/cpus.h"

struct systemd_unit {
	char name[256];   /* systemd's UNIT_NAME_MAX */
	char object[512]; /* its path on the bus */
	char interface[64];
};

/*
 * Connects to systemd. Returns 0 and *bus, which the caller ends with sd_bus_flush_close_unref();
 * -ENOENT when the host was not booted with systemd; or another -errno.
 */
int unit__connect(sd_bus **bus);

/*
 * Finds a unit by its name, and the path of its cgroup without a slash in front: empty when it has
 * none, as one that does not run. Returns 0; -ENOENT (no unit of that name can have a cgroup); or
 * another -errno.
 */
int unit__find(sd_bus *bus, const char *name, struct systemd_unit *unit,
	       char cgroup[static PATH_MAX]);

/* The unit's AllowedCPUs=; empty: it has none. Each returns 0 or -errno. */
int unit__read(sd_bus *bus, const struct systemd_unit *unit, struct cpus *cpus);

/*
 * Sets it until the next boot at most. systemd has written the cgroup some time after this has
 * returned 0, and of several calls in a row it may write the last alone.
 */
int unit__write(sd_bus *bus, const struct systemd_unit *unit, const struct cpus *cpus);

#endif /* UNIT_H */
