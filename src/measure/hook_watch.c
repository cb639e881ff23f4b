// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hostfs.h"
#include "base/log.h"
#include "measure/hook_watch.h"

static const struct {
	const char *path;
	const char *name, *switch_on;
} switch_defs[HOOK_SWITCH_CNT] = {
	[HOOK_SWITCH_FTRACE] = { "proc/sys/kernel/ftrace_enabled", "kernel.ftrace_enabled",
				 "sysctl kernel.ftrace_enabled=1" },
	[HOOK_SWITCH_KPROBES] = { "sys/kernel/debug/kprobes/enabled",
				  "/sys/kernel/debug/kprobes/enabled",
				  "echo 1 > /sys/kernel/debug/kprobes/enabled" },
};

int hook_watch__check_switches(const struct hostfs *fs, const struct hook_needs *needs)
{
	for (int i = 0; i < HOOK_SWITCH_CNT; i++) {
		char text[8];

		if (!needs->switches[i] ||
		    hostfs__read(fs, text, sizeof(text), "%s", switch_defs[i].path) <= 0 ||
		    text[0] != '0')
			continue;
		pr_err("%s is 0: the kernel would not run programs attached to KVM's functions; switch it "
		       "on with: %s",
		       switch_defs[i].name, switch_defs[i].switch_on);
		return -EOPNOTSUPP;
	}
	return 0;
}

static FILE *open_module(const struct hostfs *fs, const char *module)
{
	return module[0] ? hostfs__fopen(fs, "sys/module/%s/initstate", module) : NULL;
}

/* sysfs never gives the same inode number to two files (kernfs: an ID and its generation). */
static __u64 instance_of(FILE *stream)
{
	struct stat st;

	return fstat(fileno(stream), &st) ? 0 : st.st_ino;
}

void hook_watch__find_modules(const struct hostfs *fs, struct hook_needs *needs)
{
	for (int i = 0; i < HOOK_MODULE_CNT; i++) {
		FILE *stream = open_module(fs, needs->modules[i].name);

		needs->modules[i].instance = stream ? instance_of(stream) : 0;
		if (stream)
			fclose(stream);
	}
}

static int tell_unloaded(void)
{
	pr_err("KVM was unloaded, which detached the programs from its functions: restart gtimehalt; if "
	       "the measurement is pinned, --unpin and --pin again");
	return -ESHUTDOWN;
}

/* inotify_add_watch() takes a path: use that of the descriptor, so that both refer to one inode. */
static int add_watch(int inotify_fd, FILE *stream)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(stream));
	return inotify_add_watch(inotify_fd, path, IN_MODIFY);
}

static void open_switches(const struct hostfs *fs, const struct hook_needs *needs,
			  struct hook_watch *watch)
{
	for (int i = 0; i < HOOK_SWITCH_CNT; i++) {
		const char *path = switch_defs[i].path;

		if (!needs->switches[i])
			continue;
		watch->switches[i] = hostfs__fopen(fs, "%s", path);
		if (!watch->switches[i]) {
			pr_info("cannot read /%s (%s): gtimehalt will not notice if it is set to 0",
				path, strerror(errno));
			continue;
		}
		if (watch->inotify_fd < 0)
			watch->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (watch->inotify_fd >= 0)
			watch->watches[i] = add_watch(watch->inotify_fd, watch->switches[i]);
		if (watch->watches[i] < 0)
			pr_info("cannot watch /%s (%s): it is read once an interval instead", path,
				strerror(errno));
	}
}

int hook_watch__open(const struct hostfs *fs, const struct hook_needs *needs,
		     struct hook_watch *watch)
{
	*watch = (struct hook_watch){ .inotify_fd = -1, .watches = { -1, -1 } };
	open_switches(fs, needs, watch);
	for (int i = 0; i < HOOK_MODULE_CNT; i++) {
		if (!needs->modules[i].instance)
			continue;
		watch->modules[i] = open_module(fs, needs->modules[i].name);
		if (!watch->modules[i] ||
		    instance_of(watch->modules[i]) != needs->modules[i].instance)
			return tell_unloaded();
	}
	return 0;
}

static void close_streams(FILE **streams, int cnt)
{
	for (int i = 0; i < cnt; i++) {
		if (streams[i])
			fclose(streams[i]);
		streams[i] = NULL;
	}
}

void hook_watch__close(struct hook_watch *watch)
{
	close_streams(watch->switches, HOOK_SWITCH_CNT);
	close_streams(watch->modules, HOOK_MODULE_CNT);
	if (watch->inotify_fd >= 0)
		close(watch->inotify_fd);
	watch->inotify_fd = -1;
}

/*
 * Reads the pending events and sets which switches were written to; all of them if events were
 * dropped.
 */
static void take_events(const struct hook_watch *watch, bool written[static HOOK_SWITCH_CNT])
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t len;

	while (watch->inotify_fd >= 0 && (len = read(watch->inotify_fd, buf, sizeof(buf))) > 0) {
		const struct inotify_event *event;

		for (char *at = buf; at < buf + len; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)at;
			for (int i = 0; i < HOOK_SWITCH_CNT; i++)
				written[i] |= watch->watches[i] >= 0 &&
					      (event->wd == watch->watches[i] || event->wd < 0);
		}
	}
}

/* Returns whether a switch is known to be off; false if its state cannot be read. */
static bool is_off(FILE *stream)
{
	char c;

	return stream && pread(fileno(stream), &c, 1, 0) == 1 && c == '0';
}

/*
 * The kernel shows a new value before it has patched its text, and the event comes when the write
 * is complete. A switch that is seen to be on again too early therefore has another write event
 * later.
 */
static enum hook_state look_at_switch(struct hook_watch *watch, int i, bool is_written)
{
	const char *name = switch_defs[i].name;
	bool was_off = watch->is_off[i];

	watch->is_off[i] = is_off(watch->switches[i]);
	if (watch->is_off[i]) {
		if (!was_off)
			pr_warn("%s is 0: the kernel does not run programs attached to KVM's functions, so "
				"nothing is measured; switch it on with: %s",
				name, switch_defs[i].switch_on);
		return HOOKS_STOPPED;
	}
	if (was_off)
		pr_warn("%s is 1 again: the measurement resumes with the next interval", name);
	else if (is_written)
		pr_warn("%s was written to: the kernel may not have run programs attached to KVM's "
			"functions, so this interval is not measured",
			name);
	return was_off || is_written ? HOOKS_RESUMED : HOOKS_RAN;
}

/*
 * Returns whether a module is gone: sysfs returns ENODEV for a file of an unloaded module, even if
 * the module was loaded again.
 */
static bool is_gone(FILE *stream)
{
	char c;

	return stream && pread(fileno(stream), &c, 1, 0) < 0;
}

int hook_watch__look(struct hook_watch *watch)
{
	bool written[HOOK_SWITCH_CNT] = { false };
	enum hook_state state = HOOKS_RAN;
	bool stopped = false;

	for (int i = 0; i < HOOK_MODULE_CNT; i++)
		if (is_gone(watch->modules[i]))
			return tell_unloaded();
	/*
	 * Take the events before reading the switches, so that the next look also sees writes in
	 * between.
	 */
	take_events(watch, written);
	for (int i = 0; i < HOOK_SWITCH_CNT; i++) {
		enum hook_state one = look_at_switch(watch, i, written[i]);

		stopped |= one == HOOKS_STOPPED;
		if (one != HOOKS_RAN)
			state = one;
	}
	return stopped ? HOOKS_STOPPED : state;
}
