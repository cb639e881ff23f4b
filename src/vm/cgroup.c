// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <string.h>
#include "vm/cgroup.h"

/* A path component has at most NAME_MAX (255) bytes. */
#define PART_MAX 256

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/*
 * Undoes the escaping of systemd.unit(5), "String escaping": \xHH stands for a byte, "-" for "/".
 */
static void unescape(char *name)
{
	char *to = name;

	for (const char *from = name; *from; from++) {
		int high, low;

		if (from[0] == '\\' && from[1] == 'x' && (high = hex_digit(from[2])) >= 0 &&
		    (low = hex_digit(from[3])) >= 0 && (high || low)) {
			*to++ = (char)(high << 4 | low);
			from += 3;
		} else {
			*to++ = *from == '-' ? '/' : *from;
		}
	}
	*to = '\0';
}

/*
 * Finds the guest's name in a machine name of libvirt, see its
 * virDomainDriverGenerateMachineName(): DRIVER-ID-NAME. DRIVER may contain hyphens: QEMU with an
 * embedded root directory is "qemu-embed-HASH".
 * Returns a pointer into `machine`, or NULL.
 */
static const char *machine_guest(const char *machine)
{
	const char *part = machine;

	if (!isalpha((unsigned char)*part))
		return NULL;
	while ((part = strchr(part, '-'))) {
		size_t digits = strspn(++part, "0123456789");

		if (digits && part[digits] == '-')
			return part[digits + 1] ? part + digits + 1 : NULL;
	}
	return NULL;
}

static bool strip_suffix(char *part, const char *suffix)
{
	size_t len = strlen(part), suffix_len = strlen(suffix);

	if (len <= suffix_len || strcmp(part + len - suffix_len, suffix))
		return false;
	part[len - suffix_len] = '\0';
	return true;
}

static const char *part_guest(char *part)
{
	static const char scope[] = "machine-";

	if (!strncmp(part, scope, strlen(scope)) && strip_suffix(part, ".scope")) {
		part += strlen(scope);
		unescape(part);
		return machine_guest(part);
	}
	if (strip_suffix(part, ".libvirt-qemu") || strip_suffix(part, ".libvirt-ch"))
		return machine_guest(part);
	return NULL;
}

bool cgroup__guest_name(const char *text, char *raw, size_t size)
{
	char part[PART_MAX];

	while (*text) {
		size_t len = strcspn(text, "/\n");

		if (len && len < sizeof(part)) {
			const char *guest;

			memcpy(part, text, len);
			part[len] = '\0';
			guest = part_guest(part);
			if (guest) {
				len = strnlen(guest, size - 1);
				memcpy(raw, guest, len);
				raw[len] = '\0';
				return true;
			}
		}
		text += len;
		text += *text ? 1 : 0;
	}
	return false;
}
