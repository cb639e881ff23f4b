// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "base/log.h"
#include "rights/privileges.h"
#include "rights/syscall_filter.h"

/* A directory also has the entries "." and "..". */
static int check_single_thread(void)
{
	DIR *dir = opendir("/proc/self/task");
	int entry_cnt = 0;

	if (!dir)
		return log__failure("count the threads of this process", -errno);
	while (readdir(dir))
		entry_cnt++;
	closedir(dir);
	return log__failure("drop the privileges of several threads", entry_cnt == 3 ? 0 : -EBUSY);
}

/*
 * Empties the bounding set, so that execve(2) cannot regain capabilities. This
 * needs CAP_SETPCAP, so it comes first.
 */
static int drop_bounds(void)
{
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
		pr_info("the capability bounding set is not emptied: this needs CAP_SETPCAP");
		return 0;
	}
	capng_clear(CAPNG_SELECT_BOUNDS);
	return capng_apply(CAPNG_SELECT_BOUNDS) ? -EPERM : 0;
}

static int become(const struct privileges_opts *opts)
{
	const char *name = opts->user ? opts->user : PRIVILEGES_DEFAULT_USER;
	const struct passwd *user;

	if (geteuid()) {
		pr_info("not root: the user is not changed");
		return 0;
	}
	errno = 0;
	user = getpwnam(name);
	if (!user) {
		if (errno)
			return log__failure("look up the user", -errno);
		pr_err("there is no user %s", name);
		return -ENOENT;
	}
	/*
	 * PR_SET_KEEPCAPS: without it, setresuid() from root to another user
	 * would clear all capabilities.
	 */
	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(opts->group_cnt, opts->groups) ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid)) {
		int err = -errno;

		pr_err("cannot switch to user %s: %s%s", name, strerror(-err),
		       err == -EPERM ? "; this needs CAP_SETUID and CAP_SETGID" : "");
		return err;
	}
	pr_info("switched to user %s", name);
	return 0;
}

/*
 * Makes `cap` the only effective capability. The other candidates stay permitted
 * until one has been chosen.
 */
static int wield(const struct privileges_opts *opts, const bool *permitted, int cap)
{
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < opts->cap_cnt; i++)
		if (permitted[i] && opts->caps[i] != PRIVILEGES_NONE)
			capng_update(CAPNG_ADD, CAPNG_PERMITTED, (unsigned int)opts->caps[i]);
	if (cap != PRIVILEGES_NONE)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, (unsigned int)cap);
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

#define CAPS_MAX 4

/*
 * Finds the first capability with which works() succeeds. Returns 0 and *kept; or -errno, logged.
 */
static int choose_cap(const struct privileges_opts *opts, int *kept)
{
	bool permitted[CAPS_MAX];
	int err = -EPERM;

	*kept = PRIVILEGES_NONE;
	if (!opts->cap_cnt)
		return 0;
	if (opts->cap_cnt > CAPS_MAX)
		return -EINVAL;
	capng_get_caps_process();
	for (size_t i = 0; i < opts->cap_cnt; i++)
		permitted[i] = opts->caps[i] == PRIVILEGES_NONE ||
			       capng_have_capability(CAPNG_PERMITTED, (unsigned int)opts->caps[i]);
	for (size_t i = 0; i < opts->cap_cnt; i++) {
		if (!permitted[i])
			continue;
		err = wield(opts, permitted, opts->caps[i]);
		if (!err)
			err = opts->works(opts->arg);
		if (!err) {
			*kept = opts->caps[i];
			return 0;
		}
		if (err != -EPERM && err != -EACCES)
			break;
	}
	return log__failure("continue with fewer privileges", err);
}

/* libcap-ng uses lower-case names without the prefix CAP_. */
static void say_kept(int cap)
{
	const char *name = capng_capability_to_name((unsigned int)cap);
	char upper[32] = "";

	for (size_t i = 0; name && name[i] && i < sizeof(upper) - 1; i++)
		upper[i] = (char)toupper((unsigned char)name[i]);
	pr_info("keeps CAP_%s, which this kernel requires, and no other capability", upper);
}

static int keep_only(int cap)
{
	capng_clear(CAPNG_SELECT_CAPS);
	capng_clear(CAPNG_SELECT_AMBIENT);
	if (cap != PRIVILEGES_NONE) {
		capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned int)cap, -1);
		say_kept(cap);
	}
	/*
	 * The ambient set can be emptied without a capability, and cannot exceed
	 * the permitted set anyway.
	 */
	return capng_apply(CAPNG_SELECT_CAPS) || capng_apply(CAPNG_SELECT_AMBIENT) ? -EPERM : 0;
}

static int close_doors(void)
{
	if (prctl(PR_SET_KEEPCAPS, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 0))
		return -errno;
	return 0;
}

int privileges__drop(const struct privileges_opts *opts)
{
	int kept;
	int err = check_single_thread();

	if (err)
		return err;
	capng_get_caps_process();
	err = log__failure("empty the capability bounding set", drop_bounds());
	if (!err)
		err = become(opts);
	if (!err)
		err = choose_cap(opts, &kept);
	if (!err)
		err = log__failure("drop the capabilities", keep_only(kept));
	if (!err)
		err = log__failure("forbid new privileges", close_doors());
	if (!err && opts->syscalls)
		err = log__failure("filter the system calls", syscall_filter__load(opts->syscalls));
	return err;
}
