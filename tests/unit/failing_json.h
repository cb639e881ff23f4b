/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * failing_json - simulates running out of memory in json-c.
 *
 * FAILING_JSON() defines a constructor of json-c that calls the library's own, except for the one
 * call that is chosen to fail. The definition takes precedence over the library's in everything the
 * test links. FAILING_APPEND does the same for the function that grows a printbuf, but not for
 * json-c's own calls of that function, because json-c does not check their result: a test that uses
 * FAILING_APPEND links with -Wl,--wrap=printbuf_memappend.
 */
#ifndef FAILING_JSON_H
#define FAILING_JSON_H

#include <dlfcn.h>
#include <json-c/json.h>
#include <json-c/printbuf.h>
#include <stdbool.h>
#include <string.h>

/* The number of constructor calls that succeed before one fails; negative: none fails. */
static int failing_json_left = -1;

static inline bool failing_json__is_due(void)
{
	return failing_json_left >= 0 && failing_json_left-- == 0;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are lists in parentheses. */
#define FAILING_JSON(name, parameters, arguments)                                                  \
	struct json_object *name parameters                                                        \
	{                                                                                          \
		void *symbol = dlsym(RTLD_NEXT, #name);                                            \
		struct json_object *(*real)parameters;                                             \
                                                                                                   \
		memcpy(&real, &symbol, sizeof(real));                                              \
		return failing_json__is_due() ? NULL : real arguments;                             \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

#define FAILING_APPEND                                                                             \
	int __real_printbuf_memappend(struct printbuf *buf, const char *bytes, int size);          \
	int __wrap_printbuf_memappend(struct printbuf *buf, const char *bytes, int size);          \
                                                                                                   \
	int __wrap_printbuf_memappend(struct printbuf *buf, const char *bytes, int size)           \
	{                                                                                          \
		int fails = failing_json__is_due();                                                \
                                                                                                   \
		return fails ? -1 : __real_printbuf_memappend(buf, bytes, size);                   \
	}

#endif /* FAILING_JSON_H */
