// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include "capture.h"
#include "child.h"
#include "measure/perf_helper.h"
#include "rights/privileges.h"

/*
 * Uses a software clock, because not every machine has MPERF. Opening it on a CPU needs the same
 * privilege.
 */
static struct perf_helper_opts options(void)
{
	return (struct perf_helper_opts){
		.events = { .type = PERF_TYPE_SOFTWARE,
			    .configs = { PERF_COUNT_SW_CPU_CLOCK, PERF_COUNT_SW_CPU_CLOCK } },
		.cpu_cnt = 2,
	};
}

/* The leader of the event that counts. */
static int leader_fd = -1;

/* Returns the descriptor that counts, for close_clock(); or -errno. */
static int open_clock(struct perf_helper *helper, int cpu)
{
	int fds[EVENT_CNT_PER_CPU];
	int err = perf_helper__open(helper, cpu, fds);

	if (err)
		return err;
	leader_fd = fds[EVENT_TSC];
	return fds[EVENT_MPERF];
}

static void close_clock(int fd)
{
	close(fd);
	close(leader_fd);
}

static struct perf_helper *start(void)
{
	const struct perf_helper_opts opts = options();
	struct perf_helper *helper = NULL;

	assert_int_equal(perf_helper__new(&opts, &helper), 0);
	assert_non_null(helper);
	return helper;
}

/* Returns what the event counts within a millisecond; 0 if it does not count. */
static __u64 count(int event_fd)
{
	__u64 value = 0;
	const struct timespec pause = { .tv_nsec = 1000000 };

	nanosleep(&pause, NULL);
	if (read(event_fd, &value, sizeof(value)) != sizeof(value))
		return 0;
	return value;
}

static int next_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void test_it_opens_an_event_that_counts(void **state)
{
	struct perf_helper *helper;
	int fd, before;

	(void)state;
	if (geteuid())
		skip();
	before = next_fd();
	helper = start();
	for (int i = 0; i < 3; i++) {
		fd = open_clock(helper, 0);
		assert_true(fd >= 0);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_true(count(fd) > 0);
		close_clock(fd);
	}
	perf_helper__free(helper);
	assert_int_equal(next_fd(), before);
}

static void test_a_cpu_out_of_range_is_refused(void **state)
{
	static const int cpus[] = { -1, 2, 1 << 30, -2147483647 - 1 };
	struct perf_helper *helper;
	int fd;

	(void)state;
	if (geteuid())
		skip();
	helper = start();
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++)
		assert_int_equal(open_clock(helper, cpus[i]), -EINVAL);
	fd = open_clock(helper, 0);
	assert_true(fd >= 0);
	close_clock(fd);
	perf_helper__free(helper);
}

static void assert_status(pid_t pid, const char *key, const char *expected)
{
	char value[64];

	child__proc_status(pid, key, value);
	assert_string_equal(value, expected);
}

/*
 * The helper may keep no capability, CAP_PERFMON (1ULL << 38), or CAP_SYS_ADMIN (1ULL << 21) on
 * kernels that require it.
 */
static void assert_one_capability(pid_t pid)
{
	char value[64];
	unsigned long long caps;

	child__proc_status(pid, "CapEff", value);
	caps = strtoull(value, NULL, 16);
	assert_true(caps == 0 || caps == 1ULL << 38 || caps == 1ULL << 21);
	assert_status(pid, "CapPrm", value);
	assert_status(pid, "CapInh", "0000000000000000");
	assert_status(pid, "CapAmb", "0000000000000000");
	assert_status(pid, "CapBnd", "0000000000000000");
}

static int count_fds(pid_t pid)
{
	char path[64];
	int cnt = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		cnt += entry->d_name[0] != '.';
	closedir(dir);
	return cnt;
}

static void test_it_has_one_right_and_one_descriptor(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	struct perf_helper *helper;
	char ids[64];
	pid_t pid;

	(void)state;
	if (geteuid())
		skip();
	helper = start();
	pid = perf_helper__pid(helper);
	assert_one_capability(pid);
	assert_status(pid, "NoNewPrivs", "1");
	assert_status(pid, "Seccomp", "2");
	assert_status(pid, "Name", "gtimehalt-open");
	assert_status(pid, "Groups", "");
	snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", nobody->pw_uid, nobody->pw_uid, nobody->pw_uid,
		 nobody->pw_uid);
	assert_status(pid, "Uid", ids);
	assert_int_equal(count_fds(pid), 1);
	perf_helper__free(helper);
	assert_int_equal(kill(pid, 0), -1);
}

