/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * json_text - JSON put together in memory as text, on one line, each member as it comes: for output of
 * so many numbers that an object for each would cost more than all else.
 *
 * A failure is kept, and all later calls do nothing: only json_text__write() needs to be asked. Keys are
 * written as they are: they hold nothing to escape. A key of NULL is for an element of an array and for
 * the root.
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>

struct json_object;
struct printbuf;

/* Zero-initialised: an empty text. */
struct json_text {
	struct printbuf *buf;
	bool failed;
};

/* Begin and end an object, '{' and '}', or an array, '[' and ']'. */
void json_text__open(struct json_text *text, const char *key, char bracket);
void json_text__close(struct json_text *text, char bracket);

void json_text__add_u64(struct json_text *text, const char *key, __u64 value);
void json_text__add_null(struct json_text *text, const char *key);

/* Any other value, which is taken over. NULL stands for one for which there was no memory. */
void json_text__add(struct json_text *text, const char *key, struct json_object *value);

/*
 * Writes the text and the end of its line. Returns 0, -ENOMEM when there was no memory for all of the text
 * (nothing was written), or -errno when the stream failed.
 */
int json_text__write(const struct json_text *text, FILE *out);

void json_text__free(struct json_text *text);

#endif /* JSON_TEXT_H */
