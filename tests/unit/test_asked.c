// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "vm/asked.h"
#include "capture.h"
#include "report/filter.h"
#include "snapshot_fixture.h"
#include "tree.h"

/* Runs both checks, the names first, as the program does. */
static int run_check(const struct filter *filter, const struct snapshot *snap,
		     struct capture *capture)
{
	int err;

	capture__begin(capture, stderr);
	err = asked__check_names(filter, snap);
	if (!err)
		err = asked__check_vcpus(filter, snap);
	capture__end(capture);
	return err;
}

static void assert_there(struct filter filter, void **state)
{
	struct capture capture;
	int err = run_check(&filter, *state, &capture);

	assert_string_equal(capture.text, "");
	assert_int_equal(err, 0);
}

static void assert_missing(struct filter filter, const char *line, void **state)
{
	struct capture capture;
	int err = run_check(&filter, *state, &capture);

	assert_string_equal(capture.text, line);
	assert_int_equal(err, -ENOENT);
}

static void test_nothing_asked_for(void **state)
{
	struct snapshot empty = { 0 };
	void *empty_state = &empty;

	assert_there((struct filter){ 0 }, state);
	assert_there((struct filter){ 0 }, &empty_state);
}

static void test_tids(void **state)
{
	pid_t tids[] = { 6, 32, 10 };

	assert_there((struct filter){ .tids = tids, .tid_cnt = 2 }, state);
	/* A process ID is not accepted as the thread ID of one of its vCPUs. */
	assert_missing((struct filter){ .tids = tids, .tid_cnt = 3 },
		       "gtimehalt: no vCPU has the thread ID 10\n", state);
}

static void test_names(void **state)
{
	const char *names[] = { "idle", "web-*", "web" };

	assert_there((struct filter){ .names = (char **)names, .name_cnt = 2 }, state);
	assert_missing((struct filter){ .names = (char **)names, .name_cnt = 3 },
		       "gtimehalt: no VM has a name like 'web'\n", state);
}

static void test_vcpu_ids(void **state)
{
	__u32 ids[] = { 2, 0, 3 };

	assert_there((struct filter){ .vcpu_ids = ids, .vcpu_id_cnt = 2 }, state);
	assert_missing((struct filter){ .vcpu_ids = ids, .vcpu_id_cnt = 3 },
		       "gtimehalt: no VM has a vCPU 3\n", state);
}

/* Only the first of several faults is reported, on one line. */
static void test_one_line(void **state)
{
	const char *names[] = { "nobody", "nowhere" };
	pid_t tids[] = { 11, 1, 2 };
	__u32 ids[] = { 99 };
	struct filter filter = { .tids = tids, .tid_cnt = 3, .vcpu_ids = ids, .vcpu_id_cnt = 1 };

	assert_missing(filter, "gtimehalt: no vCPU has the thread ID 1\n", state);
	filter.names = (char **)names;
	filter.name_cnt = 2;
	assert_missing(filter, "gtimehalt: no VM has a name like 'nobody'\n", state);
}

/*
 * The first snapshot may contain none of the vCPUs of a sleeping VM: the VM's name is enough to
 * match.
 */
static void test_names_need_no_vcpu(void **state)
{
	struct snapshot *snap = *state;
	const char *names[] = { "web-1" };
	__u32 ids[] = { 1 };
	struct filter filter = {
		.names = (char **)names, .name_cnt = 1, .vcpu_ids = ids, .vcpu_id_cnt = 1
	};
	struct capture capture;

	snap->vcpu_cnt = 0;
	capture__begin(&capture, stderr);
	assert_int_equal(asked__check_names(&filter, snap), 0);
	capture__end(&capture);
	assert_string_equal(capture.text, "");
	assert_missing(filter, "gtimehalt: no VM has a vCPU 1\n", state);
}

static void test_each_but_not_together(void **state)
{
	pid_t tids[] = { 11 };
	const char *names[] = { "db" };

	assert_missing(
		(struct filter){
			.tids = tids, .tid_cnt = 1, .names = (char **)names, .name_cnt = 1 },
		"gtimehalt: no VM or vCPU matches all of the filters\n", state);
}

