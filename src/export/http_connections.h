/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * http_connections - the open connections, and since when each has made no
 * progress; private to http_server.
 *
 * The timeout of libmicrohttpd restarts with every byte received. Here each step of a connection,
 * sending a complete request and receiving the answer, has a deadline.
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
	__u64 since_ns;   /* CLOCK_MONOTONIC when its last step was completed */
	bool is_answered; /* it has received an answer and may stay open for another request */
};

TAILQ_HEAD(http_connection_list, http_connection);

struct http_connections {
	struct http_connection_list waiting; /* longest wait first */
	/* shut down here, but not yet closed by libmicrohttpd */
	struct http_connection_list dropped;
	__u64 deadline_ns;
	size_t cnt, cnt_max; /* above cnt_max, connections that waited longest are dropped */
	size_t waiting_cnt;
	__u64 dropped_cnt;
};

void http_connections__init(struct http_connections *connections, __u64 deadline_ns,
			    size_t cnt_max);

/* The fd is borrowed until the connection is removed. Returns NULL if out of memory. */
struct http_connection *http_connections__add(struct http_connections *connections, int fd);

/* Record that a request was received, or that its answer was sent. NULL is ignored. */
void http_connections__note_request(struct http_connections *connections,
				    struct http_connection *connection);
void http_connections__note_answer(struct http_connections *connections,
				   struct http_connection *connection);
void http_connections__remove(struct http_connections *connections,
			      struct http_connection *connection);

/*
 * Shuts down connections that are past their deadline. If more than cnt_max are waiting, also shuts
 * down those that have waited longest, so that idle clients cannot lock out others.
 * Returns the number of connections dropped, not counting those that were only kept open after an
 * answer, as a Prometheus server with a long scrape interval does.
 */
size_t http_connections__drop_overdue(struct http_connections *connections);

/* Returns the time until the next deadline; -1: none. */
int http_connections__timeout_ms(const struct http_connections *connections);

#endif /* HTTP_CONNECTIONS_H */
