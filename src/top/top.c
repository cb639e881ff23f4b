// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/columns.h"
#include "base/ending_signals.h"
#include "base/log.h"
#include "top/top.h"
#include "top/top_messages.h"
#include "top/top_notes.h"
#include "top/top_page.h"
#include "top/top_report.h"
#include "top/top_screen.h"

/*
 * How often a process looks for the foreground if SIGTSTP did not stop it,
 * because no shell controls it.
 */
#define STOPPED_LOOK_MS 100

struct top {
	struct top_state state;
	const char *hook;
	struct top_messages messages;
	struct top_screen *screen;
	struct top_report shown;
	struct top_report newer; /* the last report that came while paused */
	size_t newer_cnt;        /* reports since the one shown */
	struct health total;     /* sums over all intervals */
	size_t interval_cnt;
	struct top_notes notes; /* notes of the report shown */
};

int top__check(void)
{
	return top_screen__check();
}

int top__fd(const struct top *top)
{
	(void)top;
	return STDIN_FILENO;
}

__u64 top__interval_ns(const struct top *top)
{
	return top->state.interval_ns;
}

bool top__is_paused(const struct top *top)
{
	return top->state.paused;
}

static void draw(struct top *top)
{
	char message[TOP_MESSAGE_SIZE];
	struct top_content content = {
		.report = &top->shown.report,
		.notes = &top->notes,
		.message = message,
		.hook = top->hook,
		.waiting_cnt = top->newer_cnt,
	};

	top_messages__last(&top->messages, message);
	top_page__draw(&top->state, &content, top_screen__begin(top->screen));
	top_screen__show(top->screen);
}

int top__new(const struct top_opts *opts, struct top **top)
{
	struct top *made = calloc(1, sizeof(*made));
	int err = made ? 0 : -ENOMEM;

	if (!err) {
		made->hook = opts->hook;
		top_state__init(&made->state, &opts->state);
		made->shown.report.mode = opts->state.mode;
		made->messages = (struct top_messages){ .stderr_fd = -1, .kept_fd = -1 };
		err = top_screen__new(&made->screen);
	}
	if (!err)
		err = top_messages__open(&made->messages);
	if (err) {
		top__free(made);
		if (err != -ENOTTY)
			pr_err("cannot start the screen: %s", strerror(-err));
		return err;
	}
	draw(made);
	*top = made;
	return 0;
}

/* Updates the rows after a report or a key, and draws; after a failure, the old rows. */
static int update(struct top *top)
{
	int err = top_state__update(&top->state, &top->shown.report);

	if (!err && top->shown.report.interval_ns)
		err = top_notes__make(&top->shown.report, &top->state.view, &top->total,
				      top->interval_cnt, &top->notes);
	if (err)
		pr_err("cannot update the screen: %s", strerror(-err));
	draw(top);
	return err;
}

/* After a pause, shows the newest report. */
static void take_newer(struct top *top)
{
	struct top_report shown = top->shown;

	if (top->state.paused || !top->newer_cnt)
		return;
	top->shown = top->newer;
	top->newer = shown;
	top->newer_cnt = 0;
}

int top__key(struct top *top, enum top_event *event)
{
	bool pressed = false;
	__u32 key;

	*event = TOP_GO_ON;
	while ((key = top_screen__key(top->screen)) != TOP_KEY_NONE) {
		enum top_event asked;
		int err = top_state__key(&top->state, key, &asked);

		if (key == TOP_KEY_REPAINT)
			top_screen__repaint(top->screen);
		if (asked != TOP_GO_ON)
			*event = asked;
		if (!err && asked != TOP_QUIT) {
			take_newer(top);
			/*
			 * Update now, because the next key refers to the rows as
			 * they are after this one.
			 */
			err = update(top);
		}
		if (err || asked == TOP_QUIT)
			return err;
		pressed = true;
	}
	if (!pressed && top_screen__is_gone(top->screen))
		*event = TOP_QUIT;
	return 0;
}

static void add_failures(struct health *total, const struct health *health)
{
	total->lost_window_cnt += health->lost_window_cnt;
	total->mperf_error_cnt += health->mperf_error_cnt;
	total->map_full_cnt += health->map_full_cnt;
	total->hooks_off_cnt += health->hooks_off_cnt;
	total->refused_window_cnt += health->refused_window_cnt;
}

int top__show(struct top *top, const struct report *report)
{
	struct top_report *to = top->state.paused ? &top->newer : &top->shown;
	int err = top_report__copy(report, to);

	if (err) {
		pr_err("cannot show the interval: %s", strerror(-err));
		return err;
	}
	add_failures(&top->total, &report->health);
	top->interval_cnt++;
	if (top->state.paused)
		top->newer_cnt++;
	return update(top);
}

void top__redraw(struct top *top)
{
	top_screen__repaint(top->screen);
	draw(top);
}

/*
 * Stops the process by SIGTSTP, as the terminal would. SIGTSTP does not stop a process that no
 * shell could continue, whereas SIGSTOP always does. The signal is blocked here (the caller reads
 * it from a signalfd), so it is raised first and takes effect when it is unblocked. Curses has
 * installed its own SIGTSTP handler, which would take the terminal over again, so the default
 * action is used instead.
 */
static void stop_process(void)
{
	const struct sigaction stopping = { .sa_handler = SIG_DFL };
	struct sigaction handler;
	sigset_t stop, before;

	if (ending_signals__is_ignored(SIGTSTP))
		return;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigaction(SIGTSTP, &stopping, &handler);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGTSTP, &handler, NULL);
}

/*
 * Returns whether this process is in the background, where the kernel stops it when it changes the
 * terminal, or writes to it under "stty tostop".
 */
static bool is_in_background(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);

	return group > 0 && group != getpgrp();
}

void top__stop(struct top *top)
{
	top_screen__leave(top->screen);
	stop_process();
	/* A shell that kills a stopped job also continues it, in the background. */
	while (is_in_background() && !ending_signals__is_asked()) {
		stop_process();
		poll(NULL, 0, STOPPED_LOOK_MS);
	}
	if (!ending_signals__is_asked())
		top__redraw(top);
}

void top__free(struct top *top)
{
	if (!top)
		return;
	top_screen__free(top->screen);
	top_messages__close(&top->messages);
	top_notes__free(&top->notes);
	top_report__free(&top->shown);
	top_report__free(&top->newer);
	top_state__free(&top->state);
	free(top);
}
