/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * http_connections - which connections are open, and since when each has made no progress: only for
 * http_server.
 *
 * What libmicrohttpd calls a timeout begins anew with each byte. Here a connection has a deadline for each
 * step: to bring a whole request, and to take the answer.
 */
#ifndef HTTP_CONNECTIONS_H
#define HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <linux/types.h>

struct http_connection {
	TAILQ_ENTRY(http_connection) entry;
	int fd;
	__u64 since_ns;   /* CLOCK_MONOTONIC at which its last step was done */
	bool is_answered; /* it has taken an answer, and may be kept open for a next request */
};

TAILQ_HEAD(http_connection_list, http_connection);

struct http_connections {
	struct http_connection_list waiting; /* the longest first */
	struct http_connection_list dropped; /* that libmicrohttpd still has */
	__u64 deadline_ns;
	size_t cnt, cnt_max; /* cnt_max: above it the longest wait gives way */
	size_t waiting_cnt;
	__u64 dropped_cnt;
};

void http_connections__init(struct http_connections *connections, __u64 deadline_ns,
			    size_t cnt_max);

/* The fd is borrowed, until the connection is removed. Returns NULL when memory is short. */
struct http_connection *http_connections__add(struct http_connections *connections, int fd);

/* A request has come, or its answer has been taken. NULL is nobody's. */
void http_connections__note_request(struct http_connections *connections,
				    struct http_connection *connection);
void http_connections__note_answer(struct http_connections *connections,
				   struct http_connection *connection);
void http_connections__remove(struct http_connections *connections,
			      struct http_connection *connection);

/*
 * Shuts those down that are over their deadline, and those that wait the longest when there are more than may
 * be: a crowd that says nothing must not keep out who wants something. Returns how many were dropped: one that was
 * kept open behind an answer, as a Prometheus that comes seldom does it, is just closed.
 */
size_t http_connections__drop_overdue(struct http_connections *connections);

/* How long it is until the next is; -1: there is none. */
int http_connections__timeout_ms(const struct http_connections *connections);

#endif /* HTTP_CONNECTIONS_H */
