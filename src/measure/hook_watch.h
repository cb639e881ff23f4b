/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hook_watch - whether the kernel still runs what is attached.
 *
 * Programs can be attached and never run: root can switch off ftrace, or all kprobes, for the whole host; and kprobes
 * do not hold their module: they go with it, say nothing, and do not come back with it (fentry and tracepoints hold
 * theirs). Every vCPU would then seem to sleep.
 *
 * That a switch is on proves nothing of the time since it was last looked at. inotify does: each write to a switch is
 * an event (vfs_write() notifies of files in procfs and debugfs too). All descriptors are opened at the start, so that a
 * process that has given up its rights can still look.
 */
#ifndef HOOK_WATCH_H
#define HOOK_WATCH_H

#include <stdbool.h>
#include <stdio.h>
#include "measure/hooks.h"

struct hostfs;

/* Streams are NULL where nothing depends on the file, or where it cannot be opened. */
struct hook_watch {
	FILE *switches[HOOK_SWITCH_CNT];
	FILE *modules[HOOK_MODULE_CNT];
	bool is_off[HOOK_SWITCH_CNT]; /* as last seen */
	int inotify_fd;               /* -1: none */
	int watches[HOOK_SWITCH_CNT]; /* of inotify_fd */
};

/* What may be said of the time since the last look. */
enum hook_state {
	HOOKS_RAN,     /* without a break */
	HOOKS_STOPPED, /* a switch is off */
	HOOKS_RESUMED, /* all switches are on, but one was off, or may have been */
};

/*
 * Whether programs that need what `needs` says would run if they were attached now. Returns 0; or -EOPNOTSUPP when one
 * line on stderr has said what is switched off, and how it is switched on.
 */
int hook_watch__check_switches(const struct hostfs *fs, const struct hook_needs *needs);

/*
 * The instances of the modules that are loaded now, of those in needs that have a name: sets their `instance`, which
 * is 0 for what is built in.
 */
void hook_watch__find_modules(const struct hostfs *fs, struct hook_needs *needs);

/*
 * Begins to watch. Returns 0; or -ESHUTDOWN, logged: an instance of a module that needs names is gone, whether or not
 * the module was loaded again since. The caller ends it with hook_watch__close() in either case.
 */
int hook_watch__open(const struct hostfs *fs, const struct hook_needs *needs,
		     struct hook_watch *watch);
void hook_watch__close(struct hook_watch *watch);

/*
 * Looks at all of it: two or three reads of open descriptors. A change is logged, once. Returns an enum hook_state; or
 * -ESHUTDOWN, logged: a module has been unloaded since.
 */
int hook_watch__look(struct hook_watch *watch);

#endif /* HOOK_WATCH_H */
