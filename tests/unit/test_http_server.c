// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A real server on a loopback port. Its clients run in the same thread, so that each step is under
 * control.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "capture.h"
#include "export/http_server.h"
#include "base/listen_address.h"

#define MS 1000000ULL

/* Long enough for a busy machine. Tests that wait for a deadline to pass use short ones. */
#define DEADLINE_MS 5000

#define CLIENT_MAX 40

/* If not 0, the current time as the server sees it, so that a test can let deadlines pass. */
static __u64 injected_ns;

__u64 __real_clock__now_ns(void);
__u64 __wrap_clock__now_ns(void);

__u64 __wrap_clock__now_ns(void)
{
	return injected_ns ? injected_ns : __real_clock__now_ns();
}

struct site {
	struct http_server *server;
	struct listen_address address;
	int made_cnt; /* number of texts */
	int metrics_err;
	bool keeps, healthy;
	size_t text_len; /* 0: the text is "metrics N\n" */
	char *text;
};

static int give_metrics(void *context, enum exposition_form form, const char **text, size_t *len)
{
	struct site *site = context;

	if (site->metrics_err || (site->keeps && site->made_cnt))
		return site->metrics_err;
	site->made_cnt++;
	free(site->text);
	if (site->text_len) {
		site->text = calloc(1, site->text_len);
		*len = site->text_len;
	} else {
		*len = (size_t)asprintf(&site->text, "%s %d\n",
					form == EXPOSITION_OPENMETRICS ? "openmetrics" : "text",
					site->made_cnt);
	}
	*text = site->text;
	return 1;
}

static bool is_healthy(void *context)
{
	return ((struct site *)context)->healthy;
}

static void open_site(struct site *site, __u64 deadline_ms, unsigned int connection_max)
{
	struct http_server_opts opts = {
		.listen = &site->address,
		.connection_max = connection_max,
		.deadline_ns = deadline_ms * MS,
		.context = site,
		.metrics = give_metrics,
		.is_healthy = is_healthy,
	};

	*site = (struct site){ .healthy = true };
	assert_int_equal(listen_address__parse("127.0.0.1:0", &site->address), 0);
	assert_int_equal(http_server__new(&opts, &site->server), 0);
	http_server__address(site->server, &site->address);
}

static void close_site(struct site *site)
{
	http_server__free(site->server);
	free(site->text);
}

/* Lets the server handle events; waits for them for up to `wait_ms`. */
static void serve(struct site *site, int wait_ms)
{
	struct pollfd pollfd = { .fd = http_server__fd(site->server), .events = POLLIN };
	int timeout_ms = http_server__timeout_ms(site->server);

	if (timeout_ms < 0 || timeout_ms > wait_ms)
		timeout_ms = wait_ms;
	assert_true(poll(&pollfd, 1, timeout_ms) >= 0);
	assert_int_equal(http_server__run(site->server), 0);
}

static int open_client(const struct site *site)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&site->address.socket, site->address.len))
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static void send_text(struct site *site, int fd, const char *text)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

	serve(site, 0);
	assert_int_equal(poll(&pollfd, 1, DEADLINE_MS), 1);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/*
 * Appends what was received to `text`. Returns true once the other side has closed the connection.
 */
static bool receive(int fd, char *text, size_t size)
{
	size_t len = strlen(text);
	ssize_t got = recv(fd, text + len, size - 1 - len, 0);

	if (got < 0)
		return errno != EAGAIN;
	text[len + (size_t)got] = '\0';
	return got == 0;
}

struct answer {
	char text[8192];
};

/* Returns everything that the server sends until it closes the connection. */
static const char *answer_to(struct site *site, struct answer *answer, const char *request)
{
	__u64 end_ns = clock__now_ns() + DEADLINE_MS * MS;
	int fd = open_client(site);

	answer->text[0] = '\0';
	send_text(site, fd, request);
	while (!receive(fd, answer->text, sizeof(answer->text))) {
		assert_true(clock__now_ns() < end_ns);
		serve(site, 10);
	}
	close(fd);
	return answer->text;
}

#define HEAD(method, path) method " " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"

static bool has_status(const char *text, const char *status)
{
	return !strncmp(text, "HTTP/1.1 ", 9) && !strncmp(text + 9, status, 3);
}

