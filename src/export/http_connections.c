// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "export/http_connections.h"

#define NS_PER_MS 1000000ULL

void http_connections__init(struct http_connections *c, __u64 deadline_ns)
{
	*c = (struct http_connections){ .deadline_ns = deadline_ns };
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->dropped);
}

struct http_connection *http_connections__add(struct http_connections *c, int fd)
{
	struct http_connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->fd = fd;
	connection->since_ns = clock__now_ns();
	TAILQ_INSERT_TAIL(&c->waiting, connection, entry);
	c->cnt++;
	return connection;
}

static void note_step(struct http_connections *c, struct http_connection *connection,
		      bool is_answered)
{
	if (!connection || connection->fd < 0)
		return;
	connection->is_answered = is_answered;
	connection->since_ns = clock__now_ns();
	TAILQ_REMOVE(&c->waiting, connection, entry);
	TAILQ_INSERT_TAIL(&c->waiting, connection, entry);
}

void http_connections__note_request(struct http_connections *c, struct http_connection *connection)
{
	note_step(c, connection, false);
}

void http_connections__note_answer(struct http_connections *c, struct http_connection *connection)
{
	note_step(c, connection, true);
}

void http_connections__remove(struct http_connections *c, struct http_connection *connection)
{
	if (!connection)
		return;
	if (connection->fd < 0)
		TAILQ_REMOVE(&c->dropped, connection, entry);
	else
		TAILQ_REMOVE(&c->waiting, connection, entry);
	free(connection);
	c->cnt--;
}

size_t http_connections__drop_overdue(struct http_connections *c)
{
	__u64 now_ns = clock__now_ns();
	struct http_connection *first;
	size_t cnt = 0;

	while ((first = TAILQ_FIRST(&c->waiting)) && now_ns - first->since_ns >= c->deadline_ns) {
		/* libmicrohttpd sees its end and closes it. */
		shutdown(first->fd, SHUT_RDWR);
		first->fd = -1;
		TAILQ_REMOVE(&c->waiting, first, entry);
		TAILQ_INSERT_TAIL(&c->dropped, first, entry);
		cnt += !first->is_answered;
	}
	c->dropped_cnt += cnt;
	return cnt;
}

int http_connections__timeout_ms(const struct http_connections *c)
{
	const struct http_connection *first = TAILQ_FIRST(&c->waiting);
	__u64 now_ns = clock__now_ns(), over_ns, left_ms;

	if (!first)
		return -1;
	over_ns = first->since_ns + c->deadline_ns;
	left_ms = over_ns > now_ns ? (over_ns - now_ns) / NS_PER_MS + 1 : 0;
	return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}
