// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Requests to the exporter: a real server on a loopback port. An input is what one connection
 * sends, except that at a byte 0xfe the server gets time to work, and that 0xfd opens another
 * connection, which sends the rest.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "export/http_server.h"
#include "fuzz.h"
#include "base/listen_address.h"

#define CLIENT_MAX 4
#define STEP       0xfe
#define NEXT       0xfd

/* The server does not read bodies, so that only a buffer's worth can be sent. */
#define SEND_MAX 16384

struct site {
	struct http_server *server;
	struct listen_address address;
	__u8 turn;
	int clients[CLIENT_MAX];
	size_t client_cnt;
	char answer[65536];
	size_t answer_len;
};

/* Returns an error, the previous text or a new text, in turn. */
static int give_metrics(void *context, enum exposition_form form, const char **text, size_t *len)
{
	struct site *site = context;

	FUZZ_ASSERT(form < EXPOSITION_FORM_CNT);
	if (site->turn++ % 4 == 3)
		return -EIO;
	if (site->turn % 4 == 2)
		return 0;
	*text = "x 1\n";
	*len = strlen(*text);
	return 1;
}

static bool is_healthy(void *context)
{
	return ((struct site *)context)->turn % 2;
}

static void open_site(struct site *site)
{
	const struct http_server_opts opts = {
		.listen = &site->address,
		.connection_max = CLIENT_MAX,
		.deadline_ns = 10000000000,
		.context = site,
		.metrics = give_metrics,
		.is_healthy = is_healthy,
	};

	FUZZ_ASSERT(!listen_address__parse("127.0.0.1:0", &site->address));
	FUZZ_ASSERT(!http_server__new(&opts, &site->server));
	http_server__address(site->server, &site->address);
}

/* Runs the server until it has nothing more to do. */
static void serve(struct site *site)
{
	struct pollfd pollfd = { .fd = http_server__fd(site->server), .events = POLLIN };

	for (int i = 0; i < 8; i++) {
		int timeout_ms = http_server__timeout_ms(site->server);

		if (poll(&pollfd, 1, 0) <= 0 && timeout_ms != 0)
			break;
		FUZZ_ASSERT(!http_server__run(site->server));
	}
}

static void add_client(struct site *site)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct linger gone = { .l_onoff = 1 };

	FUZZ_ASSERT(fd >= 0);
	/*
	 * Connections are reset when they are closed, because ports in TIME_WAIT would soon run
	 * out.
	 */
	FUZZ_ASSERT(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &gone, sizeof(gone)));
	/* libFuzzer's timer signal may interrupt the call. */
	while (connect(fd, (const struct sockaddr *)&site->address.socket, site->address.len) &&
	       errno != EISCONN)
		FUZZ_ASSERT(errno == EINTR || errno == EALREADY);
	site->clients[site->client_cnt++] = fd;
	site->answer_len = 0;
}

static void send_all(struct site *site, const uint8_t *bytes, size_t size)
{
	int fd = site->clients[site->client_cnt - 1];

	/* A server that has closed the connection accepts no more. */
	while (size) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent <= 0)
			break;
		bytes += sent;
		size -= (size_t)sent;
	}
	serve(site);
}

/* Checks that the client got complete answers, each with a status code that this server uses. */
static void check_answer(struct site *site)
{
	static const char *const codes[] = { "100", "200", "400", "404", "405", "408", "411", "413",
					     "414", "417", "431", "500", "501", "503", "505" };
	static const char prefix[] = "HTTP/1.";
	bool known = false;

	site->answer[site->answer_len] = '\0';
	if (!site->answer_len)
		return;
	FUZZ_ASSERT(!strncmp(site->answer, prefix, strlen(prefix)) && site->answer_len > 12);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		known = known || !strncmp(site->answer + 9, codes[i], 3);
	FUZZ_ASSERT(known);
}

static void receive(struct site *site)
{
	int fd = site->clients[site->client_cnt - 1];
	ssize_t got;

	do {
		size_t room = sizeof(site->answer) - 1 - site->answer_len;

		got = recv(fd, site->answer + site->answer_len, room, MSG_DONTWAIT);
		site->answer_len += got > 0 ? (size_t)got : 0;
	} while (got > 0 && site->answer_len < sizeof(site->answer) - 1);
	check_answer(site);
}

static void run(struct site *site, struct fuzz_bytes *bytes)
{
	add_client(site);
	while (bytes->left) {
		size_t len = 0;

		while (len < bytes->left && bytes->at[len] != STEP && bytes->at[len] != NEXT)
			len++;
		send_all(site, bytes->at, len);
		receive(site);
		if (len < bytes->left) {
			if (bytes->at[len] == NEXT && site->client_cnt < CLIENT_MAX)
				add_client(site);
			len++;
		}
		bytes->at += len;
		bytes->left -= len;
	}
}

/* The server must still answer the next client, whatever others have done. */
static void check_alive(struct site *site)
{
	static const char request[] =
		"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

	while (site->client_cnt)
		close(site->clients[--site->client_cnt]);
	serve(site);
	add_client(site);
	send_all(site, (const uint8_t *)request, strlen(request));
	receive(site);
	FUZZ_ASSERT(!strncmp(site->answer + 9, "200", 3) || !strncmp(site->answer + 9, "503", 3));
	close(site->clients[--site->client_cnt]);
	serve(site);
	FUZZ_ASSERT(http_server__stats(site->server)->connection_cnt == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = { data, size < SEND_MAX ? size : SEND_MAX };
	struct site *site = fuzz__alloc(sizeof(*site));

	open_site(site);
	run(site, &bytes);
	check_alive(site);
	http_server__free(site->server);
	free(site);
	return 0;
}
