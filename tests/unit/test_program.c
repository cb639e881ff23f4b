// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "base/program.h"
#include "child.h"

/*
 * Closes some of the three standard descriptors. The open ones must not change; the closed ones
 * must become descriptors that can be neither read nor written.
 */
static void fill(void *arg)
{
	int closed = *(int *)arg;
	struct stat before[3], after;
	char byte = 'x';

	for (int fd = 0; fd < 3; fd++) {
		if (closed & 1 << fd)
			close(fd);
		else if (fstat(fd, &before[fd]))
			_exit(2);
	}
	if (!program__start("test"))
		_exit(3);
	for (int fd = 0; fd < 3; fd++) {
		if (fstat(fd, &after))
			_exit(4);
		if (!(closed & 1 << fd) &&
		    (after.st_ino != before[fd].st_ino || after.st_dev != before[fd].st_dev))
			_exit(5);
		if (!(closed & 1 << fd))
			continue;
		if (write(fd, &byte, 1) >= 0 || errno != EBADF || read(fd, &byte, 1) >= 0 ||
		    errno != EBADF)
			_exit(6);
	}
	/* The next descriptor is none of the three. */
	if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 3)
		_exit(7);
}

static void test_closed_ones_are_taken(void **state)
{
	(void)state;
	for (int closed = 0; closed < 8; closed++) {
		int status = child__status(fill, &closed);

		if (status)
			print_error("closed %d: exit %d\n", closed, WEXITSTATUS(status));
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closed_ones_are_taken),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
