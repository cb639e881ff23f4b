// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "base/listen_address.h"
#include "test.h"

static void what_is_taken(void **state)
{
	static const char *const pairs[][2] = {
		{ "127.0.0.1:80", "127.0.0.1:80" },
		{ "0.0.0.0:1", "0.0.0.0:1" },
		{ ":9", "127.0.0.1:9" },
		{ "localhost:9", "127.0.0.1:9" },
		{ ":0", "127.0.0.1:0" },
		{ "[::1]:65535", "[::1]:65535" },
		{ "[::]:80", "[::]:80" },
		{ "[2001:DB8::0:5]:80", "[2001:db8::5]:80" },
		{ LISTEN_ADDRESS_DEFAULT, LISTEN_ADDRESS_DEFAULT },
		{ "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char text[LISTEN_ADDRESS_TEXT_SIZE];
		struct listen_address address;

		if (listen_address__parse(pairs[i][0], &address))
			fail_msg("%s", pairs[i][0]);
		listen_address__format(&address, text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void what_is_not(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		"80",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.0.0.1:+1",
		"127.0.0.1: 1",
		"127.0.0.1:http",
		"127.1:80",
		"localhost",
		"Localhost.:80",
		"::1:80",
		"[::1]",
		"[]:80",
		"[:80",
		"]:80",
		"[127.0.0.1]:80",
		"[::1]x:80",
		"[::1%lo]:80",
		"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255:ffff:ffff]:80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct listen_address address, before;

		memset(&address, 0xa5, sizeof(address));
		memcpy(&before, &address, sizeof(before));
		if (listen_address__parse(texts[i], &address) != -EINVAL)
			fail_msg("'%s' was taken", texts[i]);
		assert_memory_equal(&address, &before, sizeof(before));
	}
}

static void what_is_no_address(void **state)
{
	const struct listen_address unix_address = { .socket.ss_family = AF_UNIX };
	char text[LISTEN_ADDRESS_TEXT_SIZE];

	(void)state;
	listen_address__format(&unix_address, text);
	assert_string_equal(text, "?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken),
		cmocka_unit_test(what_is_not),
		cmocka_unit_test(what_is_no_address),
	};

	return cmocka_run_group_tests_name("listen_address", tests, NULL, NULL);
}
