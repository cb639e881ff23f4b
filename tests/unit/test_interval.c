// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "base/interval.h"
#include "test.h"

#define MS 1000000ULL

static int open_interval(void **state, bool for_screen)
{
	struct interval *interval = malloc(sizeof(*interval));

	assert_non_null(interval);
	assert_int_equal(interval__open(interval, for_screen), 0);
	*state = interval;
	return 0;
}

static int setup(void **state)
{
	return open_interval(state, false);
}

static int setup_screen(void **state)
{
	return open_interval(state, true);
}

static int teardown(void **state)
{
	struct interval *interval = *state;

	interval__close(interval);
	/* Closing again is harmless. */
	interval__close(interval);
	assert_int_equal(interval->signal_fd, -1);
	assert_int_equal(interval->timer_fd, -1);
	free(interval);
	return 0;
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

static enum interval_event waited(const struct interval *interval, int input_fd)
{
	enum interval_event event = (enum interval_event) - 1;

	assert_int_equal(interval__wait(interval, input_fd, &event), 0);
	return event;
}

/* Each interval ends on time, at a multiple of the length that the first was started with. */
static void test_intervals_follow_each_other(void **state)
{
	struct interval *interval = *state;
	__u64 begin_ns = now_ns();

	assert_int_equal(interval__start(interval, 20 * MS), 0);
	for (__u64 i = 1; i <= 5; i++) {
		assert_int_equal(waited(interval, -1), INTERVAL_OVER);
		assert_true(now_ns() - begin_ns >= i * 20 * MS);
	}
	/* If the test runs late, the five intervals must not add up their delays. */
	assert_true(now_ns() - begin_ns < 10000 * MS);
}

static void test_more_than_a_second(void **state)
{
	struct interval *interval = *state;
	struct itimerspec timer;

	assert_int_equal(interval__start(interval, 1050 * MS), 0);
	assert_int_equal(timerfd_gettime(interval->timer_fd, &timer), 0);
	assert_int_equal(timer.it_interval.tv_sec, 1);
	assert_int_equal(timer.it_interval.tv_nsec, 50 * MS);
}

static void assert_signal(const struct interval *interval, int number, enum interval_event event)
{
	assert_int_equal(raise(number), 0);
	assert_int_equal(waited(interval, -1), event);
	/* The signal is reported once: the next event is the end of the interval. */
	assert_int_equal(interval__start(interval, MS), 0);
	assert_int_equal(waited(interval, -1), INTERVAL_OVER);
}

static void test_signals_end_it(void **state)
{
	assert_signal(*state, SIGINT, INTERVAL_END);
	assert_signal(*state, SIGTERM, INTERVAL_END);
	assert_signal(*state, SIGHUP, INTERVAL_END);
}

static void test_signals_of_a_screen(void **state)
{
	assert_signal(*state, SIGINT, INTERVAL_END);
	assert_signal(*state, SIGQUIT, INTERVAL_END);
	assert_signal(*state, SIGWINCH, INTERVAL_REDRAW);
	assert_signal(*state, SIGCONT, INTERVAL_REDRAW);
	assert_signal(*state, SIGTSTP, INTERVAL_STOP);
}

/* Without a screen, SIGWINCH is not blocked, and Ctrl-\ ends the program at once. */
static void test_other_signals_are_left_alone(void **state)
{
	sigset_t blocked;

	(void)state;
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
	assert_true(sigismember(&blocked, SIGINT));
	assert_false(sigismember(&blocked, SIGQUIT));
	assert_false(sigismember(&blocked, SIGTSTP));
	assert_false(sigismember(&blocked, SIGWINCH));
}

static void test_a_signal_comes_before_all_else(void **state)
{
	const struct interval *interval = *state;
	int pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	assert_int_equal(interval__start(interval, MS), 0);
	usleep(5000);
	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(waited(interval, pipe_fds[0]), INTERVAL_END);
	assert_int_equal(waited(interval, pipe_fds[0]), INTERVAL_INPUT);
	/* Input is reported until it has been read. */
	assert_int_equal(waited(interval, pipe_fds[0]), INTERVAL_INPUT);
	assert_int_equal(waited(interval, -1), INTERVAL_OVER);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/*
 * Several missed intervals are reported as one: the next wait lasts until the current interval
 * ends. Returns false if nothing was tested because this process did not run in time.
 */
static bool missed_are_one(const struct interval *interval)
{
	enum {
		LENGTH_MS = 20
	};
	__u64 begin_ns, end_ns;

	assert_int_equal(interval__start(interval, LENGTH_MS * MS), 0);
	begin_ns = now_ns();
	usleep(3500 * LENGTH_MS);
	assert_int_equal(waited(interval, -1), INTERVAL_OVER);
	end_ns = begin_ns + 4 * LENGTH_MS * MS;
	if (now_ns() >= end_ns - MS)
		return false;
	assert_int_equal(waited(interval, -1), INTERVAL_OVER);
	assert_true(now_ns() >= end_ns - MS);
	return true;
}

/* A paused interval never ends. */
static void test_missed_and_paused(void **state)
{
	const struct interval *interval = *state;
	int tries = 0;

	while (!missed_are_one(interval))
		assert_true(++tries < 200);
	assert_int_equal(interval__pause(interval), 0);
	usleep(30000);
	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(waited(interval, -1), INTERVAL_END);
	assert_int_equal(interval__start(interval, MS), 0);
	assert_int_equal(waited(interval, -1), INTERVAL_OVER);
}

/* For callers that go on at SIGHUP, and that have a timeout of their own. */
static void test_reload_and_timeout(void **state)
{
	struct interval *interval = *state;
	enum interval_event event;
	__u64 begin_ns = now_ns();

	assert_int_equal(interval__wait_for(interval, -1, 20, &event), 0);
	assert_int_equal(event, INTERVAL_TIMEOUT);
	assert_true(now_ns() - begin_ns >= 19 * MS);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(waited(interval, -1), INTERVAL_END);
	interval->reloads = true;
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(interval__wait_for(interval, -1, 0, &event), 0);
	assert_int_equal(event, INTERVAL_RELOAD);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(waited(interval, -1), INTERVAL_END);
}

/* With nohup(1), SIGHUP is ignored: a closed terminal must not end a long run. */
static void test_a_hangup_that_is_ignored_stays_so(void **state)
{
	struct interval interval;

	(void)state;
	assert_int_not_equal(signal(SIGHUP, SIG_IGN), SIG_ERR);
	assert_int_equal(interval__open(&interval, false), 0);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(interval__start(&interval, MS), 0);
	assert_int_equal(waited(&interval, -1), INTERVAL_OVER);
	/*
	 * SIGINT is different: shells let background jobs of scripts ignore it, but it is used on
	 * purpose to end them.
	 */
	assert_int_not_equal(signal(SIGINT, SIG_IGN), SIG_ERR);
	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(interval__pause(&interval), 0);
	assert_int_equal(waited(&interval, -1), INTERVAL_END);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	interval__close(&interval);
}

static void test_descriptors_are_not_inherited(void **state)
{
	const struct interval *interval = *state;

	assert_true(fcntl(interval->signal_fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(interval->timer_fd, F_GETFD) & FD_CLOEXEC);
}

static void test_closed(void **state)
{
	struct interval closed = INTERVAL_CLOSED;

	(void)state;
	interval__close(&closed);
	assert_int_equal(closed.signal_fd, -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		/* First, before SIGHUP is blocked. */
		cmocka_unit_test(test_a_hangup_that_is_ignored_stays_so),
		cmocka_unit_test_setup_teardown(test_intervals_follow_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_than_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signals_end_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_signals_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_signal_comes_before_all_else, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_missed_and_paused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_and_timeout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors_are_not_inherited, setup,
						teardown),
		/* Last, because signals stay blocked. */
		cmocka_unit_test_setup_teardown(test_signals_of_a_screen, setup_screen, teardown),
		cmocka_unit_test(test_closed),
	};

	return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
