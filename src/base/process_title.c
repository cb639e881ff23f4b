// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "base/number.h"
#include "base/process_title.h"

/* Reads arg_start and arg_end, fields 48 and 49 of /proc/self/stat (proc(5)). */
static bool find_args(__u64 *start, __u64 *end)
{
	char text[2048], *rest, *field;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	*start = *end = 0;
	/* comm (field 2) may contain blanks and parentheses; the fields after it cannot. */
	rest = strrchr(text, ')');
	for (int number = 2; (field = strsep(&rest, " \n")); number++) {
		if (number == 48 && number__parse(field, UINT64_MAX, start))
			return false;
		if (number == 49)
			return !number__parse(field, UINT64_MAX, end) && *start && *start < *end;
	}
	return false;
}

void process_title__set(const char *name, const char *title)
{
	__u64 start, end;
	size_t room, len = strlen(title);
	char *args;

	prctl(PR_SET_NAME, name);
	if (!find_args(&start, &end))
		return;
	/* An address reported by the kernel. NOLINTNEXTLINE(performance-no-int-to-ptr) */
	args = (char *)(uintptr_t)start;
	room = (size_t)(end - start);
	/*
	 * Keep the final NUL. Without it the kernel would also show the environment, which follows.
	 */
	memset(args, 0, room);
	memcpy(args, title, len < room ? len : room - 1);
}
