/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * http_server - /metrics, /healthz and a page that links to them, over HTTP/1.1, by libmicrohttpd in the
 * caller's thread: the caller polls a descriptor and lets the server work.
 *
 * No client holds a place for long: a connection is closed when it has brought no whole request, or has not
 * taken its answer, by an absolute deadline. The bodies of requests are not read.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "export/metrics_text.h"

struct http_server;
struct listen_address;

struct http_server_opts {
	const struct listen_address *listen;
	unsigned int connection_max;
	__u64 deadline_ns;
	void *context; /* given to both of these */
	/*
	 * The metrics in a form. Returns 1 and a text, which the server copies; 0 when those that it was given last
	 * in this form still hold; or -errno: the client is told so.
	 */
	int (*metrics)(void *context, enum metrics_form form, const char **text, size_t *len);
	bool (*is_healthy)(void *context);
};

enum http_scrape_code {
	HTTP_SCRAPE_OK,         /* 200 */
	HTTP_SCRAPE_BAD_METHOD, /* 405 */
	HTTP_SCRAPE_FAILED,     /* 500 */
	HTTP_SCRAPE_CODE_CNT,
};

struct http_server_stats {
	struct scrape_cnt scrapes[HTTP_SCRAPE_CODE_CNT];
	size_t connection_cnt;
	__u64 dropped_cnt; /* connections that were closed at their deadline */
};

/*
 * Listens. The options are copied, their context is borrowed. Returns 0 and *server, which the caller ends
 * with http_server__free(); or -errno, logged.
 */
int http_server__new(const struct http_server_opts *opts, struct http_server **server);
void http_server__free(struct http_server *server);

/* Where it listens, with the port that the kernel chose. */
void http_server__address(const struct http_server *server, struct listen_address *address);

/* To be polled for input. */
int http_server__fd(const struct http_server *server);

/* How long polling may take at most; -1: for ever. */
int http_server__timeout_ms(const struct http_server *server);

/* Does what there is to do, without waiting. Returns 0, or -errno, logged: it cannot go on. */
int http_server__run(struct http_server *server);

const struct http_server_stats *http_server__stats(const struct http_server *server);

#endif /* HTTP_SERVER_H */
