// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "export/http_connections.h"

#define NS_PER_MS 1000000ULL

void http_connections__init(struct http_connections *c, __u64 deadline_ns, size_t cnt_max)
{
	*c = (struct http_connections){ .deadline_ns = deadline_ns, .cnt_max = cnt_max };
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
	c->waiting_cnt++;
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

static void remove_waiting(struct http_connections *c, struct http_connection *connection)
{
	TAILQ_REMOVE(&c->waiting, connection, entry);
	c->waiting_cnt--;
}

void http_connections__remove(struct http_connections *c, struct http_connection *connection)
{
	if (!connection)
		return;
	if (connection->fd < 0)
		TAILQ_REMOVE(&c->dropped, connection, entry);
	else
		remove_waiting(c, connection);
	free(connection);
	c->cnt--;
}

static bool has_to_go(const struct http_connections *c, const struct http_connection *first)
{
	return c->waiting_cnt > c->cnt_max || clock__now_ns() - first->since_ns >= c->deadline_ns;
}

size_t http_connections__drop_overdue(struct http_connections *c)
{
	struct http_connection *first;
	size_t cnt = 0;

	while ((first = TAILQ_FIRST(&c->waiting)) && has_to_go(c, first)) {
		/* libmicrohttpd notices the shutdown and closes the descriptor. */
		shutdown(first->fd, SHUT_RDWR);
		first->fd = -1;
		remove_waiting(c, first);
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
	if (c->waiting_cnt > c->cnt_max)
		return 0;
	over_ns = first->since_ns + c->deadline_ns;
	left_ms = over_ns > now_ns ? (over_ns - now_ns) / NS_PER_MS + 1 : 0;
	return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}
