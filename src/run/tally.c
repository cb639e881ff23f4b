// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "base/clock.h"
#include "base/log.h"
#include "run/tally.h"
#include "run/source.h"

void tally__open(struct tally *m, const struct measure_opts *opts, struct source *source)
{
	*m = (struct tally){ .opts = opts, .source = source };
	totals__init(&m->totals);
}

void tally__close(struct tally *m)
{
	totals__free(&m->totals);
	report__free(&m->report);
	snapshot__free(&m->snaps[0]);
	snapshot__free(&m->snaps[1]);
}

/* Returns 0 or -errno, logged. */
static int add_interval(struct tally *m, const struct snapshot *prev, const struct snapshot *cur)
{
	int err = account__report(prev, cur, &m->report);

	if (!err)
		err = totals__add(&m->totals, &m->report);
	return log__failure("account for the interval", err);
}

static int take(struct tally *m)
{
	struct snapshot *prev = &m->snaps[m->current], *cur = &m->snaps[!m->current];
	__u64 begin_ns = clock__now_ns();
	int got = source__next(m->source, cur);
	int err = got < 0 ? got : 0;

	m->taking_ns += clock__now_ns() - begin_ns;
	if (got == 1)
		err = source__narrow(m->opts, cur);
	if (got != 1 || err)
		return err;
	if (m->begun)
		err = add_interval(m, prev, cur);
	/*
	 * -EINVAL: the clocks of the two snapshots do not fit together. Start again from this
	 * snapshot.
	 */
	if (err && err != -EINVAL)
		return err;
	m->current = !m->current;
	m->begun = true;
	return err ? err : 1;
}

int tally__take(struct tally *m)
{
	int got = take(m);

	m->last_ns = clock__now_ns();
	m->last_err = got < 0 ? got : 0;
	if (got < 0) {
		m->failure_cnt++;
		m->failed_in_row++;
		return got;
	}
	m->last_good_ns = m->last_ns;
	m->failed_in_row = 0;
	m->taken_cnt += (__u64)got;
	return got;
}
