// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <grp.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "base/log.h"
#include "capture.h"
#include "child.h"
#include "rights/privileges.h"
#include "rights/syscall_filter.h"

#define NO_CAPS "0000000000000000"

/* Dropping privileges needs the capabilities of root. */
#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		if (geteuid())                                                                     \
			skip();                                                                    \
	} while (0)

static uid_t nobody(void)
{
	const struct passwd *user = getpwnam("nobody");

	CHILD_CHECK(user);
	return user->pw_uid;
}

static bool says(const char *key, const char *expected)
{
	char value[64];

	child__proc_status(getpid(), key, value);
	if (strcmp(value, expected))
		dprintf(STDERR_FILENO, "%s: '%s', not '%s'\n", key, value, expected);
	return !strcmp(value, expected);
}

static bool has_only_caps(const char *caps)
{
	return says("CapInh", NO_CAPS) && says("CapPrm", caps) && says("CapEff", caps) &&
	       says("CapAmb", NO_CAPS);
}

static int open_cpu_event(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
	};

	return syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC) < 0 ? -errno
											: 0;
}

static bool can_list(const char *path)
{
	DIR *dir = opendir(path);

	return dir && !closedir(dir);
}

static void drop_all(void *arg)
{
	const struct privileges_opts opts = { 0 };
	char ids[64];
	uid_t uid = nobody();
	int err;

	(void)arg;
	CHILD_CHECK(privileges__drop(&opts) == 0);
	CHILD_CHECK(has_only_caps(NO_CAPS) && says("CapBnd", NO_CAPS));
	CHILD_CHECK(says("NoNewPrivs", "1") && says("Seccomp", "0") && says("Groups", ""));
	snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", uid, uid, uid, uid);
	CHILD_CHECK(says("Uid", ids) && getegid() == getpwnam("nobody")->pw_gid);
	CHILD_CHECK(prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_KEEPCAPS) == 0);
	/* The process can still list its own descriptors and threads. */
	CHILD_CHECK(can_list("/proc/self/fd") && can_list("/proc/self/task"));
	/* Nothing can be regained. */
	CHILD_CHECK(setresuid(0, 0, 0) < 0 && setgroups(0, NULL) < 0);
	CHILD_CHECK(open("/etc/shadow", O_RDONLY) < 0 && errno == EACCES);
	CHILD_CHECK(open("/etc/motd-of-ours", O_WRONLY | O_CREAT, 0644) < 0 && errno == EACCES);
	CHILD_CHECK(kill(1, 0) < 0 && errno == EPERM);
	err = open_cpu_event();
	CHILD_CHECK(err == -EACCES || err == -EPERM);
}

static void test_root_becomes_nobody_without_a_capability(void **state)
{
	(void)state;
	NEEDS_ROOT();
	child__run(drop_all, NULL);
}

static void drop_to_another(void *arg)
{
	static const gid_t groups[] = { 4, 27 };
	const struct privileges_opts opts = { .user = "daemon", .groups = groups, .group_cnt = 2 };

	(void)arg;
	CHILD_CHECK(privileges__drop(&opts) == 0);
	CHILD_CHECK(geteuid() == getpwnam("daemon")->pw_uid);
	CHILD_CHECK(says("Groups", "4 27 "));
}

static void test_another_user_and_the_groups_given(void **state)
{
	(void)state;
	NEEDS_ROOT();
	child__run(drop_to_another, NULL);
}

/* Signals a process of another user, which needs CAP_KILL. */
static int signal_init(void *arg)
{
	++*(int *)arg;
	return kill(1, 0) ? -errno : 0;
}

static void keep_kill(void *arg)
{
	static const int caps[] = { PRIVILEGES_NONE, CAP_KILL, CAP_SYS_ADMIN };
	int tries = 0;
	const struct privileges_opts opts = {
		.caps = caps, .cap_cnt = 3, .works = signal_init, .arg = &tries
	};

	(void)arg;
	CHILD_CHECK(privileges__drop(&opts) == 0);
	CHILD_CHECK(tries == 2 && has_only_caps("0000000000000020") && says("CapBnd", NO_CAPS));
	CHILD_CHECK(kill(1, 0) == 0);
}

