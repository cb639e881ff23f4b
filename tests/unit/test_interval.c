// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "interval.h"

#define MS 1000000ULL

static int setup(void **state)
{
	struct interval *interval = malloc(sizeof(*interval));

	assert_non_null(interval);
	assert_int_equal(interval__open(interval), 0);
	*state = interval;
	return 0;
}

static int teardown(void **state)
{
	struct interval *interval = *state;

	interval__close(interval);
	/* Twice is as good as once. */
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

/* Each ends when it has to, for as long as the first was started with. */
static void test_intervals_follow_each_other(void **state)
{
	struct interval *interval = *state;
	__u64 begin_ns = now_ns();

	assert_int_equal(interval__start(interval, 20 * MS), 0);
	for (__u64 i = 1; i <= 5; i++) {
		assert_int_equal(interval__wait(interval), 1);
		assert_true(now_ns() - begin_ns >= i * 20 * MS);
	}
	/* Below, it would be the sum of five waits that each begin late. */
	assert_true(now_ns() - begin_ns < 10000 * MS);
}

static void test_more_than_a_second(void **state)
{
	struct interval *interval = *state;
	__u64 begin_ns = now_ns();

	assert_int_equal(interval__start(interval, 1050 * MS), 0);
	assert_int_equal(interval__wait(interval), 1);
	assert_true(now_ns() - begin_ns >= 1050 * MS);
}

static void test_signals_end_it(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct interval *interval = *state;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		int caught;
		sigset_t set;

		assert_int_equal(interval__start(interval, 3600000 * MS), 0);
		assert_int_equal(raise(signals[i]), 0);
		assert_int_equal(interval__wait(interval), 0);
		/* It stays: whoever waits again is told again. */
		assert_int_equal(interval__wait(interval), 0);
		sigemptyset(&set);
		sigaddset(&set, signals[i]);
		assert_int_equal(sigwait(&set, &caught), 0);
	}
}

static void test_a_signal_comes_before_the_end(void **state)
{
	struct interval *interval = *state;
	sigset_t set;
	int caught;

	assert_int_equal(interval__start(interval, MS), 0);
	usleep(5000);
	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(interval__wait(interval), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	assert_int_equal(sigwait(&set, &caught), 0);
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
		cmocka_unit_test_setup_teardown(test_intervals_follow_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_than_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signals_end_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_signal_comes_before_the_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_descriptors_are_not_inherited, setup,
						teardown),
		cmocka_unit_test(test_closed),
	};

	return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
