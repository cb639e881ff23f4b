/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * failing_json - memory that runs out: json-c's constructors as they are, but for the one whose turn it
 * is to fail. FAILING_JSON() defines one, which comes before the library's for all that the test links.
 * FAILING_APPEND does the same to what grows a printbuf, but not where json-c itself calls it, which would
 * not notice: a test that has it links with -Wl,--wrap=printbuf_memappend.
 */
#ifndef FAILING_JSON_H
#define FAILING_JSON_H

#include <dlfcn.h>
#include <json-c/json.h>
#include <json-c/printbuf.h>
#include <stdbool.h>
#include <string.h>

/* How many constructors are to work before one fails; below 0: all. */
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
