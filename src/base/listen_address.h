/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * listen_address - parse the address on which a server listens. Pure: no name is resolved.
 */
#ifndef LISTEN_ADDRESS_H
#define LISTEN_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>

/*
 * Loopback, so that nothing is visible on the network unless the user asks for
 * it. The port is above 9100 to 9999, the range that is assigned to Prometheus
 * exporters, in which all ports are taken.
 */
#define LISTEN_ADDRESS_DEFAULT "127.0.0.1:10177"

/* Fits every address: "[", 45 characters of IPv6, "]:", a port. */
#define LISTEN_ADDRESS_TEXT_SIZE 56

struct listen_address {
	struct sockaddr_storage socket; /* AF_INET or AF_INET6 */
	socklen_t len;
};

/*
 * Parses "127.0.0.1:80", "[::1]:80" or ":80", which means 127.0.0.1; use 0.0.0.0 or [::] for all
 * addresses of the host. With port 0 the kernel chooses one.
 * Returns 0; or -EINVAL, with *address unchanged.
 */
int listen_address__parse(const char *text, struct listen_address *address);

/* Formats an address in the same syntax; "?" if it is neither IPv4 nor IPv6. */
void listen_address__format(const struct listen_address *address,
			    char text[static LISTEN_ADDRESS_TEXT_SIZE]);

#endif /* LISTEN_ADDRESS_H */
