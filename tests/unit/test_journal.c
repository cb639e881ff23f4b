// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Uses a tree of plain files in place of a cgroup file system. The journal is in the same tree.
 */
#include <errno.h>
#include "capture.h"
#include "steer/group.h"
#include "steer/journal.h"
#include "tree.h"

struct fixture {
	void *tree;
	struct group_host host;
	struct journal journal;
	char dir[64];
};

static const struct tree *tree_of(const struct fixture *f)
{
	return f->tree;
}

static void put(const struct fixture *f, const char *path, const char *text)
{
	tree__write(tree_of(f), path, text, strlen(text));
}

static void assert_file(const struct fixture *f, const char *path, const char *text)
{
	char is[256] = "";

	assert_true(hostfs__read(&tree_of(f)->fs, is, sizeof(is), "%s", path) >= 0);
	assert_string_equal(is, text);
}

static void make_cgroup(const struct fixture *f, const char *path)
{
	static const char *const files[] = { "cgroup.procs", "cpuset.cpus",
					     "cpuset.cpus.effective" };
	char file[128];

	tree__mkdir(tree_of(f), path);
	for (size_t i = 0; i < 3; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, files[i]);
		put(f, file, i ? "0-3\n" : "");
	}
}

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	tree__setup(&f->tree);
	f->host.root_fd = tree_of(f)->fs.root_fd;
	snprintf(f->dir, sizeof(f->dir), "%s/run", tree_of(f)->root);
	assert_int_equal(journal__open(f->dir, &f->journal), 0);
	put(f, "cpuset.cpus.effective", "0-3\n");
	make_cgroup(f, "a");
	make_cgroup(f, "b c");
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	journal__close(&f->journal);
	tree__teardown(&f->tree);
	free(f);
	return 0;
}

/* Writes both cgroups to the journal, with their present CPUs as the original ones. */
static void write_down(struct fixture *f)
{
	struct group a, b;
	const struct group *const groups[] = { &a, &b };

	assert_int_equal(group__open(&f->host, "a", true, &a), 0);
	assert_int_equal(group__open(&f->host, "/b c/", true, &b), 0);
	assert_true(journal__is_empty(&f->journal));
	assert_int_equal(journal__write(&f->journal, groups, 2), 0);
	assert_false(journal__is_empty(&f->journal));
	group__close(&a);
	group__close(&b);
}

static void test_restores(void **state)
{
	struct fixture *f = *state;

	put(f, "a/cpuset.cpus", "0-3\n");
	write_down(f);
	put(f, "a/cpuset.cpus", "1\n");
	put(f, "b c/cpuset.cpus", "2\n");
	/* Open the journal again, as the next run does after this one was killed. */
	journal__close(&f->journal);
	assert_int_equal(journal__open(f->dir, &f->journal), 0);
	assert_int_equal(journal__restore(&f->journal, &f->host), 2);
	assert_file(f, "a/cpuset.cpus", "0-3\n");
	assert_file(f, "b c/cpuset.cpus", "0-3\n");
	assert_true(journal__is_empty(&f->journal));
	assert_int_equal(journal__restore(&f->journal, &f->host), 0);
}

/* Writes all CPUs of the parent before the empty set, for a kernel that refuses the empty set. */
static void test_restores_nothing_set(void **state)
{
	struct fixture *f = *state;

	put(f, "a/cpuset.cpus", "\n");
	write_down(f);
	put(f, "a/cpuset.cpus", "1\n");
	assert_int_equal(journal__restore(&f->journal, &f->host), 2);
	/*
	 * "\n" has overwritten the beginning of "0-3\n": a plain file, unlike cpuset.cpus, keeps
	 * the rest.
	 */
	assert_file(f, "a/cpuset.cpus", "\n-3\n");
}

/* Does not restore a cgroup that was removed or replaced by another cgroup of the same name. */
static void test_gone(void **state)
{
	struct fixture *f = *state;

	write_down(f);
	tree__remove(tree_of(f), "a");
	assert_int_equal(renameat(f->host.root_fd, "b c", f->host.root_fd, "d"), 0);
	make_cgroup(f, "b c");
	put(f, "b c/cpuset.cpus", "3\n");
	assert_int_equal(journal__restore(&f->journal, &f->host), 0);
	assert_file(f, "b c/cpuset.cpus", "3\n");
	assert_true(journal__is_empty(&f->journal));
}

static void test_one_run(void **state)
{
	struct fixture *f = *state;
	struct capture capture;
	struct journal second;
	int err;

	capture__begin(&capture, stderr);
	err = journal__open(f->dir, &second);
	capture__end(&capture);
	assert_int_equal(err, -EBUSY);
	assert_non_null(strstr(capture.text, "another gtimehalt-steer is running"));
	journal__close(&second);
}

static void test_hostile(void **state)
{
	static const char *const lines[] = { "x 0-3 /a\n", "1 0-3\n", "1\n", "1 many /a\n", "\n" };
	struct fixture *f = *state;
	struct capture capture;
	int err;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		put(f, "run/originals", lines[i]);
		capture__begin(&capture, stderr);
		err = journal__restore(&f->journal, &f->host);
		capture__end(&capture);
		assert_int_equal(err, -EPROTO);
		/* The journal is kept so that it can be examined. */
		assert_file(f, "run/originals", lines[i]);
	}
}

/* Refuses a directory in which other users may write. */
static void test_folder_of_others(void **state)
{
	struct fixture *f = *state;
	struct capture capture;
	struct journal journal;
	char dir[80];
	int err;

	tree__mkdir(tree_of(f), "open");
	assert_int_equal(fchmodat(f->host.root_fd, "open", 0777, 0), 0);
	snprintf(dir, sizeof(dir), "%s/open", tree_of(f)->root);
	capture__begin(&capture, stderr);
	err = journal__open(dir, &journal);
	capture__end(&capture);
	assert_int_equal(err, -EACCES);
	journal__close(&journal);
}

static void test_paths(void **state)
{
	static const char *const bad[] = { "",    "/",    "a//b", "a/..", "./a", "/sys/fs/cgroup/",
					   "//a", "a/./b" };
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(group__parse_path(bad[i], path), -EINVAL);
	assert_int_equal(group__parse_path("/sys/fs/cgroup/a/...b/", path), 0);
	assert_string_equal(path, "a/...b");
	assert_int_equal(group__parse_path("/5", path), 0);
	assert_string_equal(path, "5");
}

#define JOURNAL_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOURNAL_TEST(test_restores),  JOURNAL_TEST(test_restores_nothing_set),
		JOURNAL_TEST(test_gone),      JOURNAL_TEST(test_one_run),
		JOURNAL_TEST(test_hostile),   JOURNAL_TEST(test_folder_of_others),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
