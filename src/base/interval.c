// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "base/ending_signals.h"
#include "base/interval.h"

#define NS_PER_S 1000000000ULL

static const struct signal_event {
	int number;
	enum interval_event event;
	bool for_screen; /* only with for_screen; otherwise always */
} signal_events[] = {
	{ SIGINT, INTERVAL_END, false },     { SIGTERM, INTERVAL_END, false },
	{ SIGHUP, INTERVAL_END, false },     { SIGQUIT, INTERVAL_END, true },
	{ SIGWINCH, INTERVAL_REDRAW, true }, { SIGCONT, INTERVAL_REDRAW, true },
	{ SIGTSTP, INTERVAL_STOP, true },
};
#define SIGNAL_CNT (sizeof(signal_events) / sizeof(signal_events[0]))

/* Signals are read from a signalfd instead of handled, so that they interrupt no system call. */
int interval__open(struct interval *interval, bool for_screen)
{
	sigset_t signals;

	*interval = INTERVAL_CLOSED;
	sigemptyset(&signals);
	for (size_t i = 0; i < SIGNAL_CNT; i++) {
		if (for_screen || !signal_events[i].for_screen)
			sigaddset(&signals, signal_events[i].number);
	}
	if (ending_signals__is_ignored(SIGHUP))
		sigdelset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return -errno;
	interval->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (interval->signal_fd < 0)
		return -errno;
	interval->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return interval->timer_fd < 0 ? -errno : 0;
}

void interval__close(struct interval *interval)
{
	if (interval->timer_fd >= 0)
		close(interval->timer_fd);
	if (interval->signal_fd >= 0)
		close(interval->signal_fd);
	*interval = INTERVAL_CLOSED;
}

int interval__start(const struct interval *interval, __u64 length_ns)
{
	struct timespec length = {
		.tv_sec = (time_t)(length_ns / NS_PER_S),
		.tv_nsec = (long)(length_ns % NS_PER_S),
	};
	struct itimerspec timer = { .it_interval = length, .it_value = length };

	return timerfd_settime(interval->timer_fd, 0, &timer, NULL) ? -errno : 0;
}

int interval__pause(const struct interval *interval)
{
	const struct itimerspec never = { 0 };

	return timerfd_settime(interval->timer_fd, 0, &never, NULL) ? -errno : 0;
}

static int take_signal(const struct interval *interval, enum interval_event *event)
{
	struct signalfd_siginfo signal;

	if (read(interval->signal_fd, &signal, sizeof(signal)) != sizeof(signal))
		return -errno;
	for (size_t i = 0; i < SIGNAL_CNT; i++) {
		if (signal_events[i].number == (int)signal.ssi_signo)
			*event = signal_events[i].event;
	}
	if (signal.ssi_signo == SIGHUP && interval->reloads)
		*event = INTERVAL_RELOAD;
	return 0;
}

/* Several intervals that ended since the last call count as one. */
static int take_end(const struct interval *interval, enum interval_event *event)
{
	__u64 expirations;

	if (read(interval->timer_fd, &expirations, sizeof(expirations)) < 0)
		return -errno;
	*event = INTERVAL_OVER;
	return 0;
}

int interval__wait(const struct interval *interval, int input_fd, enum interval_event *event)
{
	return interval__wait_for(interval, input_fd, -1, event);
}

int interval__wait_for(const struct interval *interval, int input_fd, int timeout_ms,
		       enum interval_event *event)
{
	struct pollfd fds[] = {
		{ .fd = interval->signal_fd, .events = POLLIN },
		{ .fd = input_fd, .events = POLLIN },
		{ .fd = interval->timer_fd, .events = POLLIN },
	};

	int ready;

	/*
	 * EINTR can only come from a signal that is not in signal_fd. This is
	 * rare, so the timeout may start again.
	 */
	while ((ready = poll(fds, 3, timeout_ms)) < 0)
		if (errno != EINTR)
			return -errno;
	if (!ready) {
		*event = INTERVAL_TIMEOUT;
		return 0;
	}
	if (fds[0].revents)
		return take_signal(interval, event);
	if (fds[1].revents) {
		*event = INTERVAL_INPUT;
		return 0;
	}
	return take_end(interval, event);
}
