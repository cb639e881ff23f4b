// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A pipe whose other end takes its time, takes nothing, or is gone. Signals are blocked, as they are in a run. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/patient.h"

#define PIPE_SIZE 65536
#define TEXT_SIZE (3 * PIPE_SIZE + 17)

/* A wait that is over at once and one that goes on; the machine may be busy. */
#define LATER_US 300000

struct fixture {
	int read_fd, write_fd;
	char text[TEXT_SIZE];
	sigset_t signals;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	if (!f || pipe2(fds, O_CLOEXEC))
		return -1;
	f->read_fd = fds[0];
	f->write_fd = fds[1];
	for (size_t i = 0; i < TEXT_SIZE; i++)
		f->text[i] = (char)('a' + i % 23);
	sigemptyset(&f->signals);
	sigaddset(&f->signals, SIGINT);
	sigaddset(&f->signals, SIGTERM);
	sigaddset(&f->signals, SIGHUP);
	sigaddset(&f->signals, SIGWINCH);
	*state = f;
	return sigprocmask(SIG_BLOCK, &f->signals, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	const struct timespec now = { 0 };

	while (sigtimedwait(&f->signals, NULL, &now) > 0)
		;
	close(f->read_fd);
	close(f->write_fd);
	free(f);
	return 0;
}

/* A child that does so later. */
static pid_t later(struct fixture *f, void (*body)(struct fixture *f))
{
	pid_t pid = fork();

	if (!pid) {
		usleep(LATER_US);
		body(f);
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void ended(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A little at a time, and whether it is what was written. */
static void read_slowly(struct fixture *f)
{
	char text[1000];
	size_t len = 0;

	close(f->write_fd);
	while (len < TEXT_SIZE) {
		ssize_t cnt = read(f->read_fd, text, sizeof(text));

		if (cnt <= 0 || memcmp(text, f->text + len, (size_t)cnt) != 0)
			_exit(1);
		len += (size_t)cnt;
		usleep(1000);
	}
}

static void test_a_slow_reader_gets_all(void **state)
{
	struct fixture *f = *state;
	pid_t reader = later(f, read_slowly);
	size_t written;

	assert_int_equal(patient__write(f->write_fd, f->text, TEXT_SIZE, &written), 0);
	assert_int_equal(written, TEXT_SIZE);
	ended(reader);
}

static void end_us(struct fixture *f)
{
	(void)f;
	kill(getppid(), SIGTERM);
}

static void resize_us(struct fixture *f)
{
	kill(getppid(), SIGWINCH);
	usleep(LATER_US);
	end_us(f);
}

static void assert_signal_ends_it(struct fixture *f, void (*body)(struct fixture *f))
{
	pid_t child = later(f, body);
	size_t written;

	assert_int_equal(patient__write(f->write_fd, f->text, TEXT_SIZE, &written), -EINTR);
	assert_int_equal(written, PIPE_SIZE);
	ended(child);
}

static void test_a_signal_ends_the_wait_for_a_reader(void **state)
{
	struct fixture *f = *state;
	sigset_t pending;

	assert_signal_ends_it(f, end_us);
	/* It is still there for who is to take it. */
	assert_int_equal(sigpending(&pending), 0);
	assert_int_equal(sigismember(&pending, SIGTERM), 1);
}

static void test_other_signals_do_not(void **state)
{
	assert_signal_ends_it(*state, resize_us);
}

static void test_what_does_not_have_to_wait_is_written_all_the_same(void **state)
{
	struct fixture *f = *state;
	size_t written;

	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(patient__write(f->write_fd, f->text, PIPE_SIZE, &written), 0);
	assert_int_equal(written, PIPE_SIZE);
}

static void test_failures_are_told(void **state)
{
	struct fixture *f = *state;
	int full_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	size_t written;

	assert_int_equal(patient__write(full_fd, "x", 1, &written), -ENOSPC);
	close(full_fd);
	assert_int_equal(patient__write(full_fd, "x", 1, &written), -EBADF);
	signal(SIGPIPE, SIG_IGN);
	close(f->read_fd);
	f->read_fd = -1;
	assert_int_equal(patient__write(f->write_fd, "x", 1, &written), -EPIPE);
	assert_int_equal(written, 0);
}

static void test_a_stream_writes_so(void **state)
{
	struct fixture *f = *state;
	FILE *out = patient__open(f->write_fd, "w");
	pid_t child;

	assert_non_null(out);
	child = later(f, end_us);
	errno = 0;
	assert_true(fwrite(f->text, 1, TEXT_SIZE, out) < TEXT_SIZE || fflush(out) == EOF);
	assert_int_equal(errno, EINTR);
	assert_true(ferror(out));
	fclose(out);
	/* And has closed it. */
	assert_int_equal(fcntl(f->write_fd, F_GETFD), -1);
	ended(child);
}

static void write_two(struct fixture *f)
{
	if (write(f->write_fd, "a\n", 2) != 2)
		_exit(1);
	usleep(LATER_US);
	if (write(f->write_fd, "b\n", 2) != 2)
		_exit(1);
}

static void test_a_stream_reads_so(void **state)
{
	struct fixture *f = *state;
	FILE *in = patient__open(f->read_fd, "r");
	pid_t child = later(f, write_two);
	char line[8];

	assert_non_null(in);
	/* As soon as it is there. */
	assert_string_equal(fgets(line, sizeof(line), in), "a\n");
	assert_string_equal(fgets(line, sizeof(line), in), "b\n");
	ended(child);
	child = later(f, end_us);
	errno = 0;
	assert_null(fgets(line, sizeof(line), in));
	assert_int_equal(errno, EINTR);
	ended(child);
	fclose(in);
	f->read_fd = -1;
}

/* A terminal with room for a little, which tells that there is room. */
static void test_a_terminal_that_takes_no_more_is_waited_for_until_a_signal(void **state)
{
	struct fixture *f = *state;
	int master_fd, terminal_fd, stdin_fd = dup(STDIN_FILENO);
	pid_t child;
	FILE *out;

	assert_int_equal(openpty(&master_fd, &terminal_fd, NULL, NULL, NULL), 0);
	assert_int_equal(dup2(terminal_fd, STDIN_FILENO), STDIN_FILENO);
	out = patient__open(STDIN_FILENO, "w");
	assert_non_null(out);
	child = later(f, end_us);
	errno = 0;
	assert_true(fwrite(f->text, 1, TEXT_SIZE, out) < TEXT_SIZE || fflush(out) == EOF);
	assert_int_equal(errno, EINTR);
	ended(child);
	fclose(out);
	/* Who shares the terminal finds it as it was. */
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
	dup2(stdin_fd, STDIN_FILENO);
	close(stdin_fd);
	close(terminal_fd);
	close(master_fd);
}

static void test_a_stream_leaves_standard_descriptors_open(void **state)
{
	FILE *err = patient__open(STDERR_FILENO, "w");

	(void)state;
	assert_non_null(err);
	fclose(err);
	assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_slow_reader_gets_all),
		TEST(test_a_signal_ends_the_wait_for_a_reader),
		TEST(test_other_signals_do_not),
		TEST(test_what_does_not_have_to_wait_is_written_all_the_same),
		TEST(test_failures_are_told),
		TEST(test_a_stream_writes_so),
		TEST(test_a_stream_reads_so),
		TEST(test_a_terminal_that_takes_no_more_is_waited_for_until_a_signal),
		TEST(test_a_stream_leaves_standard_descriptors_open),
	};

	return cmocka_run_group_tests_name("patient", tests, NULL, NULL);
}
