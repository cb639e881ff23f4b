/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * json_text - build JSON as one line of text in memory, member by member. Intended for output with
 * so many numbers that creating an object for each would dominate the cost.
 *
 * A failure is remembered, and later calls do nothing, so only json_text__write() needs to be
 * checked. Keys are written without escaping, so they must not need any. Use a NULL key for the
 * elements of an array and for the root.
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>

struct json_object;
struct printbuf;

/* Zero-initialize it. */
struct json_text {
	struct printbuf *buf;
	bool failed;
};

/* Begin and end an object ('{' and '}') or an array ('[' and ']'). */
void json_text__open(struct json_text *text, const char *key, char bracket);
void json_text__close(struct json_text *text, char bracket);

void json_text__add_u64(struct json_text *text, const char *key, __u64 value);
void json_text__add_null(struct json_text *text, const char *key);

/* Adds a number with four decimals; null for NaN. */
void json_text__add_decimal(struct json_text *text, const char *key, double value);

/* Adds a name from an untrusted place, with "?" for what utf8.h does not show. */
void json_text__add_name(struct json_text *text, const char *key, const char *name);

/* Adds any other value, and takes ownership of it. NULL means that its allocation failed. */
void json_text__add(struct json_text *text, const char *key, struct json_object *value);

/*
 * Writes the text and a newline. Returns 0; -ENOMEM if some of the text could not be stored, with
 * nothing written; or -errno if the stream failed.
 */
int json_text__write(const struct json_text *text, FILE *out);

void json_text__free(struct json_text *text);

#endif /* JSON_TEXT_H */
