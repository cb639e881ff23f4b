// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>
#include "base/ending_signals.h"
#include "base/log.h"
#include "measure/collector.h"
#include "measure/host.h"
#include "measure/pin.h"
#include "measure/pinned.h"
#include "measure/plan.h"
#include "options/options.h"
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

static int attach_and_pin(const struct options *opts, const struct hostfs *fs, gid_t gid)
{
	struct collector *collector = NULL;
	struct hook_plan plan;
	struct host host;
	sigset_t before;
	const struct collector_opts collector_opts = {
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
	err = collector__new(&collector_opts, &collector);
	if (err)
		return err;
	ending_signals__hold(&before);
	err = pin__create(collector, gid);
	collector__free(collector);
	/* Who has asked for the end meanwhile does not want what would go on without a process. */
	if (!err && ending_signals__is_asked())
		err = -EINTR;
	if (err)
		pin__remove();
	ending_signals__release(&before);
	return err;
}

/* One that is there may be what another run is using. */
static int keep(const struct options *opts, const struct hostfs *fs, const struct pinned *pinned)
{
	const struct pinned_about *about = pinned__about(pinned);
	sigset_t before;
	int renewed;

	if ((opts->mode_given && opts->mode != about->mode) ||
	    (opts->histogram && !about->has_histogram)) {
		pr_err("a measurement of another kind (--mode %s%s) is pinned: --unpin it first",
		       mode__name(about->mode), about->has_histogram ? " -H" : "");
		return -EEXIST;
	}
	if (opts->group || opts->hook != HOOK_AUTO || opts->mperf_ratio > 0)
		pr_warn("pinned already: --group, --hook and --mperf-ratio change nothing in it");
	ending_signals__hold(&before);
	renewed = pin__renew(fs);
	ending_signals__release(&before);
	if (renewed >= 0)
		pr_info("pinned already; %d CPUs have come online since", renewed);
	return renewed < 0 ? renewed : 0;
}

static int pin(const struct options *opts, const struct hostfs *fs)
{
	const struct pinned_opts looking = { 0 };
	struct pinned *pinned;
	gid_t gid;
	int err = find_group(opts->group, &gid);

	if (err)
		return err;
	err = pinned__open(fs, &looking, &pinned);
	if (!err) {
		err = keep(opts, fs, pinned);
		pinned__free(pinned);
		return err;
	}
	return err == -ENOENT ? attach_and_pin(opts, fs, gid) : err;
}

static int unpin(void)
{
	sigset_t before;
	int err;

	ending_signals__hold(&before);
	err = pin__remove();
	ending_signals__release(&before);
	if (err == -ENOENT)
		pr_warn("nothing is pinned");
	return err == -ENOENT ? 0 : err;
}

int pin_command__run(const struct options *opts, const struct hostfs *fs)
{
	int lock_fd = pin__lock();
	int err;

	if (lock_fd < 0)
		return lock_fd;
	err = opts->unpin ? unpin() : pin(opts, fs);
	close(lock_fd);
	return err;
}
