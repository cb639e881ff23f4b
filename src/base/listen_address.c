// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/number.h"
#include "base/listen_address.h"

#define LOOPBACK "127.0.0.1"

static int parse_ipv4(const char *host, in_port_t port, struct listen_address *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = port };

	if (!*host || !strcmp(host, "localhost"))
		host = LOOPBACK;
	if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
		return -EINVAL;
	*address = (struct listen_address){ .len = sizeof(in) };
	memcpy(&address->socket, &in, sizeof(in));
	return 0;
}

/* `host` is without the brackets. */
static int parse_ipv6(const char *host, in_port_t port, struct listen_address *address)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = port };

	if (inet_pton(AF_INET6, host, &in.sin6_addr) != 1)
		return -EINVAL;
	*address = (struct listen_address){ .len = sizeof(in) };
	memcpy(&address->socket, &in, sizeof(in));
	return 0;
}

int listen_address__parse(const char *text, struct listen_address *address)
{
	const char *colon = strrchr(text, ':');
	char host[LISTEN_ADDRESS_TEXT_SIZE];
	size_t len;
	__u64 port;

	if (!colon || number__parse(colon + 1, UINT16_MAX, &port))
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (len < 2 || host[0] != '[' || host[len - 1] != ']')
		return parse_ipv4(host, htons((uint16_t)port), address);
	host[len - 1] = '\0';
	return parse_ipv6(host + 1, htons((uint16_t)port), address);
}

void listen_address__format(const struct listen_address *address,
			    char text[static LISTEN_ADDRESS_TEXT_SIZE])
{
	char host[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	switch (address->socket.ss_family) {
	case AF_INET:
		memcpy(&in, &address->socket, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
		snprintf(text, LISTEN_ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(in.sin_port) + 0U);
		break;
	case AF_INET6:
		memcpy(&in6, &address->socket, sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
		snprintf(text, LISTEN_ADDRESS_TEXT_SIZE, "[%s]:%u", host,
			 ntohs(in6.sin6_port) + 0U);
		break;
	default:
		snprintf(text, LISTEN_ADDRESS_TEXT_SIZE, "?");
	}
}