static void test_the_first_capability_that_does_is_kept_and_no_other(void **state)
{
	(void)state;
	NEEDS_ROOT();
	child__run(keep_kill, NULL);
}

static int need_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void keep_nothing(void *arg)
{
	static const int caps[] = { PRIVILEGES_NONE, CAP_KILL };
	const struct privileges_opts opts = { .caps = caps, .cap_cnt = 2, .works = need_nothing };

	(void)arg;
	CHILD_CHECK(privileges__drop(&opts) == 0);
	CHILD_CHECK(has_only_caps(NO_CAPS));
}

static void test_none_is_kept_where_it_works_without(void **state)
{
	(void)state;
	NEEDS_ROOT();
	child__run(keep_nothing, NULL);
}

static int fail_otherwise(void *arg)
{
	++*(int *)arg;
	return -EIO;
}

static void refuse(void *arg)
{
	static const int caps[] = { PRIVILEGES_NONE, CAP_SYSLOG };
	struct capture capture;
	int tries = 0, err;
	struct privileges_opts opts = {
		.caps = caps, .cap_cnt = 2, .works = signal_init, .arg = &tries
	};

	(void)arg;
	capture__begin(&capture, stderr);
	err = privileges__drop(&opts);
	capture__end(&capture);
	CHILD_CHECK(err == -EPERM && tries == 2);
	CHILD_CHECK(!strcmp(
		capture.text,
		"gtimehalt: cannot continue with fewer privileges: Operation not permitted\n"));
}

static void fail_once(void *arg)
{
	static const int caps[] = { PRIVILEGES_NONE, CAP_SYSLOG };
	int tries = 0;
	const struct privileges_opts opts = {
		.caps = caps, .cap_cnt = 2, .works = fail_otherwise, .arg = &tries
	};

	(void)arg;
	CHILD_CHECK(freopen("/dev/null", "w", stderr));
	CHILD_CHECK(privileges__drop(&opts) == -EIO && tries == 1);
}

static void test_what_does_not_work_at_all_is_an_error(void **state)
{
	(void)state;
	NEEDS_ROOT();
	child__run(refuse, NULL);
	/* Errors other than missing permission are not retried with more capabilities. */
	child__run(fail_once, NULL);
}

static void become_unknown(void *arg)
{
	const struct privileges_opts opts = { .user = "no-such-user" };
	struct capture capture;
	int err;

	(void)arg;
	capture__begin(&capture, stderr);
	err = privileges__drop(&opts);
	capture__end(&capture);
	CHILD_CHECK(err == -ENOENT);
	CHILD_CHECK(!strcmp(capture.text, "gtimehalt: there is no user no-such-user\n"));
}

static void test_an_unknown_user_is_an_error(void **state)
{
	(void)state;
	NEEDS_ROOT();
	child__run(become_unknown, NULL);
}

static void *wait_for_ever(void *arg)
{
	pause();
	return arg;
}

static void drop_beside_a_thread(void *arg)
{
	const struct privileges_opts opts = { 0 };
	pthread_t thread;

	(void)arg;
	CHILD_CHECK(freopen("/dev/null", "w", stderr));
	CHILD_CHECK(!pthread_create(&thread, NULL, wait_for_ever, NULL));
	CHILD_CHECK(privileges__drop(&opts) == -EBUSY);
}

/* Another thread would keep its privileges. */
static void test_another_thread_is_an_error(void **state)
{
	(void)state;
	child__run(drop_beside_a_thread, NULL);
}

