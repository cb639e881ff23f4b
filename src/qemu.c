// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdint.h>
#include <string.h>
#include "number.h"
#include "qemu.h"

/*
 * Copies one value of a QEMU option list, in which a comma is written twice. Returns its end: a
 * single comma, or the end of the list. raw NULL: only skip it.
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
 * The guest's name from the value of -name, "web" or "debug-threads=on,guest=web". As in QEMU, the
 * first element needs no key, and the last guest= counts, were it empty. Returns whether there is one.
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

bool qemu__guest_name(const char *cmdline, size_t len, bool cut, char *raw, size_t size)
{
	bool found = false, is_value = false;
	size_t word_len;

	for (size_t pos = 0; pos < len; pos += word_len + 1) {
		const char *word = cmdline + pos;

		word_len = strlen(word);
		if (cut && pos + word_len == len)
			break;
		if (is_value)
			found = parse_name_value(word, raw, size) || found;
		is_value = !is_value && (!strcmp(word, "-name") || !strcmp(word, "--name"));
	}
	return found && raw[0];
}

bool qemu__vcpu_id(char *comm, __u32 *vcpu_id)
{
	static const char prefix[] = "CPU ", suffix[] = "/KVM";
	char *digits, *end;
	__u64 value;

	comm[strcspn(comm, "\n")] = '\0';
	if (strncmp(comm, prefix, strlen(prefix)))
		return false;
	digits = comm + strlen(prefix);
	end = strchr(digits, '/');
	if (!end || strcmp(end, suffix))
		return false;
	*end = '\0';
	if (number__parse(digits, UINT32_MAX, &value))
		return false;
	*vcpu_id = (__u32)value;
	return true;
}
