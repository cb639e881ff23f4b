// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include "steer/unit.h"

#define SERVICE   "org.freedesktop.systemd1"
#define OBJECT    "/org/freedesktop/systemd1"
#define INTERFACE "org.freedesktop.systemd1.Manager"

/* Short, so that a hanging systemd does not stop the main loop for long. */
#define TIMEOUT_US 2000000

int unit__connect(sd_bus **bus)
{
	int err;

	if (sd_booted() <= 0)
		return -ENOENT;
	err = sd_bus_open_system(bus);
	if (err < 0)
		return err;
	err = sd_bus_set_method_call_timeout(*bus, TIMEOUT_US);
	if (err < 0)
		*bus = sd_bus_flush_close_unref(*bus);
	return err < 0 ? err : 0;
}

/*
 * Sets the interface with the cgroup properties of the unit's type. Returns 0; or -ENOENT when
 * units of this type have no cgroup.
 */
static int set_interface(struct systemd_unit *unit)
{
	static const char *const kinds[][2] = {
		{ ".slice", "Slice" },
		{ ".service", "Service" },
		{ ".scope", "Scope" },
	};
	const char *dot = strrchr(unit->name, '.');

	for (size_t i = 0; dot && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(dot, kinds[i][0]) != 0)
			continue;
		snprintf(unit->interface, sizeof(unit->interface), SERVICE ".%s", kinds[i][1]);
		return 0;
	}
	return -ENOENT;
}

/* Finds the D-Bus object of the unit. Uses LoadUnit() because GetUnit() finds only loaded units. */
static int find_object(sd_bus *bus, struct systemd_unit *unit)
{
	sd_bus_message *reply = NULL;
	const char *object;
	int err = sd_bus_call_method(bus, SERVICE, OBJECT, INTERFACE, "LoadUnit", NULL, &reply, "s",
				     unit->name);

	if (err >= 0)
		err = sd_bus_message_read(reply, "o", &object);
	if (err >= 0)
		err = snprintf(unit->object, sizeof(unit->object), "%s", object) <
				      (int)sizeof(unit->object)
			      ? 0
			      : -ENAMETOOLONG;
	sd_bus_message_unref(reply);
	return err;
}

int unit__find(sd_bus *bus, const char *name, struct systemd_unit *unit,
	       char cgroup[static PATH_MAX])
{
	char *path = NULL;
	int err;

	if (snprintf(unit->name, sizeof(unit->name), "%s", name) >= (int)sizeof(unit->name))
		return -ENOENT;
	err = set_interface(unit);
	if (!err)
		err = find_object(bus, unit);
	if (err)
		return err;
	err = sd_bus_get_property_string(bus, SERVICE, unit->object, unit->interface,
					 "ControlGroup", NULL, &path);
	if (err < 0)
		return err;
	if (snprintf(cgroup, PATH_MAX, "%s", *path ? path + 1 : "") >= PATH_MAX)
		err = -ENAMETOOLONG;
	free(path);
	return err < 0 ? err : 0;
}

int unit__read(sd_bus *bus, const struct systemd_unit *unit, struct cpus *cpus)
{
	sd_bus_message *reply = NULL;
	const unsigned char *bytes;
	const void *array;
	size_t size;
	int err = sd_bus_get_property(bus, SERVICE, unit->object, unit->interface, "AllowedCPUs",
				      NULL, &reply, "ay");

	if (err >= 0)
		err = sd_bus_message_read_array(reply, 'y', &array, &size);
	if (err >= 0 && size > CPUS_MAX / 8)
		err = -ERANGE;
	if (err >= 0) {
		*cpus = (struct cpus){ 0 };
		bytes = array;
		for (size_t cpu = 0; cpu < 8 * size; cpu++)
			if (bytes[cpu / 8] & 1U << cpu % 8)
				cpus__add(cpus, (int)cpu);
	}
	sd_bus_message_unref(reply);
	return err < 0 ? err : 0;
}

/*
 * Appends a set of CPUs as systemd encodes it: one bit for each CPU, the lowest first, without zero
 * bytes at the end.
 */
static int append_cpus(sd_bus_message *call, const struct cpus *cpus)
{
	unsigned char bytes[CPUS_MAX / 8] = { 0 };
	size_t size = 0;

	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (!cpus__has(cpus, cpu))
			continue;
		size = (size_t)cpu / 8 + 1;
		bytes[cpu / 8] |= (unsigned char)(1U << cpu % 8);
	}
	return sd_bus_message_append_array(call, 'y', bytes, size);
}

/* SetUnitProperties(name, runtime, [("AllowedCPUs", bytes)]) */
static int fill_call(sd_bus_message *call, const struct systemd_unit *unit, const struct cpus *cpus)
{
	int err = sd_bus_message_append(call, "sb", unit->name, 1);

	if (err >= 0)
		err = sd_bus_message_open_container(call, 'a', "(sv)");
	if (err >= 0)
		err = sd_bus_message_open_container(call, 'r', "sv");
	if (err >= 0)
		err = sd_bus_message_append(call, "s", "AllowedCPUs");
	if (err >= 0)
		err = sd_bus_message_open_container(call, 'v', "ay");
	if (err >= 0)
		err = append_cpus(call, cpus);
	for (int i = 0; err >= 0 && i < 3; i++)
		err = sd_bus_message_close_container(call);
	return err;
}

int unit__write(sd_bus *bus, const struct systemd_unit *unit, const struct cpus *cpus)
{
	sd_bus_message *call = NULL;
	int err = sd_bus_message_new_method_call(bus, &call, SERVICE, OBJECT, INTERFACE,
						 "SetUnitProperties");

	if (err >= 0)
		err = fill_call(call, unit, cpus);
	if (err >= 0)
		err = sd_bus_call(bus, call, 0, NULL, NULL);
	sd_bus_message_unref(call);
	return err < 0 ? err : 0;
}
