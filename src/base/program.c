// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/log.h"
#include "base/program.h"
#include "text/stream.h"

static bool fill_std_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/*
		 * open() returns the lowest free descriptor. With O_PATH, reading and writing fail
		 * with EBADF, as if closed.
		 */
		if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_DIRECTORY) != fd)
			return false;
	}
	return true;
}

bool program__start(const char *name)
{
	struct rlimit limit;

	if (!fill_std_fds())
		return false;
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	signal(SIGXFSZ, SIG_IGN);
	log__set_program(name);
	return true;
}

void program__set_verbosity(int verbosity)
{
	log__set_level(verbosity > 1   ? LOG_LEVEL_DEBUG
		       : verbosity > 0 ? LOG_LEVEL_INFO
				       : LOG_LEVEL_WARN);
}

enum exit_code program__end_text(void)
{
	if (!stream__flush(stdout))
		return EXIT_DONE;
	pr_err("cannot write to standard output");
	return EXIT_FAILED;
}

enum exit_code program__status(int err)
{
	if (err == -ENOTTY) /* --top without a terminal */
		return EXIT_USAGE;
	if (err == -EOPNOTSUPP)
		return EXIT_HOST_CANNOT;
	return err ? EXIT_FAILED : EXIT_DONE;
}
