/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * listen_address - where a server listens, as it is written on a command line. Pure: no name is looked up.
 */
#ifndef LISTEN_ADDRESS_H
#define LISTEN_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>

/*
 * Loopback: who has not said so shows nothing to the network. The port is above those that are given out to
 * exporters, 9100 to 9999, all of which are taken.
 */
#define LISTEN_ADDRESS_DEFAULT "127.0.0.1:10177"

/* For every address there is: "[", 45 characters of IPv6, "]:", a port. */
#define LISTEN_ADDRESS_TEXT_SIZE 56

struct listen_address {
	struct sockaddr_storage socket; /* of IPv4 or IPv6 */
	socklen_t len;
};

/*
 * Takes "127.0.0.1:80", "[::1]:80" and ":80", which is 127.0.0.1 too; all addresses of the host are 0.0.0.0
 * or [::]. Port 0: the kernel chooses one.
 * Returns 0 or -EINVAL; *address is left alone then.
 */
int listen_address__parse(const char *text, struct listen_address *address);

/* The same the other way. Of what is neither IPv4 nor IPv6, "?". */
void listen_address__format(const struct listen_address *address,
			    char text[static LISTEN_ADDRESS_TEXT_SIZE]);

#endif /* LISTEN_ADDRESS_H */
