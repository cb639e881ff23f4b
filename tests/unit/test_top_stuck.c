// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A terminal that takes nothing, or takes it late; who writes on it blocks, in a process of its own. */
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>
#include "top/top_stuck.h"

/* More than a terminal has room for, and more than is written until it is looked at. */
#define TEXT_SIZE 40000
#define LATER_US  300000
#define SOON_US   15000000
#define LOOK_US   50000

struct writer {
	bool is_asked; /* to end, by a signal that is blocked */
	bool is_ending;
};

static void write_all(const struct writer *writer, int terminal_fd)
{
	char text[1000];
	struct top_stuck stuck;
	sigset_t signals;

	memset(text, 'x', sizeof(text));
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (writer->is_asked)
		raise(SIGTERM);
	dup2(terminal_fd, STDOUT_FILENO);
	top_stuck__open(&stuck);
	top_stuck__begin(writer->is_ending);
	for (size_t done = 0; done < TEXT_SIZE;) {
		size_t left = TEXT_SIZE - done;
		/* What is interrupted has written a part. */
		ssize_t cnt = write(STDOUT_FILENO, text, left < sizeof(text) ? left : sizeof(text));

		if (cnt < 0)
			_exit(1);
		done += (size_t)cnt;
	}
	top_stuck__end();
	top_stuck__close(&stuck);
	_exit(0);
}

static pid_t start(const struct writer *writer, int *master_fd)
{
	struct termios raw;
	int terminal_fd;
	pid_t pid;

	assert_int_equal(openpty(master_fd, &terminal_fd, NULL, NULL, NULL), 0);
	tcgetattr(terminal_fd, &raw);
	cfmakeraw(&raw);
	tcsetattr(terminal_fd, TCSANOW, &raw);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		write_all(writer, terminal_fd);
	close(terminal_fd);
	return pid;
}

static void assert_ends(pid_t pid)
{
	int status = -1;

	for (int us = 0; us < SOON_US && waitpid(pid, &status, WNOHANG) != pid; us += LOOK_US)
		usleep(LOOK_US);
	if (status == -1)
		kill(pid, SIGKILL);
	assert_int_equal(status, 0);
}

static void one_that_is_asked_to_end_does_not_wait(void **state)
{
	const struct writer writer = { .is_asked = true };
	int master_fd;

	(void)state;
	assert_ends(start(&writer, &master_fd));
	close(master_fd);
}

static void one_that_is_ending_does_not_wait_for_long(void **state)
{
	const struct writer writer = { .is_ending = true };
	int master_fd;

	(void)state;
	assert_ends(start(&writer, &master_fd));
	close(master_fd);
}

static void any_other_waits_and_all_is_there(void **state)
{
	const struct writer writer = { 0 };
	char text[1000];
	size_t len = 0;
	int master_fd;
	pid_t pid;

	(void)state;
	pid = start(&writer, &master_fd);
	usleep(LATER_US);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	while (len < TEXT_SIZE) {
		ssize_t cnt = read(master_fd, text, sizeof(text));

		assert_true(cnt > 0);
		len += (size_t)cnt;
	}
	assert_int_equal(len, TEXT_SIZE);
	assert_ends(pid);
	close(master_fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_asked_to_end_does_not_wait),
		cmocka_unit_test(one_that_is_ending_does_not_wait_for_long),
		cmocka_unit_test(any_other_waits_and_all_is_there),
	};

	return cmocka_run_group_tests_name("top_stuck", tests, NULL, NULL);
}
