// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "vm/cmdline.h"
#include "base/number.h"
#include "vm/qemu.h"

/*
 * Copies one value of a QEMU option list, in which a comma is escaped as ",,". With raw NULL it
 * only skips the value. Returns where the value ends: at a single comma or at the end of the list.
 */
static const char *copy_value(const char *value, char *raw, size_t size)
{
	size_t len = 0;

	for (; *value && (*value != ',' || value[1] == ','); value++) {
		if (*value == ',')
			value++;
		if (raw && len < size - 1)
			raw[len++] = *value;
	}
	if (raw)
		raw[len] = '\0';
	return value;
}

/*
 * Parses the value of -name: "web" or "debug-threads=on,guest=web". As in QEMU, the first element
 * needs no key, and the last guest= counts, even if it is empty. Returns whether there is a name.
 */
static bool parse_name_value(const char *list, char *raw, size_t size)
{
	const char *next = list;
	bool found = false;

	while (*next) {
		size_t key_len = strcspn(next, "=,");
		bool is_guest = next == list;

		if (next[key_len] == '=') {
			is_guest = key_len == strlen("guest") && !strncmp(next, "guest", key_len);
			next += key_len + 1;
		}
		next = copy_value(next, is_guest ? raw : NULL, size);
		found = found || is_guest;
		if (*next == ',')
			next++;
	}
	return found;
}

/*
 * Proxmox VE patches QEMU to accept -id NUMBER, and then names the guest "vmNUMBER" by default. The
 * command lines that Proxmox VE generates also contain -name (qemu-server, config_to_command());
 * hand-written ones may not.
 */
static bool proxmox_name(const struct cmdline *cmdline, char *raw, size_t size)
{
	const char *id = cmdline__option(cmdline, "-id");
	__u64 number;

	if (!id || number__parse(id, UINT32_MAX, &number))
		return false;
	snprintf(raw, size, "vm%s", id);
	return true;
}

bool qemu__guest_name(const struct cmdline *cmdline, char *raw, size_t size)
{
	bool found = false, is_value = false;
	const char *word;
	size_t pos = 0;

	while ((word = cmdline__next(cmdline, &pos))) {
		if (is_value)
			found = parse_name_value(word, raw, size) || found;
		is_value = !is_value && (!strcmp(word, "-name") || !strcmp(word, "--name"));
	}
	return (found && raw[0]) || proxmox_name(cmdline, raw, size);
}
