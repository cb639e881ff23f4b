// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <signal.h>
#include <stdbool.h>
#include "child.h"
#include "base/ending_signals.h"

#define ENDED_BY_ITSELF 7

struct sent {
	int number;
	bool ignored;
};

static void send_while_held(void *arg)
{
	const struct sent *sent = arg;
	sigset_t before;

	if (sent->ignored)
		signal(sent->number, SIG_IGN);
	ending_signals__hold(&before);
	CHILD_CHECK(!ending_signals__is_asked());
	CHILD_CHECK(!raise(sent->number));
	CHILD_CHECK(ending_signals__is_asked() == !sent->ignored);
	ending_signals__release(&before);
	_exit(ENDED_BY_ITSELF);
}

static void assert_ends_at_release(int number)
{
	struct sent sent = { .number = number };
	int status = child__status(send_while_held, &sent);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), number);
}

static void test_they_end_the_process_at_the_release(void **state)
{
	(void)state;
	assert_ends_at_release(SIGINT);
	assert_ends_at_release(SIGTERM);
	assert_ends_at_release(SIGHUP);
	assert_ends_at_release(SIGQUIT);
}

static void test_one_that_is_ignored_stays_so(void **state)
{
	struct sent sent = { .number = SIGHUP, .ignored = true };
	int status = child__status(send_while_held, &sent);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ENDED_BY_ITSELF);
}

static void test_what_was_blocked_before_stays_so(void **state)
{
	sigset_t usr1, before, after;

	(void)state;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
	ending_signals__hold(&before);
	ending_signals__release(&before);
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &after), 0);
	assert_true(sigismember(&after, SIGUSR1));
	assert_false(sigismember(&after, SIGINT));
}

static void test_is_ignored(void **state)
{
	(void)state;
	assert_false(ending_signals__is_ignored(SIGUSR2));
	signal(SIGUSR2, SIG_IGN);
	assert_true(ending_signals__is_ignored(SIGUSR2));
	signal(SIGUSR2, SIG_DFL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_they_end_the_process_at_the_release),
		cmocka_unit_test(test_one_that_is_ignored_stays_so),
		cmocka_unit_test(test_what_was_blocked_before_stays_so),
		cmocka_unit_test(test_is_ignored),
	};

	return cmocka_run_group_tests_name("ending_signals", tests, NULL, NULL);
}
