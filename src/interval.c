// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "interval.h"

#define NS_PER_S 1000000000ULL

/* Signals are read, not handled: nothing is interrupted. */
int interval__open(struct interval *interval)
{
	sigset_t signals;

	*interval = INTERVAL_CLOSED;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
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

int interval__wait(const struct interval *interval)
{
	struct pollfd fds[] = {
		{ .fd = interval->signal_fd, .events = POLLIN },
		{ .fd = interval->timer_fd, .events = POLLIN },
	};
	__u64 expirations;

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (fds[0].revents)
		return 0;
	return read(interval->timer_fd, &expirations, sizeof(expirations)) < 0 ? -errno : 1;
}
