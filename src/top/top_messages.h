/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_messages - hold back what is written to stderr while the full-screen display covers the
 * terminal, so that it does not garble the screen, and write it to stderr afterwards.
 */
#ifndef TOP_MESSAGES_H
#define TOP_MESSAGES_H

#include <stddef.h>

#define TOP_MESSAGE_SIZE 512

struct top_messages {
	int stderr_fd; /* the original stderr; -1 if messages are not held back */
	int kept_fd;
};

/*
 * If stderr is a terminal, holds back what this process writes to it from now on.
 * top_messages__close() must be called afterwards, even after a failure. Returns 0 or -errno.
 */
int top_messages__open(struct top_messages *messages);

/* Returns the last complete line, truncated to fit, or "" if there is none. */
void top_messages__last(const struct top_messages *messages, char text[static TOP_MESSAGE_SIZE]);

/* Restores stderr, and writes the messages to it. */
void top_messages__close(struct top_messages *messages);

#endif /* TOP_MESSAGES_H */
