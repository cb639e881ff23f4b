// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/log.h"
#include "steer/journal.h"
#include "steer/steer_status.h"
#include "steer/steer_text.h"
#include "text/stream.h"

void steer_status__write(int fd, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB))
		return;
	if ((len && pwrite(fd, text, len, 0) < 0) || ftruncate(fd, (off_t)len))
		pr_debug("cannot write the status: %s", strerror(errno));
	flock(fd, LOCK_UN);
}

/*
 * Returns whether a run holds the lock, or the caller may not read it. The status file alone proves
 * nothing, because a killed run leaves it behind.
 */
static bool is_running(void)
{
	int fd = open(JOURNAL_DIR "/lock", O_RDONLY | O_CLOEXEC);
	bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	bool is_closed = fd < 0 && errno == EACCES;

	if (fd >= 0)
		close(fd);
	return is_held || is_closed;
}

/* Returns the status, which the caller frees; or NULL with errno, ESRCH when there is no run. */
static char *read_status(void)
{
	int fd = open(JOURNAL_DIR "/status", O_RDONLY | O_CLOEXEC), err = 0;
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	char *text = NULL;
	size_t room = 0;

	if (!in) {
		if (fd >= 0)
			close(fd);
		errno = errno == ENOENT ? ESRCH : errno;
		return NULL;
	}
	if (flock(fd, LOCK_SH))
		err = errno;
	else if (getdelim(&text, &room, '\0', in) <= 0)
		err = ESRCH;
	fclose(in);
	if (!err)
		return text;
	free(text);
	errno = err;
	return NULL;
}

int steer_status__show(bool json)
{
	bool runs = is_running();
	char *text = runs ? read_status() : NULL;
	int err = text ? 0 : runs ? -errno : -ESRCH;

	if (err == -ESRCH)
		pr_err("no gtimehalt-steer is running");
	else if (err)
		pr_err("cannot read " JOURNAL_DIR "/status: %s", strerror(-err));
	if (err)
		return err;
	if (json) {
		puts(text);
		err = stream__flush(stdout);
	} else {
		err = steer_text__print_status(text, stdout);
	}
	free(text);
	return log__failure("print the status", err);
}