static bool has_ended(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	char state[64];

	for (int tries = 0; tries < 500; tries++) {
		child__proc_status(pid, "State", state);
		if (!state[0] || state[0] == 'Z')
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void leave_it(void *arg)
{
	const struct perf_helper_opts opts = options();
	struct perf_helper *helper;
	pid_t pid;

	CHILD_CHECK(!perf_helper__new(&opts, &helper));
	pid = perf_helper__pid(helper);
	CHILD_CHECK(write(*(int *)arg, &pid, sizeof(pid)) == sizeof(pid));
	_exit(0);
}

/* Starts a helper in a child that runs `leave` and exits; the helper must exit, too. */
static void assert_ends_after(void (*leave)(void *arg))
{
	int pipe_fds[2];
	pid_t pid;

	if (geteuid())
		skip();
	assert_int_equal(pipe(pipe_fds), 0);
	child__run(leave, &pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &pid, sizeof(pid)), sizeof(pid));
	assert_true(has_ended(pid));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void test_it_ends_with_its_parent(void **state)
{
	(void)state;
	assert_ends_after(leave_it);
}

static void stop_it_and_leave(void *arg)
{
	struct perf_helper *helper = start();
	pid_t pid = perf_helper__pid(helper);

	kill(pid, SIGSTOP);
	perf_helper__free(helper);
	CHILD_CHECK(write(*(int *)arg, &pid, sizeof(pid)) == sizeof(pid));
}

/* A stopped helper must not keep its parent from exiting. */
static void test_one_that_is_stopped_ends_all_the_same(void **state)
{
	(void)state;
	assert_ends_after(stop_it_and_leave);
}

static void test_without_it_nothing_is_opened_and_that_is_said_once(void **state)
{
	struct perf_helper *helper;
	struct capture capture;
	int first, second;

	(void)state;
	if (geteuid())
		skip();
	helper = start();
	kill(perf_helper__pid(helper), SIGKILL);
	assert_true(has_ended(perf_helper__pid(helper)));
	capture__begin(&capture, stderr);
	first = open_clock(helper, 0);
	second = open_clock(helper, 0);
	capture__end(&capture);
	assert_int_equal(first, -EPIPE);
	assert_int_equal(second, -EPIPE);
	assert_string_equal(capture.text,
			    "gtimehalt: warning: the process that opens MPERF does not answer: "
			    "CPUs that come online are no longer measured\n");
	perf_helper__free(helper);
}

static void test_an_event_that_cannot_be_opened_is_an_error_at_the_start(void **state)
{
	struct perf_helper_opts opts = options();
	struct perf_helper *helper = NULL;
	struct capture capture;
	int err, before;

	(void)state;
	before = next_fd();
	opts.events.type = 0x7fffffff;
	capture__begin(&capture, stderr);
	err = perf_helper__new(&opts, &helper);
	capture__end(&capture);
	assert_true(err < 0);
	assert_null(helper);
	assert_non_null(strstr(capture.text, "cannot start the process that opens MPERF"));
	assert_int_equal(next_fd(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The complete purpose: a process without privileges gets an event from a process that has one. */
static void drop_and_open(void *arg)
{
	const struct perf_helper_opts opts = options();
	const struct privileges_opts privileges = { 0 };
	struct perf_helper *helper;
	int fd;

	(void)arg;
	CHILD_CHECK(!perf_helper__new(&opts, &helper));
	CHILD_CHECK(!privileges__drop(&privileges));
	fd = open_clock(helper, 0);
	CHILD_CHECK(fd >= 0 && count(fd) > 0);
	perf_helper__free(helper);
}

static void test_a_process_without_rights_gets_an_event(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	child__run(drop_and_open, NULL);
}

/* A compromised parent may send messages that perf_helper.c never sends. */
static void send_rubbish(void *arg)
{
	const struct perf_helper_opts opts = options();
	char rubbish[64] = { 0 };
	struct perf_helper *helper;
	int socket_fd;

	(void)arg;
	socket_fd = next_fd(); /* will be the first descriptor of the socket pair */
	CHILD_CHECK(!perf_helper__new(&opts, &helper));
	CHILD_CHECK(send(socket_fd, rubbish, sizeof(rubbish), MSG_NOSIGNAL) == sizeof(rubbish));
	CHILD_CHECK(has_ended(perf_helper__pid(helper)));
}

static void test_it_ends_when_it_is_sent_something_else(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	child__run(send_rubbish, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_opens_an_event_that_counts),
		cmocka_unit_test(test_a_cpu_out_of_range_is_refused),
		cmocka_unit_test(test_it_has_one_right_and_one_descriptor),
		cmocka_unit_test(test_it_ends_with_its_parent),
		cmocka_unit_test(test_one_that_is_stopped_ends_all_the_same),
		cmocka_unit_test(test_without_it_nothing_is_opened_and_that_is_said_once),
		cmocka_unit_test(test_an_event_that_cannot_be_opened_is_an_error_at_the_start),
		cmocka_unit_test(test_a_process_without_rights_gets_an_event),
		cmocka_unit_test(test_it_ends_when_it_is_sent_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
