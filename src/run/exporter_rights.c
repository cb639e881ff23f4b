// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/capability.h>
#include <stddef.h>
#include "options/options.h"
#include "rights/privileges.h"
#include "run/exporter_rights.h"
#include "run/exporter_syscalls.h"
#include "run/source.h"

static int can_read(void *arg)
{
	return source__check_rights(arg);
}

int exporter_rights__drop(const struct options *opts, struct source *source)
{
	static const int caps[] = { PRIVILEGES_NONE, CAP_BPF };
	const struct privileges_opts privileges = {
		.user = opts->user,
		.caps = caps,
		.cap_cnt = sizeof(caps) / sizeof(caps[0]),
		.works = can_read,
		.arg = source,
		.syscalls = exporter_syscalls__list(opts->textfile_path != NULL),
	};

	if (opts->replay_path && !opts->exporter)
		return 0;
	return privileges__drop(&privileges);
}
