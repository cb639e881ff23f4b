// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads and writes that have to wait: the other end of the pipe is slow, does nothing, or is
 * closed. Signals are blocked, as they are while the program runs. Instead of waiting, the wrapped
 * poll() lets the other end act, so that no time passes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/interruptible_io.h"
#include "test.h"

#define PIPE_SIZE 65536
#define TEXT_SIZE (3 * PIPE_SIZE + 17)

/*
 * The other end acts from this unsuccessful poll() on, so that the code under test has to wait
 * repeatedly.
 */
#define LATER_LOOKS 5

struct fixture {
	int read_fd, write_fd;
	char text[TEXT_SIZE];
	sigset_t signals;
	size_t read_len;
};

/*
 * other_end() is called at each poll() that finds no data or no room; empty_looks counts these
 * calls.
 */
static void (*other_end)(struct fixture *f, int looks);
static struct fixture *other_fixture;
static int empty_looks;

int __real_poll(struct pollfd *fds, nfds_t cnt, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t cnt, int timeout_ms);

int __wrap_poll(struct pollfd *fds, nfds_t cnt, int timeout_ms)
{
	int ready = cnt ? __real_poll(fds, cnt, 0) : 0;

	/* The time-out must be finite and short, so that signals are noticed soon. */
	assert_in_range(timeout_ms, 1, 1000);
	if (ready)
		return ready;
	assert_non_null(other_end);
	assert_true(++empty_looks < 100000);
	other_end(other_fixture, empty_looks);
	return 0;
}

static void other_end_does(struct fixture *f, void (*body)(struct fixture *f, int looks))
{
	other_fixture = f;
	other_end = body;
	empty_looks = 0;
}

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

/* Reads some bytes and checks that they are those that were written. */
static void read_a_little(struct fixture *f, int looks)
{
	char text[1000];
	ssize_t cnt;

	if (looks < LATER_LOOKS)
		return;
	cnt = read(f->read_fd, text, sizeof(text));
	assert_true(cnt > 0);
	assert_memory_equal(text, f->text + f->read_len, (size_t)cnt);
	f->read_len += (size_t)cnt;
}

static void test_a_slow_reader_gets_all(void **state)
{
	struct fixture *f = *state;
	size_t written;

	other_end_does(f, read_a_little);
	assert_int_equal(interruptible_io__write(f->write_fd, f->text, TEXT_SIZE, &written), 0);
	assert_int_equal(written, TEXT_SIZE);
	assert_true(empty_looks > LATER_LOOKS);
	while (f->read_len < TEXT_SIZE)
		read_a_little(f, LATER_LOOKS);
}

static void end_us(struct fixture *f, int looks)
{
	(void)f;
	if (looks == LATER_LOOKS)
		kill(getpid(), SIGTERM);
}

static void resize_us(struct fixture *f, int looks)
{
	if (looks == 1)
		kill(getpid(), SIGWINCH);
	end_us(f, looks);
}

/*
 * The wait must not end before the signal has arrived, and must end at the poll() after its
 * arrival.
 */
static void assert_signal_ends_it(struct fixture *f, void (*body)(struct fixture *f, int looks))
{
	size_t written;

	other_end_does(f, body);
	assert_int_equal(interruptible_io__write(f->write_fd, f->text, TEXT_SIZE, &written),
			 -EINTR);
	assert_int_equal(written, PIPE_SIZE);
	assert_int_equal(empty_looks, LATER_LOOKS);
}

static void test_a_signal_ends_the_wait_for_a_reader(void **state)
{
	struct fixture *f = *state;
	sigset_t pending;

	assert_signal_ends_it(f, end_us);
	/* The signal is still pending, for the code that will handle it. */
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
	assert_int_equal(interruptible_io__write(f->write_fd, f->text, PIPE_SIZE, &written), 0);
	assert_int_equal(written, PIPE_SIZE);
}

static void test_failures_are_told(void **state)
{
	struct fixture *f = *state;
	int full_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	size_t written;

	assert_int_equal(interruptible_io__write(full_fd, "x", 1, &written), -ENOSPC);
	close(full_fd);
	assert_int_equal(interruptible_io__write(full_fd, "x", 1, &written), -EBADF);
	signal(SIGPIPE, SIG_IGN);
	close(f->read_fd);
	f->read_fd = -1;
	assert_int_equal(interruptible_io__write(f->write_fd, "x", 1, &written), -EPIPE);
	assert_int_equal(written, 0);
}

static void test_a_stream_writes_so(void **state)
{
	struct fixture *f = *state;
	FILE *out = interruptible_io__open(f->write_fd, "w");

	assert_non_null(out);
	other_end_does(f, end_us);
	errno = 0;
	assert_true(fwrite(f->text, 1, TEXT_SIZE, out) < TEXT_SIZE || fflush(out) == EOF);
	assert_int_equal(errno, EINTR);
	assert_true(ferror(out));
	fclose(out);
	/* fclose() has closed the descriptor. */
	assert_int_equal(fcntl(f->write_fd, F_GETFD), -1);
}

static void write_two(struct fixture *f, int looks)
{
	if (looks == 1)
		assert_int_equal(write(f->write_fd, "a\n", 2), 2);
	if (looks == LATER_LOOKS)
		assert_int_equal(write(f->write_fd, "b\n", 2), 2);
}

static void test_a_stream_reads_so(void **state)
{
	struct fixture *f = *state;
	FILE *in = interruptible_io__open(f->read_fd, "r");
	char line[8];

	assert_non_null(in);
	other_end_does(f, write_two);
	/* A line must be returned as soon as it has arrived. */
	assert_string_equal(fgets(line, sizeof(line), in), "a\n");
	assert_int_equal(empty_looks, 1);
	assert_string_equal(fgets(line, sizeof(line), in), "b\n");
	assert_int_equal(empty_looks, LATER_LOOKS);
	other_end_does(f, end_us);
	errno = 0;
	assert_null(fgets(line, sizeof(line), in));
	assert_int_equal(errno, EINTR);
	fclose(in);
	f->read_fd = -1;
}

/* A terminal with little room: poll() reports POLLOUT, but write() fails with EAGAIN. */
static void test_a_terminal_that_takes_no_more_is_waited_for_until_a_signal(void **state)
{
	struct fixture *f = *state;
	int master_fd, terminal_fd, stdin_fd = dup(STDIN_FILENO);
	FILE *out;

	assert_int_equal(openpty(&master_fd, &terminal_fd, NULL, NULL, NULL), 0);
	assert_int_equal(dup2(terminal_fd, STDIN_FILENO), STDIN_FILENO);
	out = interruptible_io__open(STDIN_FILENO, "w");
	assert_non_null(out);
	other_end_does(f, end_us);
	errno = 0;
	assert_true(fwrite(f->text, 1, TEXT_SIZE, out) < TEXT_SIZE || fflush(out) == EOF);
	assert_int_equal(errno, EINTR);
	fclose(out);
	/* The terminal may be shared, so its descriptor must be left without O_NONBLOCK. */
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
	dup2(stdin_fd, STDIN_FILENO);
	close(stdin_fd);
	close(terminal_fd);
	close(master_fd);
}

static void test_a_stream_leaves_standard_descriptors_open(void **state)
{
	FILE *err = interruptible_io__open(STDERR_FILENO, "w");

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

	return cmocka_run_group_tests_name("interruptible_io", tests, NULL, NULL);
}
