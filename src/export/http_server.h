/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * http_server - serve /metrics, /healthz and a page with links to them over HTTP/1.1. libmicrohttpd
 * runs in the caller's thread: the caller polls a descriptor and calls http_server__run().
 *
 * No client can occupy a connection for long: it is closed if no complete request has arrived, or
 * the answer has not been received, within an absolute deadline. Bodies of requests are not read.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "export/exposition.h"

struct http_server;
struct listen_address;

struct http_server_opts {
	const struct listen_address *listen;
	unsigned int connection_max;
	__u64 deadline_ns;
	void *context; /* passed to both callbacks */
	/*
	 * Makes the metrics in a format. Returns 1 and a text, which the server
	 * copies; 0 if the last text it returned for this format is still valid;
	 * or -errno, and the client gets status 500.
	 */
	int (*metrics)(void *context, enum exposition_form form, const char **text, size_t *len);
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
	/* connections closed because of their deadline or of too many connections */
	__u64 dropped_cnt;
};

/*
 * Listens. The options are copied; their context is borrowed.
 * Returns 0 and *server, which the caller frees with http_server__free(); or -errno, logged.
 */
int http_server__new(const struct http_server_opts *opts, struct http_server **server);
void http_server__free(struct http_server *server);

/* Gets the address on which it listens, including a port chosen by the kernel. */
void http_server__address(const struct http_server *server, struct listen_address *address);

/* Returns the descriptor to poll for POLLIN. */
int http_server__fd(const struct http_server *server);

/* Returns the longest time that a poll may take; -1: unlimited. */
int http_server__timeout_ms(const struct http_server *server);

/*
 * Handles pending events without waiting. Returns 0; or -errno, logged, if the server cannot go on.
 */
int http_server__run(struct http_server *server);

const struct http_server_stats *http_server__stats(const struct http_server *server);

#endif /* HTTP_SERVER_H */
