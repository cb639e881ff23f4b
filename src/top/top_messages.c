// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "top/top_messages.h"

int top_messages__open(struct top_messages *messages)
{
	*messages = (struct top_messages){ .stderr_fd = -1, .kept_fd = -1 };
	if (!isatty(STDERR_FILENO))
		return 0;
	messages->kept_fd = memfd_create("messages", MFD_CLOEXEC);
	if (messages->kept_fd < 0)
		return -errno;
	messages->stderr_fd = dup(STDERR_FILENO);
	if (messages->stderr_fd < 0 || dup2(messages->kept_fd, STDERR_FILENO) < 0)
		return -errno;
	return 0;
}

void top_messages__last(const struct top_messages *messages, char text[static TOP_MESSAGE_SIZE])
{
	char end[2 * TOP_MESSAGE_SIZE];
	struct stat stat;
	ssize_t len;
	off_t begin;
	char *line;

	*text = '\0';
	if (messages->stderr_fd < 0 || fstat(messages->kept_fd, &stat))
		return;
	begin = stat.st_size < (off_t)sizeof(end) ? 0 : stat.st_size - (off_t)sizeof(end) + 1;
	len = pread(messages->kept_fd, end, sizeof(end) - 1, begin);
	if (len <= 0)
		return;
	end[len] = '\0';
	line = strrchr(end, '\n');
	if (!line)
		return;
	*line = '\0';
	line = strrchr(end, '\n');
	line = line ? line + 1 : end;
	*stpncpy(text, line, TOP_MESSAGE_SIZE - 1) = '\0';
}

static void write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(fd, bytes, size);

		if (written <= 0)
			return;
		bytes += written;
		size -= (size_t)written;
	}
}

void top_messages__close(struct top_messages *messages)
{
	char bytes[4096];
	off_t at = 0;
	ssize_t len;

	if (messages->stderr_fd >= 0) {
		dup2(messages->stderr_fd, STDERR_FILENO);
		while ((len = pread(messages->kept_fd, bytes, sizeof(bytes), at)) > 0) {
			write_all(STDERR_FILENO, bytes, (size_t)len);
			at += len;
		}
		close(messages->stderr_fd);
	}
	if (messages->kept_fd >= 0)
		close(messages->kept_fd);
	*messages = (struct top_messages){ .stderr_fd = -1, .kept_fd = -1 };
}
