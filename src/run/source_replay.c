// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "run/source_ops.h"

/* An interval needs two snapshots. */
#define SNAPSHOTS_MIN 2

struct source_replay {
	struct source source;
	const char *path;
	struct recording_reader *reader;
	size_t snap_cnt;
};

static struct source_replay *replay_of(struct source *source)
{
	return (struct source_replay *)source;
}

/* Logs why the recording cannot be read any further. Returns err. */
static int tell(const struct source_replay *replay, int err)
{
	const char *reason = recording_reader__reason(replay->reader);

	if (*reason)
		pr_err("%s:%llu: %s", replay->path, recording_reader__line(replay->reader), reason);
	else
		pr_err("%s: %s", replay->path, strerror(-err));
	return err;
}

static int tell_too_short(const struct source_replay *replay, const char *reason)
{
	pr_err("%s: %s%sthere is no interval to show", replay->path, reason, *reason ? "; " : "");
	return -ENODATA;
}

/* Handles the end of the recording, truncated or not. Returns 0 or -errno, logged. */
static int end(const struct source_replay *replay, bool cut_off)
{
	const char *reason = recording_reader__reason(replay->reader);

	if (replay->snap_cnt < SNAPSHOTS_MIN)
		return tell_too_short(replay, reason);
	if (cut_off)
		pr_warn("%s:%llu: %s", replay->path, recording_reader__line(replay->reader),
			reason);
	return 0;
}

static int next_replay(struct source *source, struct snapshot *snap)
{
	struct source_replay *replay = replay_of(source);
	int got = recording_reader__next(replay->reader, snap);

	if (got == 1)
		replay->snap_cnt++;
	if (got == 0 || got == -ENODATA)
		return end(replay, got < 0);
	return got < 0 ? tell(replay, got) : got;
}

/* A recording ends by source__next() returning 0. */
static bool has_replay_ended(const struct source *source __attribute__((unused)),
			     const struct filter *filter __attribute__((unused)))
{
	return false;
}

static void free_replay(struct source *source)
{
	struct source_replay *replay = replay_of(source);

	recording_reader__free(replay->reader);
	free(replay);
}

static const struct source_ops replay_ops = {
	.next = next_replay,
	.has_ended = has_replay_ended,
	.free = free_replay,
};

static int open_reader(struct source_replay *replay)
{
	int err = recording_reader__open(replay->path, &replay->reader);

	if (err) {
		pr_err("cannot open %s: %s", replay->path, strerror(-err));
		return err;
	}
	err = recording_reader__header(replay->reader, &replay->source.header);
	if (err == -ENODATA)
		return tell_too_short(replay, recording_reader__reason(replay->reader));
	return err ? tell(replay, err) : 0;
}

int source_replay__new(const char *path, struct source **source)
{
	struct source_replay *replay = calloc(1, sizeof(*replay));
	int err;

	if (!replay) {
		pr_err("cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	replay->source.ops = &replay_ops;
	replay->path = path;
	err = open_reader(replay);
	if (err) {
		free_replay(&replay->source);
		return err;
	}
	*source = &replay->source;
	return 0;
}
