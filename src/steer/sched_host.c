// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/hostfs.h"
#include "base/log.h"
#include "steer/sched_host.h"

/* The first kernel whose functions have the names that the scheduler uses. */
#define MAJOR_MIN 6
#define MINOR_MIN 18

#define SCHED_EXT "sys/kernel/sched_ext/"

/*
 * Reads the first line of a file. Returns 0, with an empty line if there is no such file; or
 * -errno.
 */
static int read_word(const struct hostfs *fs, const char *path, char *word, size_t size)
{
	ssize_t len = hostfs__read(fs, word, size, "%s", path);

	if (len < 0)
		word[0] = '\0';
	word[strcspn(word, "\n")] = '\0';
	return len < 0 && len != -ENOENT ? (int)len : 0;
}

static int check_version(const struct hostfs *fs)
{
	char release[128];
	int major, minor;
	int err = read_word(fs, "proc/sys/kernel/osrelease", release, sizeof(release));

	if (err || sscanf(release, "%d.%d", &major, &minor) != 2 || major > MAJOR_MIN ||
	    (major == MAJOR_MIN && minor >= MINOR_MIN))
		return 0;
	pr_err("--sched needs Linux %d.%d or later, and this is %s: name cgroups instead",
	       MAJOR_MIN, MINOR_MIN, release);
	return -EOPNOTSUPP;
}

int sched_host__check(const struct hostfs *fs)
{
	char state[32], name[128], nohz_full[256];
	int err = check_version(fs);

	if (err)
		return err;
	if (hostfs__exists(fs, SCHED_EXT "state") != 1) {
		pr_err("this kernel has no sched_ext: it must be built with CONFIG_SCHED_CLASS_EXT");
		return -EOPNOTSUPP;
	}
	if (read_word(fs, SCHED_EXT "state", state, sizeof(state)) || strcmp(state, "disabled")) {
		read_word(fs, SCHED_EXT "root/ops", name, sizeof(name));
		pr_err("another scheduler is loaded (%s, %s): end it first", *name ? name : "?",
		       state);
		return -EOPNOTSUPP;
	}
	/* Where no CPU is nohz_full, the file has an empty list, or "(null)". */
	read_word(fs, "sys/devices/system/cpu/nohz_full", nohz_full, sizeof(nohz_full));
	if (strpbrk(nohz_full, "0123456789")) {
		pr_err("CPUs %s are nohz_full, and --sched needs their tick: boot without nohz_full=, or name cgroups instead",
		       nohz_full);
		return -EOPNOTSUPP;
	}
	return 0;
}

int sched_host__check_functions(const struct btf *object, const struct btf *kernel)
{
	/* libbpf removes the list of functions that an object calls, so they are known by name. */
	static const char prefix[] = "scx_bpf_";

	for (__u32 id = 1; id < btf__type_cnt(object); id++) {
		const struct btf_type *type = btf__type_by_id(object, id);
		const char *name = btf__name_by_offset(object, type->name_off);

		if (!btf_is_func(type) || strncmp(name, prefix, strlen(prefix)) ||
		    btf__find_by_name_kind(kernel, name, BTF_KIND_FUNC) >= 0)
			continue;
		pr_err("this kernel has no %s(), which --sched calls: it was renamed, or is not "
		       "configured; name cgroups instead",
		       name);
		return -EOPNOTSUPP;
	}
	return 0;
}
