// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/log.h"
#include "export/accept.h"
#include "export/http_connections.h"
#include "export/http_server.h"
#include "base/listen_address.h"

/* A request of Prometheus has about 500 bytes. libmicrohttpd answers larger requests with 431. */
#define CONNECTION_MEMORY ((size_t)8192)

struct http_server {
	struct http_server_opts opts;
	struct listen_address address;
	struct MHD_Daemon *daemon;
	struct http_connections connections;
	struct MHD_Response *metrics[EXPOSITION_FORM_CNT]; /* the last one made */
	struct http_server_stats stats;
};

static const char *const content_types[EXPOSITION_FORM_CNT] = {
	[EXPOSITION_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
	[EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

#define TEXT_TYPE "text/plain; charset=utf-8"
#define PAGE                                                                                       \
	"<!DOCTYPE html>\n<html lang=\"en\"><head><title>gtimehalt</title></head>\n"               \
	"<body><h1>gtimehalt</h1><p>How long KVM guests halt.</p>\n"                               \
	"<p><a href=\"/metrics\">Metrics</a> <a href=\"/healthz\">Health</a></p></body></html>\n"

/* Takes ownership of the response. NULL means out of memory: the connection is closed. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int code,
			      struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	result = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return result;
}

/* The text must be static. */
static struct MHD_Response *make_response(const char *text, const char *type)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);

	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	return response;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned int code,
				   const char *text)
{
	return answer(connection, code, make_response(text, TEXT_TYPE));
}

static enum MHD_Result refuse_method(struct MHD_Connection *connection)
{
	struct MHD_Response *response = make_response("only GET and HEAD\n", TEXT_TYPE);

	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, response);
}

/*
 * Replaces the response. Slow clients may still be reading the previous one;
 * libmicrohttpd frees it after them.
 */
static int keep_metrics(struct http_server *s, enum exposition_form form, const char *text,
			size_t len)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, (void *)text, MHD_RESPMEM_MUST_COPY);

	if (!response)
		return -ENOMEM;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_types[form]);
	/* Let caches store the formats separately. */
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
	if (s->metrics[form])
		MHD_destroy_response(s->metrics[form]);
	s->metrics[form] = response;
	return 0;
}

static enum MHD_Result answer_metrics(struct http_server *s, struct MHD_Connection *connection)
{
	enum exposition_form form = accept__form(
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
	const char *text;
	size_t len;
	int got;

	/* Count first, so that this request is included in the metrics it returns. */
	s->stats.scrapes[HTTP_SCRAPE_OK].cnt++;
	got = s->opts.metrics(s->opts.context, form, &text, &len);
	if (got > 0)
		got = keep_metrics(s, form, text, len);
	if (got < 0 || !s->metrics[form]) {
		s->stats.scrapes[HTTP_SCRAPE_OK].cnt--;
		s->stats.scrapes[HTTP_SCRAPE_FAILED].cnt++;
		return answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "failed\n");
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, s->metrics[form]);
}

static enum MHD_Result answer_health(struct http_server *s, struct MHD_Connection *connection)
{
	if (s->opts.is_healthy(s->opts.context))
		return answer_text(connection, MHD_HTTP_OK, "ok\n");
	return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no recent snapshot\n");
}

static struct http_connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* A request through a proxy may have the absolute form "http://host/path". */
static const char *path_of(const char *url)
{
	static const char scheme[] = "http://";
	const char *path;

	if (strncasecmp(url, scheme, strlen(scheme)) != 0)
		return url;
	path = strchr(url + strlen(scheme), '/');
	return path ? path : "/";
}

static enum MHD_Result answer_request(struct http_server *s, struct MHD_Connection *connection,
				      const char *url, bool reads)
{
	const char *path = path_of(url);
	bool is_scrape = !strcmp(path, "/metrics");

	if (!is_scrape && strcmp(path, "/healthz") != 0 && strcmp(path, "/") != 0)
		return answer_text(connection, MHD_HTTP_NOT_FOUND, "not found\n");
	if (!reads) {
		s->stats.scrapes[HTTP_SCRAPE_BAD_METHOD].cnt += is_scrape;
		return refuse_method(connection);
	}
	if (is_scrape)
		return answer_metrics(s, connection);
	if (path[1])
		return answer_health(s, connection);
	return answer(connection, MHD_HTTP_OK, make_response(PAGE, "text/html; charset=utf-8"));
}

static bool has_field(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/*
 * Called twice per request: when the header is complete, and when the body is. A request answered
 * in the first call is not read any further, and its connection is closed. This is done for methods
 * that are not allowed and for requests with a body.
 */
static enum MHD_Result take_request(void *context, struct MHD_Connection *connection,
				    const char *url, const char *method,
				    const char *version __attribute__((unused)),
				    const char *data __attribute__((unused)),
				    size_t *data_len __attribute__((unused)), void **request)
{
	bool reads = !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
	struct http_server *s = context;

	if (!*request && reads && !has_field(connection, MHD_HTTP_HEADER_CONTENT_LENGTH) &&
	    !has_field(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
		*request = s;
		return MHD_YES;
	}
	http_connections__note_request(&s->connections, connection_of(connection));
	return answer_request(s, connection, url, reads);
}

static void note_answered(void *context, struct MHD_Connection *connection,
			  void **request __attribute__((unused)),
			  enum MHD_RequestTerminationCode why __attribute__((unused)))
{
	struct http_server *s = context;

	http_connections__note_answer(&s->connections, connection_of(connection));
}

static void note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			    enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = context;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		http_connections__remove(&s->connections, *socket_context);
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info)
		*socket_context = http_connections__add(&s->connections, info->connect_fd);
}