/* The process exited between the search of /proc and the first snapshot. */
static void test_a_process_that_has_just_ended(void **state)
{
	pid_t pids[] = { 50 };

	assert_missing((struct filter){ .pids = pids, .pid_cnt = 1 },
		       "gtimehalt: no VM or vCPU matches all of the filters\n", state);
}

static void assert_ids(const struct tree *tree, struct filter filter, int expected,
		       const char *line)
{
	struct capture capture;
	int err;

	capture__begin(&capture, stderr);
	err = asked__check_ids(&filter, &tree->fs);
	capture__end(&capture);
	assert_string_equal(capture.text, line);
	assert_int_equal(err, expected);
}

/* Adds process 7, which runs a VM, process 8, which does not, and 70, a thread of process 7. */
static void add_processes(const struct tree *tree)
{
	tree__mkdir(tree, "proc");
	tree__mkdir(tree, "proc/7");
	tree__mkdir(tree, "proc/7/fd");
	tree__write(tree, "proc/7/status", "Tgid:\t7\n", 8);
	tree__symlink(tree, "proc/7/fd/3", "anon_inode:kvm-vm");
	tree__mkdir(tree, "proc/8");
	tree__mkdir(tree, "proc/8/fd");
	tree__write(tree, "proc/8/status", "Tgid:\t8\n", 8);
	tree__mkdir(tree, "proc/70");
}

static void test_pids(void **state)
{
	pid_t pids[] = { 7, 8, 9 };
	struct tree *tree = *state;

	add_processes(tree);
	assert_ids(tree, (struct filter){ 0 }, 0, "");
	assert_ids(tree, (struct filter){ .pids = pids, .pid_cnt = 1 }, 0, "");
	assert_ids(tree, (struct filter){ .pids = pids, .pid_cnt = 3 }, -ENODEV,
		   "gtimehalt: process 8 runs no VM\n");
	assert_ids(tree, (struct filter){ .pids = &pids[2], .pid_cnt = 1 }, -ESRCH,
		   "gtimehalt: there is no process 9\n");
}

static void test_closed_process(void **state)
{
	const struct tree *tree = *state;
	struct capture capture;
	pid_t pids[] = { 7 };
	const struct filter filter = { .pids = pids, .pid_cnt = 1 };
	int err;

	add_processes(tree);
	assert_int_equal(fchmodat(tree->fs.root_fd, "proc/7/fd", 0, 0), 0);
	capture__begin(&capture, stderr);
	tree__lower_rights(tree);
	err = asked__check_ids(&filter, &tree->fs);
	tree__raise_rights();
	capture__end(&capture);
	assert_int_equal(fchmodat(tree->fs.root_fd, "proc/7/fd", 0755, 0), 0);
	assert_int_equal(err, -EOPNOTSUPP);
	assert_non_null(strstr(capture.text, "process 7: this needs CAP_SYS_PTRACE"));
}

static void test_threads(void **state)
{
	pid_t tids[] = { 70, 8, 71, 72 };
	struct tree *tree = *state;

	add_processes(tree);
	assert_ids(tree, (struct filter){ .tids = tids, .tid_cnt = 2 }, 0, "");
	assert_ids(tree, (struct filter){ .tids = tids, .tid_cnt = 4 }, -ESRCH,
		   "gtimehalt: there is no thread 71\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SNAPSHOT_TEST(test_nothing_asked_for),
		SNAPSHOT_TEST(test_tids),
		SNAPSHOT_TEST(test_names),
		SNAPSHOT_TEST(test_vcpu_ids),
		SNAPSHOT_TEST(test_one_line),
		SNAPSHOT_TEST(test_names_need_no_vcpu),
		SNAPSHOT_TEST(test_each_but_not_together),
		SNAPSHOT_TEST(test_a_process_that_has_just_ended),
		cmocka_unit_test_setup_teardown(test_pids, tree__setup, tree__teardown),
		cmocka_unit_test_setup_teardown(test_closed_process, tree__setup, tree__teardown),
		cmocka_unit_test_setup_teardown(test_threads, tree__setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("asked", tests, NULL, NULL);
}
