/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_messages - what is written to stderr while a screen covers the terminal: kept, so that it does not
 * tear the screen, told on it, and written to stderr when the screen has gone.
 */
#ifndef TOP_MESSAGES_H
#define TOP_MESSAGES_H

#include <stddef.h>

#define TOP_MESSAGE_SIZE 512

struct top_messages {
	int stderr_fd; /* stderr as it was; below 0: it goes where it always went */
	int kept_fd;
};

/*
 * Keeps what this process writes to stderr from now on, when stderr is a terminal. To be ended with
 * top_messages__close(), also after a failure. Returns 0 or -errno.
 */
int top_messages__open(struct top_messages *messages);

/* The last whole line that was kept; "": none. Its end is cut when it is longer. */
void top_messages__last(const struct top_messages *messages, char text[static TOP_MESSAGE_SIZE]);

/* Gives stderr back, and writes to it what was kept. */
void top_messages__close(struct top_messages *messages);

#endif /* TOP_MESSAGES_H */
