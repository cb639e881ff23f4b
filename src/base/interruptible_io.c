// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/ending_signals.h"
#include "base/interruptible_io.h"

/* Interval at which a wait checks for signals. */
#define LOOK_MS 100

/* Pause after poll() reported POLLOUT but write() still returned EAGAIN. */
#define ROOM_MS 10

/*
 * Waits for events on the descriptor. Returns 0, -EINTR if a signal asks the
 * process to end, or another -errno. POLLERR and POLLHUP are left to the read or
 * write that follows, which reports the error.
 */
static int await(int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	int ready;

	while ((ready = poll(&pollfd, 1, LOOK_MS)) <= 0) {
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ending_signals__is_asked())
			return -EINTR;
	}
	return 0;
}

static bool is_to_be_tried_again(int err)
{
	return err == EINTR || err == EAGAIN;
}

/*
 * Regular files get a whole line per write. Other files get at most PIPE_BUF bytes, which a pipe
 * that is ready accepts without blocking.
 */
static size_t max_at_once(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) ? SSIZE_MAX : PIPE_BUF;
}

int interruptible_io__write(int fd, const char *data, size_t size, size_t *written)
{
	size_t max = max_at_once(fd);

	*written = 0;
	while (*written < size) {
		size_t left = size - *written;
		int err = await(fd, POLLOUT);
		ssize_t cnt;

		if (err)
			return err;
		cnt = write(fd, data + *written, left < max ? left : max);
		if (cnt < 0 && !is_to_be_tried_again(errno))
			return -errno;
		/* There was space, but less than the next character needs. */
		if (cnt < 0 && errno == EAGAIN)
			poll(NULL, 0, ROOM_MS);
		if (cnt > 0)
			*written += (size_t)cnt;
	}
	return 0;
}

/* State of a stream. */
struct cookie {
	int fd;
};

static ssize_t write_cookie(void *cookie, const char *data, size_t size)
{
	size_t written;
	int err = interruptible_io__write(((struct cookie *)cookie)->fd, data, size, &written);

	if (err)
		errno = -err;
	return (ssize_t)written;
}

static ssize_t read_cookie(void *cookie, char *data, size_t size)
{
	int fd = ((struct cookie *)cookie)->fd;
	ssize_t cnt;

	do {
		int err = await(fd, POLLIN);

		if (err) {
			errno = -err;
			return -1;
		}
		cnt = read(fd, data, size);
	} while (cnt < 0 && is_to_be_tried_again(errno));
	return cnt;
}

static int close_cookie(void *cookie)
{
	int fd = ((struct cookie *)cookie)->fd;

	free(cookie);
	return fd > STDERR_FILENO ? close(fd) : 0;
}

/*
 * Reopens a terminal in non-blocking mode, without changing the mode of the shared descriptor. A
 * terminal reports POLLOUT without saying how much it accepts, so a blocking write could hang, and
 * would not notice signals that are blocked.
 * Returns the new descriptor, or fd if it is no terminal or cannot be reopened.
 */
static int never_waiting(int fd, const char *mode)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(fd)];
	int own_fd;

	if (*mode != 'w' || fd > STDERR_FILENO || !isatty(fd))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own_fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return own_fd < 0 ? fd : own_fd;
}

FILE *interruptible_io__open(int fd, const char *mode)
{
	const cookie_io_functions_t functions = {
		.read = read_cookie,
		.write = write_cookie,
		.close = close_cookie,
	};
	struct cookie *cookie = calloc(1, sizeof(*cookie));
	FILE *stream;

	if (!cookie)
		return NULL;
	cookie->fd = never_waiting(fd, mode);
	stream = fopencookie(cookie, mode, functions);
	if (!stream) {
		if (cookie->fd != fd)
			close(cookie->fd);
		free(cookie);
	}
	return stream;
}