static bool has_body(const char *text, const char *body)
{
	const char *found = strstr(text, "\r\n\r\n");

	return found && !strcmp(found + 4, body);
}

static void metrics_by_negotiation(void **state)
{
	struct answer answer;
	struct site site;
	const char *text;

	(void)state;
	open_site(&site, DEADLINE_MS, CLIENT_MAX);
	text = answer_to(&site, &answer, HEAD("GET", "/metrics") "\r\n");
	assert_true(has_status(text, "200"));
	assert_true(has_body(text, "text 1\n"));
	assert_non_null(
		strstr(text, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	text = answer_to(&site, &answer,
			 HEAD("GET", "/metrics?x=y") "Accept: application/openmetrics-text; "
						     "version=1.0.0, text/plain;q=0.5\r\n\r\n");
	assert_true(has_status(text, "200"));
	assert_true(has_body(text, "openmetrics 2\n"));
	assert_non_null(strstr(text, "\r\nContent-Type: application/openmetrics-text; "
				     "version=1.0.0; charset=utf-8\r\n"));
	assert_non_null(strstr(text, "\r\nVary: Accept\r\n"));
	assert_int_equal(http_server__stats(site.server)->scrapes[HTTP_SCRAPE_OK].cnt, 2);
	close_site(&site);
}

static void other_pages(void **state)
{
	struct answer answer;
	struct site site;
	const char *text;

	(void)state;
	open_site(&site, DEADLINE_MS, CLIENT_MAX);
	text = answer_to(&site, &answer, HEAD("GET", "/healthz") "\r\n");
	assert_true(has_status(text, "200") && has_body(text, "ok\n"));
	site.healthy = false;
	assert_true(has_status(answer_to(&site, &answer, HEAD("GET", "/healthz") "\r\n"), "503"));
	text = answer_to(&site, &answer, HEAD("GET", "/") "\r\n");
	assert_true(has_status(text, "200"));
	assert_non_null(strstr(text, "<a href=\"/metrics\">"));
	assert_true(has_status(answer_to(&site, &answer, HEAD("GET", "/nowhere") "\r\n"), "404"));
	assert_true(has_status(answer_to(&site, &answer, HEAD("GET", "/metrics/") "\r\n"), "404"));
	/* A NUL does not end a path: the part before it must not match. */
	assert_true(
		has_status(answer_to(&site, &answer, HEAD("GET", "/%00nowhere") "\r\n"), "404"));
	/* A request through a proxy, and percent-encoded characters. */
	assert_true(
		has_status(answer_to(&site, &answer, HEAD("GET", "http://a/%2f") "\r\n"), "404"));
	assert_true(has_status(answer_to(&site, &answer, HEAD("GET", "HTTP://a") "\r\n"), "200"));
	text = answer_to(&site, &answer, HEAD("GET", "http://a:1/%68ealthz") "\r\n");
	assert_true(has_status(text, "503"));
	assert_int_equal(http_server__stats(site.server)->scrapes[HTTP_SCRAPE_OK].cnt, 0);
	close_site(&site);
}

static void methods(void **state)
{
	struct answer answer;
	struct site site;
	const char *text;

	(void)state;
	open_site(&site, DEADLINE_MS, CLIENT_MAX);
	text = answer_to(&site, &answer, HEAD("HEAD", "/metrics") "\r\n");
	assert_true(has_status(text, "200") && has_body(text, ""));
	assert_non_null(strstr(text, "\r\nContent-Length: 7\r\n"));
	/* The server answers without waiting for the body. */
	text = answer_to(&site, &answer,
			 HEAD("POST", "/metrics") "Content-Length: 1000000\r\n\r\nabc");
	assert_true(has_status(text, "405"));
	assert_non_null(strstr(text, "\r\nAllow: GET, HEAD\r\n"));
	assert_true(has_status(answer_to(&site, &answer, HEAD("DELETE", "/") "\r\n"), "405"));
	text = answer_to(&site, &answer,
			 HEAD("GET", "/metrics") "Content-Length: 1000000\r\n\r\nabc");
	assert_true(has_status(text, "200"));
	assert_int_equal(http_server__stats(site.server)->scrapes[HTTP_SCRAPE_BAD_METHOD].cnt, 1);
	close_site(&site);
}

static void what_is_no_http(void **state)
{
	static const char *const requests[] = {
		"\r\n\r\n\r\n",
		"GET\r\n\r\n",
		"\001\002\003\r\n\r\n",
		"GET /metrics HTTP/9.9\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
	};
	char long_request[20000] = "GET /";
	struct answer answer;
	struct site site;

	(void)state;
	open_site(&site, 300, CLIENT_MAX);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		answer_to(&site, &answer, requests[i]);
	memset(long_request + 5, 'a', sizeof(long_request) - 6);
	answer_to(&site, &answer, long_request);
	/* The server still answers. */
	assert_true(has_status(answer_to(&site, &answer, HEAD("GET", "/") "\r\n"), "200"));
	close_site(&site);
}

static void a_text_is_kept(void **state)
{
	struct answer answer;
	struct site site;

	(void)state;
	open_site(&site, DEADLINE_MS, CLIENT_MAX);
	site.keeps = true;
	for (int i = 0; i < 3; i++)
		assert_true(has_body(answer_to(&site, &answer, HEAD("GET", "/metrics") "\r\n"),
				     "text 1\n"));
	assert_int_equal(site.made_cnt, 1);
	close_site(&site);
}

static void there_are_no_metrics(void **state)
{
	struct answer answer;
	struct site site;

	(void)state;
	open_site(&site, DEADLINE_MS, CLIENT_MAX);
	site.metrics_err = -ENOMEM;
	assert_true(has_status(answer_to(&site, &answer, HEAD("GET", "/metrics") "\r\n"), "500"));
	assert_int_equal(http_server__stats(site.server)->scrapes[HTTP_SCRAPE_OK].cnt, 0);
	assert_int_equal(http_server__stats(site.server)->scrapes[HTTP_SCRAPE_FAILED].cnt, 1);
	close_site(&site);
}

/* Two requests on one connection, as Prometheus does it. */
static void a_connection_is_kept(void **state)
{
	__u64 end_ns = clock__now_ns() + DEADLINE_MS * MS;
	char text[8192] = "";
	struct site site;
	int fd;

	(void)state;
	open_site(&site, DEADLINE_MS, CLIENT_MAX);
	fd = open_client(&site);
	for (int i = 1; i <= 2; i++) {
		char body[16];

		snprintf(body, sizeof(body), "text %d\n", i);
		send_text(&site, fd, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
		while (!strstr(text, body)) {
			assert_true(clock__now_ns() < end_ns);
			serve(&site, 10);
			assert_false(receive(fd, text, sizeof(text)));
		}
	}
	assert_int_equal(http_server__stats(site.server)->connection_cnt, 1);
	close(fd);
	close_site(&site);
}

/*
 * Clients that send nothing, that send a byte now and then, that keep the connection after their
 * answer, and that do not read: all of them are disconnected by their deadline, and other clients
 * are served meanwhile.
 */
static void slow_clients_are_shut_down(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
	__u64 begin_ns, sent_ns = 0;
	int fds[CLIENT_MAX];
	size_t sent = 0;
	char text[128];
	struct answer answer;
	struct site site;

	(void)state;
	open_site(&site, 300, 2 * CLIENT_MAX);
	begin_ns = injected_ns = clock__now_ns();
	for (int i = 0; i < CLIENT_MAX; i++)
		fds[i] = open_client(&site);
	send_text(&site, fds[0], "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
	/* More than the socket buffers hold. */
	site.text_len = 64 << 20;
	send_text(&site, fds[1], request);
	serve(&site, 10);
	serve(&site, 10);
	site.text_len = 0;
	assert_true(has_status(answer_to(&site, &answer, HEAD("GET", "/") "\r\n"), "200"));
	assert_int_equal(http_server__stats(site.server)->dropped_cnt, 0);
	while (http_server__stats(site.server)->connection_cnt) {
		__u64 now_ns = injected_ns += 5 * MS;

		assert_true(now_ns - begin_ns < DEADLINE_MS * MS);
		if (now_ns - sent_ns >= 20 * MS && sent < sizeof(request) - 2) {
			for (int i = 2; i < CLIENT_MAX; i += 2)
				send(fds[i], &request[sent], 1, MSG_NOSIGNAL);
			sent++;
			sent_ns = now_ns;
		}
		serve(&site, 1);
	}
	assert_true(injected_ns - begin_ns >= 300 * MS);
	injected_ns = 0;
	/* The client that got its answer was closed, but is not counted as dropped. */
	assert_int_equal(http_server__stats(site.server)->dropped_cnt, CLIENT_MAX - 1);
	for (int i = 2; i < CLIENT_MAX; i++) {
		text[0] = '\0';
		assert_true(receive(fds[i], text, sizeof(text)));
	}
	for (int i = 0; i < CLIENT_MAX; i++)
		close(fds[i]);
	close_site(&site);
}

/* A client beyond the limit waits until another connection ends. */
static void connections_are_limited(void **state)
{
	struct answer answer;
	struct site site;
	int fds[4];

	(void)state;
	open_site(&site, 200, 4);
	for (int i = 0; i < 4; i++) {
		fds[i] = open_client(&site);
		serve(&site, 10);
	}
	assert_true(has_status(answer_to(&site, &answer, HEAD("GET", "/") "\r\n"), "200"));
	assert_in_range(http_server__stats(site.server)->dropped_cnt, 1, 4);
	/* The deadlines of the others follow; a busy machine may serve the answer before them. */
	for (int i = 0; i < 100 && http_server__stats(site.server)->dropped_cnt < 4; i++)
		serve(&site, 10);
	assert_int_equal(http_server__stats(site.server)->dropped_cnt, 4);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	close_site(&site);
}

/*
 * All connections are taken by silent clients whose deadline is far away: a client that sends a
 * request is answered.
 */
static void a_crowd_keeps_nobody_out(void **state)
{
	struct answer answer;
	struct site site;
	int fds[64 + 36];

	(void)state;
	open_site(&site, 60 * 1000, 64);
	for (int i = 0; i < 100; i++) {
		fds[i] = open_client(&site);
		serve(&site, 10);
	}
	assert_true(has_status(answer_to(&site, &answer, HEAD("GET", "/") "\r\n"), "200"));
	assert_in_range(http_server__stats(site.server)->dropped_cnt, 100 - 64, 100);
	/* The latest connections are the ones that were kept. */
	assert_int_equal(recv(fds[99], answer.text, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(recv(fds[0], answer.text, 1, 0), 0);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	close_site(&site);
}

/*
 * A full server does not listen. After all of its clients have left at once, a new client must wake
 * it although there is no other event.
 */
static void a_server_that_was_full_listens(void **state)
{
	struct pollfd pollfd = { .events = POLLIN };
	struct site site;
	int fds[4];

	(void)state;
	open_site(&site, DEADLINE_MS, 4);
	for (int i = 0; i < 4; i++) {
		fds[i] = open_client(&site);
		serve(&site, 10);
	}
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	serve(&site, 10);
	assert_int_equal(http_server__stats(site.server)->connection_cnt, 0);
	fds[0] = open_client(&site);
	pollfd.fd = http_server__fd(site.server);
	assert_int_equal(poll(&pollfd, 1, DEADLINE_MS), 1);
	close(fds[0]);
	close_site(&site);
}

static void an_address_that_is_taken(void **state)
{
	struct http_server_opts opts = { 0 };
	struct http_server *second = NULL;
	struct capture err;
	struct site site;
	int result;

	(void)state;
	open_site(&site, DEADLINE_MS, CLIENT_MAX);
	opts.listen = &site.address;
	capture__begin(&err, stderr);
	result = http_server__new(&opts, &second);
	capture__end(&err);
	assert_int_equal(result, -EADDRINUSE);
	assert_null(second);
	assert_non_null(strstr(err.text, "gtimehalt: cannot listen on 127.0.0.1:"));
	assert_non_null(strstr(err.text, ": Address already in use\n"));
	close_site(&site);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_by_negotiation),
		cmocka_unit_test(other_pages),
		cmocka_unit_test(methods),
		cmocka_unit_test(what_is_no_http),
		cmocka_unit_test(a_text_is_kept),
		cmocka_unit_test(there_are_no_metrics),
		cmocka_unit_test(a_connection_is_kept),
		cmocka_unit_test(slow_clients_are_shut_down),
		cmocka_unit_test(connections_are_limited),
		cmocka_unit_test(a_crowd_keeps_nobody_out),
		cmocka_unit_test(a_server_that_was_full_listens),
		cmocka_unit_test(an_address_that_is_taken),
	};

	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
