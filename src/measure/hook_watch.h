/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hook_watch - checks whether the kernel still runs the attached programs.
 *
 * Programs can be attached and never run: root can switch off ftrace or all kprobes for the whole
 * host. And kprobes do not hold a reference to their module: when it is unloaded, they are silently
 * removed and do not come back with it (fentry and tracepoints hold a reference). Every vCPU would
 * then seem to sleep.
 *
 * A switch that is on now may have been off since the last look. inotify reports that: each write
 * to a switch is an event (vfs_write() also notifies of files in procfs and debugfs). All
 * descriptors are opened at the start, so that a process can still look after it has given up its
 * rights.
 */
#ifndef HOOK_WATCH_H
#define HOOK_WATCH_H

#include <stdbool.h>
#include <stdio.h>
#include "measure/hooks.h"

struct hostfs;

/* Streams are NULL where no hook depends on the file, or where it cannot be opened. */
struct hook_watch {
	FILE *switches[HOOK_SWITCH_CNT];
	FILE *modules[HOOK_MODULE_CNT];
	bool is_off[HOOK_SWITCH_CNT]; /* as last seen */
	int inotify_fd;               /* -1: none */
	int watches[HOOK_SWITCH_CNT]; /* of inotify_fd */
};

/* State of the hooks since the last look. */
enum hook_state {
	HOOKS_RAN,     /* without a break */
	HOOKS_STOPPED, /* a switch is off */
	HOOKS_RESUMED, /* all switches are on, but one was off, or may have been */
};

/*
 * Checks that programs with these needs would run if they were attached now. Returns 0; or
 * -EOPNOTSUPP after one line on stderr that says which switch is off and how to switch it on.
 */
int hook_watch__check_switches(const struct hostfs *fs, const struct hook_needs *needs);

/*
 * Sets the `instance` of each module that has a name in *needs to that of the loaded module; 0 for
 * code that is built in.
 */
void hook_watch__find_modules(const struct hostfs *fs, struct hook_needs *needs);

/*
 * Begins to watch. Returns 0; or -ESHUTDOWN, logged, when a module instance in *needs is gone,
 * whether or not the module was loaded again since. The caller closes *watch with
 * hook_watch__close() in either case.
 */
int hook_watch__open(const struct hostfs *fs, const struct hook_needs *needs,
		     struct hook_watch *watch);
void hook_watch__close(struct hook_watch *watch);

/*
 * Checks all switches and modules: two or three reads of open descriptors. Logs each change once.
 * Returns an enum hook_state; or -ESHUTDOWN, logged, when a module was unloaded since.
 */
int hook_watch__look(struct hook_watch *watch);

#endif /* HOOK_WATCH_H */