/* As a process started by systemd with User= and AmbientCapabilities=. */
static void drop_as_a_user(void *arg)
{
	static const struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	static const __u32 kept = 1U << CAP_KILL;
	const struct __user_cap_data_struct data[2] = { { kept, kept, kept } };
	const struct privileges_opts opts = { .user = "daemon" };
	uid_t uid = nobody();

	(void)arg;
	CHILD_CHECK(!prctl(PR_SET_KEEPCAPS, 1) && !setresuid(uid, uid, uid));
	CHILD_CHECK(!syscall(SYS_capset, &header, data));
	CHILD_CHECK(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	CHILD_CHECK(says("CapAmb", "0000000000000020"));
	CHILD_CHECK(privileges__drop(&opts) == 0);
	CHILD_CHECK(geteuid() == uid && has_only_caps(NO_CAPS) && says("NoNewPrivs", "1"));
}

static void test_a_user_drops_its_capabilities_and_stays_who_it_is(void **state)
{
	(void)state;
	NEEDS_ROOT();
	child__run(drop_as_a_user, NULL);
}

static void drop_without_any(void *arg)
{
	const struct privileges_opts opts = { 0 };

	(void)arg;
	if (!geteuid())
		CHILD_CHECK(!setresuid(65534, 65534, 65534));
	CHILD_CHECK(privileges__drop(&opts) == 0);
	CHILD_CHECK(has_only_caps(NO_CAPS) && says("NoNewPrivs", "1"));
}

static void test_there_may_be_nothing_to_drop(void **state)
{
	(void)state;
	child__run(drop_without_any, NULL);
}

/* AddressSanitizer calls sigaltstack(2) before a function that does not return. */
static const struct syscall_rule base_rules[] = { SYSCALL_ALLOW(write), SYSCALL_ALLOW(exit_group),
						  SYSCALL_ALLOW(sigaltstack) };
static const struct syscall_list base_list = { .rules = base_rules, .cnt = 3 };
static const struct syscall_rule more_rules[] = { SYSCALL_ALLOW(getpid),
						  SYSCALL_ALLOW_IF(kill, 1, 0) };

static void filter_gently(void *arg)
{
	static const struct syscall_list list = { more_rules, 2, &base_list, false };

	(void)arg;
	CHILD_CHECK(!syscall_filter__load(&list));
	CHILD_CHECK(syscall(SYS_getpid) > 0);
	CHILD_CHECK(syscall(SYS_getppid) < 0 && errno == EPERM);
	CHILD_CHECK(syscall(SYS_kill, syscall(SYS_getpid), 0) == 0);
	/* The argument is an int: the filter must ignore the upper half of its register. */
	CHILD_CHECK(syscall(SYS_kill, syscall(SYS_getpid), 1L << 32) == 0);
	CHILD_CHECK(syscall(SYS_kill, syscall(SYS_getpid), SIGKILL) < 0 && errno == EPERM);
}

static void filter_hard(void *arg)
{
	static const struct syscall_list list = { more_rules, 2, &base_list, true };

	(void)arg;
	CHILD_CHECK(!syscall_filter__load(&list));
	syscall(SYS_getpid);
	syscall(SYS_getppid);
	_exit(0);
}

static void test_what_is_not_listed_fails_or_ends_the_process(void **state)
{
	int status;

	(void)state;
	child__run(filter_gently, NULL);
	status = child__status(filter_hard, NULL);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_becomes_nobody_without_a_capability),
		cmocka_unit_test(test_another_user_and_the_groups_given),
		cmocka_unit_test(test_the_first_capability_that_does_is_kept_and_no_other),
		cmocka_unit_test(test_none_is_kept_where_it_works_without),
		cmocka_unit_test(test_what_does_not_work_at_all_is_an_error),
		cmocka_unit_test(test_an_unknown_user_is_an_error),
		cmocka_unit_test(test_another_thread_is_an_error),
		cmocka_unit_test(test_a_user_drops_its_capabilities_and_stays_who_it_is),
		cmocka_unit_test(test_there_may_be_nothing_to_drop),
		cmocka_unit_test(test_what_is_not_listed_fails_or_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
