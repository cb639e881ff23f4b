// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include "base/log.h"
#include "options/options.h"
#include "render/show.h"
#include "report/diff.h"
#include "report/timeline.h"
#include "run/compare.h"
#include "run/pipeline.h"
#include "run/source.h"

static int read_one(const struct options *opts, const char *path, struct timeline *timeline)
{
	struct options one = *opts;
	struct pipeline pipeline = { .opts = &one, .timeline = timeline };
	int err = source_replay__new(path, &pipeline.source);

	if (err)
		return err;
	one.replay_path = path;
	err = pipeline__run(&pipeline);
	source__free(pipeline.source);
	return err;
}

int compare__run(const struct options *opts, struct show *show)
{
	struct timeline before = { 0 }, after = { 0 };
	struct diff diff = { 0 };
	int err = read_one(opts, opts->before_path, &before);

	if (!err)
		err = read_one(opts, opts->after_path, &after);
	if (!err && !before.vm_cnt && !after.vm_cnt) {
		pr_err("no VM of the two recordings to compare");
		err = -ENODATA;
	}
	if (!err) {
		err = diff__make(&before, &after, &diff);
		if (!err)
			err = show__diff(show, &diff);
		log__failure("write the comparison", err);
	}
	diff__free(&diff);
	timeline__free(&before);
	timeline__free(&after);
	return err;
}
