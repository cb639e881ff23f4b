// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>
#include "base/ending_signals.h"
#include "top/top_stuck.h"

/*
 * Interval between checks of a blocked write, and how many of them before an
 * ending program gives up.
 */
#define LOOK_MS      100
#define ENDING_LOOKS 10

/* For the signal handler: checks before it gives up; 0: unlimited. */
static volatile sig_atomic_t looks_max;

/* SIGALRM handler: only async-signal-safe calls. */
static void wait_until_it_takes(int number __attribute__((unused)))
{
	struct pollfd terminal = { .fd = STDOUT_FILENO, .events = POLLOUT };
	int err = errno;

	for (int looks = 1; !poll(&terminal, 1, LOOK_MS); looks++) {
		if (looks != looks_max && !ending_signals__is_asked())
			continue;
		/*
		 * A Ctrl-S can only be undone with tcflow() by a process that
		 * has suspended output itself.
		 */
		tcflow(STDOUT_FILENO, TCOOFF);
		tcflow(STDOUT_FILENO, TCOON);
		tcflush(STDOUT_FILENO, TCOFLUSH);
		break;
	}
	errno = err;
}

void top_stuck__open(struct top_stuck *stuck)
{
	struct sigaction action = { .sa_handler = wait_until_it_takes, .sa_flags = SA_RESTART };
	sigset_t alarm;

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, &stuck->before);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm, NULL);
}

void top_stuck__close(const struct top_stuck *stuck)
{
	sigaction(SIGALRM, &stuck->before, NULL);
}

static void look_each(suseconds_t us)
{
	struct itimerval timer = { .it_interval.tv_usec = us, .it_value.tv_usec = us };

	setitimer(ITIMER_REAL, &timer, NULL);
}

void top_stuck__begin(bool is_ending)
{
	looks_max = is_ending ? ENDING_LOOKS : 0;
	look_each(LOOK_MS * 1000L);
}

void top_stuck__end(void)
{
	look_each(0);
}
