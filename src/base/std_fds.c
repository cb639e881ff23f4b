// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "base/std_fds.h"

int std_fds__fill(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The lowest that is free is taken. Reading and writing fail as if it was closed: EBADF. */
		if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_DIRECTORY) != fd)
			return errno ? -errno : -EBADF;
	}
	return 0;
}
