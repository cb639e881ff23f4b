// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include "tree.h"

static int setup(void **state)
{
	struct tree *tree;

	tree__setup(state);
	tree = *state;
	tree__mkdir(tree, "proc");
	tree__mkdir(tree, "proc/7");
	tree__write(tree, "proc/7/comm", "kvm\n", 4);
	return 0;
}

static void open_and_close(void **state)
{
	struct hostfs fs = { .root_fd = 42 };
	int fd;

	(void)state;
	assert_int_equal(hostfs__open(&fs, "/nowhere/at/all"), -ENOENT);
	assert_int_equal(fs.root_fd, -1);
	hostfs__close(&fs);
	fs.root_fd = 42;
	assert_int_equal(hostfs__open(&fs, "/proc/self/stat"), -ENOTDIR);
	assert_int_equal(fs.root_fd, -1);

	assert_int_equal(hostfs__open(&fs, "/"), 0);
	fd = fs.root_fd;
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	hostfs__close(&fs);
	assert_int_equal(fs.root_fd, -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	hostfs__close(&fs);
}

static void open_reaches_the_host(void **state)
{
	struct hostfs fs;
	char buf[64];

	(void)state;
	assert_int_equal(hostfs__open(&fs, "/"), 0);
	assert_true(hostfs__read(&fs, buf, sizeof(buf), "proc/%d/stat", getpid()) > 0);
	assert_int_equal(atoi(buf), getpid());
	hostfs__close(&fs);
}

static void read_formats_path(void **state)
{
	const struct tree *tree = *state;
	char buf[16];

	memset(buf, 'x', sizeof(buf));
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "proc/%d/%s", 7, "comm"), 4);
	assert_string_equal(buf, "kvm\n");
	assert_int_equal(buf[5], 'x');
}

static void read_is_cut(void **state)
{
	const struct tree *tree = *state;
	char buf[16];

	memset(buf, 'x', sizeof(buf));
	assert_int_equal(hostfs__read(&tree->fs, buf, 4, "proc/7/comm"), 3);
	assert_string_equal(buf, "kvm");
	assert_int_equal(buf[4], 'x');
	assert_int_equal(hostfs__read(&tree->fs, buf, 1, "proc/7/comm"), 0);
	assert_string_equal(buf, "");
	assert_int_equal(hostfs__read(&tree->fs, buf, 0, "proc/7/comm"), -EINVAL);
}

static void read_keeps_nuls(void **state)
{
	const struct tree *tree = *state;
	char buf[16];

	tree__write(tree, "cmdline", "a\0bc\0", 5);
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "cmdline"), 5);
	assert_memory_equal(buf, "a\0bc\0", 6);
	tree__write(tree, "empty", "", 0);
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "empty"), 0);
	assert_string_equal(buf, "");
}

/* /proc returns about a page per read, even if more was requested. */
static void read_goes_on_after_short_ones(void **state)
{
	static char buf[65536];
	struct hostfs fs;

	(void)state;
	assert_int_equal(hostfs__open(&fs, "/"), 0);
	assert_true(hostfs__read(&fs, buf, sizeof(buf), "proc/self/smaps") > 8192);
	assert_true(hostfs__read(&fs, buf, 6000, "proc/self/smaps") == 5999);
	hostfs__close(&fs);
}

static void read_never_waits(void **state)
{
	const struct tree *tree = *state;
	char buf[16];
	int fd;

	assert_int_equal(mkfifoat(tree->fs.root_fd, "fifo", 0600), 0);
	/* A FIFO without a writer. */
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "fifo"), 0);
	/* A FIFO with a writer that writes nothing. */
	fd = openat(tree->fs.root_fd, "fifo", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "fifo"), -EAGAIN);
	close(fd);
}

