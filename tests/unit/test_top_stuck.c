// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A terminal that accepts no output, or accepts it late. A child process writes to it and blocks.
 * The unsuccessful polls of the terminal are counted, and all times are cut to a hundredth.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "test.h"
#include "top/top_stuck.h"

/* More than a terminal buffers. */
#define TEXT_SIZE    40000
#define SOON_US      15000000
#define LOOK_US      1000
/* While the program is ending, it waits for one second, which is this number of polls. */
#define ENDING_LOOKS 10
/* How often the text can fill the terminal's buffer after it was flushed. */
#define FILLED_MAX   10

/*
 * The number of times that the child found the terminal not writable, in memory shared with the
 * test.
 */
static volatile int *empty_looks;

int __real_poll(struct pollfd *fds, nfds_t cnt, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t cnt, int timeout_ms);
int __real_setitimer(__itimer_which_t which, const struct itimerval *new, struct itimerval *old);
int __wrap_setitimer(__itimer_which_t which, const struct itimerval *new, struct itimerval *old);

int __wrap_poll(struct pollfd *fds, nfds_t cnt, int timeout_ms)
{
	int ready = __real_poll(fds, cnt, timeout_ms / 100);

	if (!ready)
		++*empty_looks;
	return ready;
}

int __wrap_setitimer(__itimer_which_t which, const struct itimerval *new, struct itimerval *old)
{
	struct itimerval soon = { .it_interval.tv_usec = new->it_interval.tv_usec / 100,
				  .it_value.tv_usec = new->it_value.tv_usec / 100 };

	return __real_setitimer(which, &soon, old);
}

struct writer {
	bool is_asked; /* a blocked signal has asked it to end */
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
		/* An interrupted write returns what it has written so far. */
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

	*empty_looks = 0;
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
	assert_in_range(*empty_looks, 1, FILLED_MAX);
	close(master_fd);
}

static void one_that_is_ending_does_not_wait_for_long(void **state)
{
	const struct writer writer = { .is_ending = true };
	int master_fd;

	(void)state;
	assert_ends(start(&writer, &master_fd));
	assert_in_range(*empty_looks, ENDING_LOOKS, ENDING_LOOKS * FILLED_MAX);
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
	for (int us = 0; us < SOON_US && *empty_looks <= 2 * ENDING_LOOKS; us += LOOK_US)
		usleep(LOOK_US);
	assert_true(*empty_looks > 2 * ENDING_LOOKS);
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

	empty_looks = mmap(NULL, sizeof(*empty_looks), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (empty_looks == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests_name("top_stuck", tests, NULL, NULL);
}