/* Clients can cause many of these messages, so they are shown only with -v. */
static void log_message(void *context __attribute__((unused)), const char *format, va_list args)
{
	char line[512];
	size_t len;

	if (log__level() < LOG_LEVEL_INFO)
		return;
	vsnprintf(line, sizeof(line), format, args);
	len = strlen(line);
	if (len && line[len - 1] == '\n')
		line[len - 1] = '\0';
	pr_info("HTTP: %s", line);
}

/*
 * Returns the length. A name with an encoded NUL is left as it is, because unescaped it would be
 * taken for the part before the NUL.
 */
static size_t unescape(void *context __attribute__((unused)),
		       struct MHD_Connection *connection __attribute__((unused)), char *text)
{
	return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

/* Returns the socket, or -errno. */
static int open_socket(struct http_server *s)
{
	const struct listen_address *listen_at = s->opts.listen;
	int family = listen_at->socket.ss_family, on = 1, err;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	s->address.len = sizeof(s->address.socket);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&listen_at->socket, listen_at->len) ||
	    listen(fd, SOMAXCONN) ||
	    getsockname(fd, (struct sockaddr *)&s->address.socket, &s->address.len)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int start_daemon(struct http_server *s, int fd)
{
	const unsigned int flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;

	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, take_request, s,
				     MHD_OPTION_EXTERNAL_LOGGER, log_message, NULL,
				     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				     s->opts.connection_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				     CONNECTION_MEMORY, MHD_OPTION_UNESCAPE_CALLBACK, unescape,
				     NULL, MHD_OPTION_NOTIFY_CONNECTION, note_connection, s,
				     MHD_OPTION_NOTIFY_COMPLETED, note_answered, s, MHD_OPTION_END);
	if (s->daemon)
		return 0;
	close(fd);
	return errno ? -errno : -ENOMEM;
}

static int start(struct http_server *s)
{
	char where[LISTEN_ADDRESS_TEXT_SIZE];
	int fd = open_socket(s);
	int err = fd < 0 ? fd : start_daemon(s, fd);

	listen_address__format(err ? s->opts.listen : &s->address, where);
	if (err)
		pr_err("cannot listen on %s: %s", where, strerror(-err));
	else
		pr_info("listening on %s", where);
	return err;
}

int http_server__new(const struct http_server_opts *opts, struct http_server **server)
{
	static const unsigned int codes[HTTP_SCRAPE_CODE_CNT] = { 200, 405, 500 };
	struct http_server *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		pr_err("cannot serve metrics: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	s->opts = *opts;
	for (size_t i = 0; i < HTTP_SCRAPE_CODE_CNT; i++)
		s->stats.scrapes[i].code = codes[i];
	/*
	 * This limit is below libmicrohttpd's own, so that there is room for new connections until
	 * old ones are dropped.
	 */
	http_connections__init(&s->connections, opts->deadline_ns,
			       opts->connection_max - opts->connection_max / 64);
	err = start(s);
	/* The address is borrowed only during this call; the caller may free it afterwards. */
	s->opts.listen = NULL;
	if (err) {
		free(s);
		return err;
	}
	*server = s;
	return 0;
}

void http_server__free(struct http_server *s)
{
	if (!s)
		return;
	/* Closes all connections, which calls note_connection() for each. */
	MHD_stop_daemon(s->daemon);
	for (size_t i = 0; i < EXPOSITION_FORM_CNT; i++) {
		if (s->metrics[i])
			MHD_destroy_response(s->metrics[i]);
	}
	free(s);
}

void http_server__address(const struct http_server *s, struct listen_address *address)
{
	*address = s->address;
}

int http_server__fd(const struct http_server *s)
{
	return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int http_server__timeout_ms(const struct http_server *s)
{
	int ours_ms = http_connections__timeout_ms(&s->connections);
	MHD_UNSIGNED_LONG_LONG mhd_ms;

	if (MHD_get_timeout(s->daemon, &mhd_ms) != MHD_YES || mhd_ms > INT_MAX)
		return ours_ms;
	return ours_ms < 0 || (int)mhd_ms < ours_ms ? (int)mhd_ms : ours_ms;
}

/*
 * If there were too many connections, libmicrohttpd stops polling its listening socket. It closes
 * connections at the end of a turn and polls the socket again at the beginning of the next turn.
 * Without that next turn, waiting clients would not wake up the epoll descriptor.
 */
static bool run_turns(struct http_server *s)
{
	size_t before;

	do {
		before = s->connections.cnt;
		if (MHD_run(s->daemon) != MHD_YES)
			return false;
	} while (s->connections.cnt < before);
	return true;
}

int http_server__run(struct http_server *s)
{
	http_connections__drop_overdue(&s->connections);
	if (!run_turns(s)) {
		pr_err("cannot serve metrics any more");
		return -EIO;
	}
	s->stats.connection_cnt = s->connections.cnt;
	s->stats.dropped_cnt = s->connections.dropped_cnt;
	return 0;
}

const struct http_server_stats *http_server__stats(const struct http_server *s)
{
	return &s->stats;
}