static void read_errors(void **state)
{
	const struct tree *tree = *state;
	char long_name[PATH_MAX + 1];
	rlim_t limit;
	char buf[16];

	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "proc/%d/comm", 8), -ENOENT);
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "proc/7"), -EISDIR);
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "proc/7/comm/x"), -ENOTDIR);
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "%s", ""), -ENOENT);
	/* An absolute path would leave the root. */
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "/proc/self/comm"), -EINVAL);

	/* One byte too long, and just short enough: the kernel treats repeated slashes as one. */
	memset(long_name, '/', sizeof(long_name));
	long_name[0] = '.';
	snprintf(long_name + PATH_MAX - 11, 12, "proc/7/comm");
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "%s", long_name), -ENAMETOOLONG);
	snprintf(long_name + PATH_MAX - 12, 12, "proc/7/comm");
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "%s", long_name), 4);

	limit = tree__limit_files(3);
	assert_int_equal(hostfs__read(&tree->fs, buf, sizeof(buf), "proc/7/comm"), -EMFILE);
	tree__limit_files(limit);
}

/* Behaves like hostfs__read(), but reads once only, which is not enough for smaps. */
static void read_line_reads_once(void **state)
{
	const struct tree *tree = *state;
	static char all[65536], line[65536];
	struct hostfs fs;
	ssize_t len;
	int fd;

	memset(line, 'x', 16);
	assert_int_equal(hostfs__read_line(&tree->fs, line, 16, "proc/%d/%s", 7, "comm"), 4);
	assert_string_equal(line, "kvm\n");
	assert_int_equal(line[5], 'x');
	assert_int_equal(hostfs__read_line(&tree->fs, line, 4, "proc/7/comm"), 3);
	assert_string_equal(line, "kvm");
	assert_int_equal(hostfs__read_line(&tree->fs, line, 0, "proc/7/comm"), -EINVAL);
	assert_int_equal(hostfs__read_line(&tree->fs, line, 16, "proc/8/comm"), -ENOENT);
	assert_int_equal(hostfs__read_line(&tree->fs, line, 16, "proc/7"), -EISDIR);
	assert_int_equal(hostfs__read_line(&tree->fs, line, 16, "/proc/self/comm"), -EINVAL);
	assert_int_equal(mkfifoat(tree->fs.root_fd, "fifo", 0600), 0);
	fd = openat(tree->fs.root_fd, "fifo", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(hostfs__read_line(&tree->fs, line, 16, "fifo"), -EAGAIN);
	close(fd);

	assert_int_equal(hostfs__open(&fs, "/"), 0);
	len = hostfs__read_line(&fs, line, sizeof(line), "proc/self/smaps");
	assert_true(len > 0);
	assert_true(hostfs__read(&fs, all, sizeof(all), "proc/self/smaps") > len);
	hostfs__close(&fs);
}

static void descriptors_do_not_leak(void **state)
{
	const struct tree *tree = *state;
	int before = tree__next_fd(tree);
	char buf[16];
	DIR *dir;

	hostfs__read(&tree->fs, buf, sizeof(buf), "proc/7/comm");
	hostfs__read(&tree->fs, buf, sizeof(buf), "proc/7"); /* fails after the open */
	hostfs__read_line(&tree->fs, buf, sizeof(buf), "proc/7/comm");
	hostfs__read_line(&tree->fs, buf, sizeof(buf), "proc/7");
	hostfs__exists(&tree->fs, "proc/7");
	hostfs__opendir(&tree->fs, "proc/7/comm");
	dir = hostfs__opendir(&tree->fs, "proc/7");
	assert_non_null(dir);
	closedir(dir);
	assert_int_equal(tree__next_fd(tree), before);
}

static void readlink_reads_targets(void **state)
{
	const struct tree *tree = *state;
	char buf[32];

	/* The target need not exist, as the targets in /proc/PID/fd do not. */
	tree__symlink(tree, "proc/7/3", "anon_inode:kvm-vm");
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(hostfs__readlink(&tree->fs, buf, sizeof(buf), "proc/%d/%d", 7, 3), 17);
	assert_string_equal(buf, "anon_inode:kvm-vm");
	assert_int_equal(hostfs__readlink(&tree->fs, buf, 18, "proc/7/3"), 17);
	assert_string_equal(buf, "anon_inode:kvm-vm");
	assert_int_equal(hostfs__readlink(&tree->fs, buf, 17, "proc/7/3"), 16);
	assert_string_equal(buf, "anon_inode:kvm-v");
	assert_int_equal(hostfs__readlink(&tree->fs, buf, 5, "proc/7/3"), 4);
	assert_string_equal(buf, "anon");
	assert_int_equal(hostfs__readlink(&tree->fs, buf, 1, "proc/7/3"), 0);
	assert_string_equal(buf, "");
}

static void readlink_errors(void **state)
{
	const struct tree *tree = *state;
	char long_name[PATH_MAX + 1];
	char buf[8];

	memset(long_name, 'a', sizeof(long_name));
	long_name[PATH_MAX] = '\0';
	assert_int_equal(hostfs__readlink(&tree->fs, buf, 0, "proc/7/comm"), -EINVAL);
	assert_int_equal(hostfs__readlink(&tree->fs, buf, sizeof(buf), "proc/7/comm"), -EINVAL);
	assert_int_equal(hostfs__readlink(&tree->fs, buf, sizeof(buf), "proc/7/none"), -ENOENT);
	assert_int_equal(hostfs__readlink(&tree->fs, buf, sizeof(buf), "/proc/self"), -EINVAL);
	assert_int_equal(hostfs__readlink(&tree->fs, buf, sizeof(buf), "%s", long_name),
			 -ENAMETOOLONG);
}

static void exists_tells_absence_from_failure(void **state)
{
	const struct tree *tree = *state;
	char long_name[PATH_MAX + 1];

	memset(long_name, 'a', sizeof(long_name));
	long_name[PATH_MAX] = '\0';
	assert_int_equal(hostfs__exists(&tree->fs, "proc/%d", 7), 1);
	assert_int_equal(hostfs__exists(&tree->fs, "proc/7/comm"), 1);
	assert_int_equal(hostfs__exists(&tree->fs, "proc/%d", 8), 0);
	assert_int_equal(hostfs__exists(&tree->fs, "proc/7/comm/x"), 0);
	assert_int_equal(hostfs__exists(&tree->fs, "proc/8/comm/x"), 0);
	tree__symlink(tree, "dangling", "nowhere");
	assert_int_equal(hostfs__exists(&tree->fs, "dangling"), 0);
	tree__symlink(tree, "loop", "loop");
	assert_int_equal(hostfs__exists(&tree->fs, "loop"), -ELOOP);
	assert_int_equal(hostfs__exists(&tree->fs, "/proc"), -EINVAL);
	assert_int_equal(hostfs__exists(&tree->fs, "%s", long_name), -ENAMETOOLONG);
}

static void assert_opendir_fails(const struct tree *tree, const char *path, int expected)
{
	errno = 0;
	assert_null(hostfs__opendir(&tree->fs, "%s", path));
	assert_int_equal(errno, expected);
}

static void opendir_lists(void **state)
{
	const struct tree *tree = *state;
	struct dirent *entry;
	size_t found = 0;
	DIR *dir;

	dir = hostfs__opendir(&tree->fs, "proc/%d", 7);
	assert_non_null(dir);
	assert_true(fcntl(dirfd(dir), F_GETFD) & FD_CLOEXEC);
	while ((entry = readdir(dir)))
		found += !strcmp(entry->d_name, "comm");
	assert_int_equal(found, 1);
	closedir(dir);
}

static void opendir_errors(void **state)
{
	const struct tree *tree = *state;
	char long_name[PATH_MAX + 1];
	rlim_t limit;

	memset(long_name, 'a', sizeof(long_name));
	long_name[PATH_MAX] = '\0';
	assert_opendir_fails(tree, "proc/8", ENOENT);
	assert_opendir_fails(tree, "proc/7/comm", ENOTDIR);
	assert_opendir_fails(tree, "/proc", EINVAL);
	assert_opendir_fails(tree, long_name, ENAMETOOLONG);
	limit = tree__limit_files(3);
	assert_opendir_fails(tree, "proc/7", EMFILE);
	tree__limit_files(limit);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_and_close),
		cmocka_unit_test(open_reaches_the_host),
		cmocka_unit_test_setup_teardown(read_formats_path, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(read_is_cut, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(read_keeps_nuls, setup, tree__teardown),
		cmocka_unit_test(read_goes_on_after_short_ones),
		cmocka_unit_test_setup_teardown(read_never_waits, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(read_errors, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(read_line_reads_once, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(descriptors_do_not_leak, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(readlink_reads_targets, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(readlink_errors, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(exists_tells_absence_from_failure, setup,
						tree__teardown),
		cmocka_unit_test_setup_teardown(opendir_lists, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(opendir_errors, setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("hostfs", tests, NULL, NULL);
}
