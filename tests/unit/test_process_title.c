// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include "base/process_title.h"
#include "child.h"

static size_t read_cmdline(char *text, size_t size)
{
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t len = read(fd, text, size);

	CHILD_CHECK(len > 0);
	close(fd);
	return (size_t)len;
}

static void set_title(void *arg)
{
	const char *title = arg;
	char before[4096], after[4096], name[64];
	size_t room = read_cmdline(before, sizeof(before));
	size_t shown = strlen(title) < room ? strlen(title) : room - 1;

	process_title__set("a-name", title);
	child__proc_status(getpid(), "Name", name);
	CHILD_CHECK(!strcmp(name, "a-name"));
	CHILD_CHECK(read_cmdline(after, sizeof(after)) == room);
	CHILD_CHECK(!memcmp(after, title, shown));
	/*
	 * Nothing is left of the old command line, and nothing of the environment after it is
	 * shown.
	 */
	for (size_t i = shown; i < room; i++)
		CHILD_CHECK(!after[i]);
	CHILD_CHECK(getenv("PATH"));
}

static void test_a_title_takes_the_place_of_the_command_line(void **state)
{
	char title[] = "short";

	(void)state;
	child__run(set_title, title);
}

static void test_a_title_is_cut_to_the_room_there_is(void **state)
{
	char title[4096];

	(void)state;
	memset(title, 'x', sizeof(title));
	title[sizeof(title) - 1] = '\0';
	child__run(set_title, title);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_title_takes_the_place_of_the_command_line),
		cmocka_unit_test(test_a_title_is_cut_to_the_room_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
