// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include "base/ending_signals.h"
#include "base/log.h"
#include "measure/bpf_loader.h"
#include "measure/host.h"
#include "measure/pin_writer.h"
#include "measure/pin_dir.h"
#include "measure/pin_reader.h"
#include "measure/plan.h"
#include "measure/measure_opts.h"
#include "report/columns.h"
#include "run/pin_command.h"

static int find_group(const char *name, gid_t *gid)
{
	const struct group *group;

	*gid = (gid_t)-1;
	if (!name)
		return 0;
	errno = 0;
	group = getgrnam(name);
	if (!group) {
		pr_err("--group '%s': %s", name,
		       errno ? strerror(errno) : "there is no such group");
		return errno ? -errno : -EINVAL;
	}
	*gid = group->gr_gid;
	return 0;
}

/* Says on stdout what is pinned. stint_hook: NULL or empty if there is none. */
static void say(const char *what, enum measure_mode mode, bool has_histogram,
		const char *window_hook, const char *stint_hook)
{
	bool has_stints = stint_hook && *stint_hook;

	printf("%s --mode %s%s, hook %s%s%s; " PIN_DIR "/stat has the figures, --unpin ends it\n",
	       what, mode__name(mode), has_histogram ? " -H" : "", window_hook,
	       has_stints ? " and " : "", has_stints ? stint_hook : "");
}

static int attach_and_pin(const struct measure_opts *opts, const struct hostfs *fs,
			  const struct pin_dir *dir, gid_t gid)
{
	struct bpf_loader *loader = NULL;
	struct hook_plan plan;
	struct host host;
	const struct bpf_loader_opts loader_opts = {
		.fs = fs,
		.plan = &plan,
		.mode = opts->mode,
		.mperf_ratio = opts->mperf_ratio,
		.histogram = opts->histogram,
		.pinned = true,
	};
	int err = plan__make(fs, opts->mode, opts->hook, &host, &plan);

	if (err)
		return err;
	hooks__plan_pinned(&plan);
	err = bpf_loader__new(&loader_opts, &loader);
	if (err)
		return err;
	host__warn_of_hypervisor(fs);
	err = pin_writer__create(dir, loader, gid);
	bpf_loader__free(loader);
	/* A signal arrived meanwhile: undo the pinning, because the user no longer wants it. */
	if (!err && ending_signals__is_asked())
		err = -EINTR;
	if (err)
		pin_writer__remove(dir);
	else
		say("pinned: all VMs are measured in", opts->mode, opts->histogram,
		    plan.window_hook, plan.stint_hook);
	return err;
}

static int take_in_cpus(const struct hostfs *fs, const struct pin_dir *dir)
{
	int renewed = pin_writer__renew(dir, fs);

	if (renewed > 0)
		printf("added %d CPU%s that came online since --pin\n", renewed,
		       renewed == 1 ? "" : "s");
	return renewed < 0 ? renewed : 0;
}

/*
 * Keeps a measurement that is already pinned, because another run may be reading it. Fails if it
 * cannot provide what the options ask for.
 */
static int keep(const struct pin_opts *command, const struct measure_opts *opts,
		const struct hostfs *fs, const struct pin_dir *dir, const struct pin_reader *pinned)
{
	const struct pin_properties *about = pin_reader__properties(pinned);

	if ((opts->mode_given && opts->mode != about->mode) ||
	    (opts->histogram && !about->has_histogram)) {
		pr_err("another kind of measurement is pinned (--mode %s%s): end it with --unpin first",
		       mode__name(about->mode), about->has_histogram ? " -H" : "");
		return -EEXIST;
	}
	if (command->group || opts->hook != HOOK_AUTO || opts->mperf_ratio > 0)
		pr_warn("already pinned: --group, --hook and --mperf-ratio have no effect");
	say("already pinned:", about->mode, about->has_histogram, about->window_hook,
	    about->stint_hook);
	return take_in_cpus(fs, dir);
}

static int pin(const struct pin_opts *command, const struct measure_opts *opts,
	       const struct hostfs *fs, const struct pin_dir *dir)
{
	const struct pin_reader_opts looking = { .refusal_level = LOG_LEVEL_ERR };
	struct pin_reader *pinned;
	gid_t gid;
	int err = find_group(command->group, &gid);

	if (err)
		return err;
	err = pin_reader__open(fs, &looking, &pinned);
	if (!err) {
		err = command->renew ? take_in_cpus(fs, dir) : keep(command, opts, fs, dir, pinned);
		pin_reader__free(pinned);
		return err;
	}
	if (err != -ENOENT)
		return err;
	if (!command->renew)
		return attach_and_pin(opts, fs, dir, gid);
	pr_info("nothing is pinned: there is nothing to renew");
	return 0;
}

static int unpin(const struct pin_dir *dir)
{
	int err = pin_writer__remove(dir);

	if (err == -ENOENT)
		pr_warn("nothing is pinned");
	if (!err)
		puts("unpinned: the measurement has ended");
	return err == -ENOENT ? 0 : err;
}

/*
 * Handles a pin directory that could not be locked. Objects pinned by others are not touched; they
 * only prevent --pin.
 */
static int tell_unlocked(const struct pin_opts *command, int err, const struct pin_refusal *why)
{
	if (err == -EPERM && command->pin) {
		pr_err("cannot pin: %s", why->text);
		return err;
	}
	if (err != -EPERM && err != -ENOENT)
		return err;
	log__print(command->renew ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "nothing is pinned%s%s",
		   err == -EPERM ? ": " : "", why->text);
	return 0;
}

static int run(const struct pin_opts *command, const struct measure_opts *opts,
	       const struct hostfs *fs)
{
	struct pin_refusal why;
	struct pin_dir dir;
	int err = pin_dir__lock(&dir, fs, command->pin, &why);

	if (err)
		return tell_unlocked(command, err, &why);
	err = command->unpin ? unpin(&dir) : pin(command, opts, fs, &dir);
	pin_dir__unlock(&dir);
	return err;
}

int pin_command__run(const struct pin_opts *command, const struct measure_opts *opts,
		     const struct hostfs *fs)
{
	sigset_t before;
	int err;

	ending_signals__hold(&before);
	err = run(command, opts, fs);
	ending_signals__release(&before);
	return err;
}
