// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <string.h>
#include "vm/cgroup.h"

/* A path component has at most NAME_MAX (255) bytes. */
#define PART_MAX 256

/* Digits of a container's ID, at least, and how many of them tools show. */
#define ID_MIN   32
#define ID_SHOWN 12

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

/* Copies the next component of a path of the text, and goes on. Returns false at the end. */
static bool next_part(const char **text, char part[static PART_MAX])
{
	while (**text) {
		size_t len = strcspn(*text, "/\n");
		const char *begin = *text;

		*text += len;
		*text += **text ? 1 : 0;
		if (!len || len >= PART_MAX)
			continue;
		memcpy(part, begin, len);
		part[len] = '\0';
		return true;
	}
	return false;
}

static void copy(char *raw, size_t size, const char *name)
{
	size_t len = strnlen(name, size - 1);

	memcpy(raw, name, len);
	raw[len] = '\0';
}

bool cgroup__guest_name(const char *text, char *raw, size_t size)
{
	char part[PART_MAX];

	while (next_part(&text, part)) {
		const char *guest = part_guest(part);

		if (!guest)
			continue;
		copy(raw, size, guest);
		return true;
	}
	return false;
}

/*
 * Container runtimes name a control group by the container's ID of 64 digits, as a scope of systemd
 * ("docker-ID.scope", "cri-containerd-ID.scope") or by the ID alone. Leaves 12 of the digits.
 */
static bool is_container(char *part)
{
	size_t len, digits = 0;

	strip_suffix(part, ".scope");
	len = strlen(part);
	while (digits < len && hex_digit(part[len - 1 - digits]) >= 0)
		digits++;
	if (digits < ID_MIN || (digits < len && part[len - 1 - digits] != '-'))
		return false;
	part[len - digits + ID_SHOWN] = '\0';
	return true;
}

static bool is_service(const char *part)
{
	static const char suffix[] = ".service", users[] = "user@";
	size_t len = strlen(part);

	return len > strlen(suffix) && !strcmp(part + len - strlen(suffix), suffix) &&
	       strncmp(part, users, strlen(users)) != 0;
}

bool cgroup__manager_name(const char *text, char *raw, size_t size)
{
	char part[PART_MAX];
	bool found = false;

	/* A container may be in a service and have services in it. */
	while (next_part(&text, part)) {
		bool contains = is_container(part);

		if (!contains && !is_service(part))
			continue;
		copy(raw, size, part);
		found = true;
		if (contains)
			break;
	}
	return found;
}
