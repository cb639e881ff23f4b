// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <json-c/json.h>
#include <json-c/printbuf.h>
#include <stdlib.h>
#include <string.h>
#include "text/json_text.h"
#include "text/stream.h"
#include "text/utf8.h"

#define U64_DIGITS_MAX (sizeof("18446744073709551615") - 1)

static void put(struct json_text *text, const char *bytes, size_t len)
{
	if (!text->buf)
		text->buf = printbuf_new();
	if (!text->buf || text->failed || printbuf_memappend(text->buf, bytes, (int)len) < 0)
		text->failed = true;
}

/* Writes what precedes a value: a comma unless it is the first, and its key. */
static void begin_value(struct json_text *text, const char *key)
{
	int len = text->buf ? printbuf_length(text->buf) : 0;

	if (len && !strchr("[{", text->buf->buf[len - 1]))
		put(text, ",", 1);
	if (!key)
		return;
	put(text, "\"", 1);
	put(text, key, strlen(key));
	put(text, "\":", 2);
}

void json_text__open(struct json_text *text, const char *key, char bracket)
{
	begin_value(text, key);
	put(text, &bracket, 1);
}

void json_text__close(struct json_text *text, char bracket)
{
	put(text, &bracket, 1);
}

/*
 * Formats by hand, because printf() takes several times as long, and most of the text is numbers.
 */
void json_text__add_u64(struct json_text *text, const char *key, __u64 value)
{
	char digits[U64_DIGITS_MAX];
	char *end = digits + sizeof(digits), *first = end;

	do {
		*--first = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	begin_value(text, key);
	put(text, first, (size_t)(end - first));
}

void json_text__add_null(struct json_text *text, const char *key)
{
	begin_value(text, key);
	put(text, "null", 4);
}

void json_text__add(struct json_text *text, const char *key, struct json_object *value)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *string = value ? json_object_to_json_string_ext(value, flags) : NULL;

	if (string) {
		begin_value(text, key);
		put(text, string, strlen(string));
	} else {
		text->failed = true;
	}
	json_object_put(value);
}

void json_text__add_decimal(struct json_text *text, const char *key, double value)
{
	struct json_object *number;

	if (value != value) {
		json_text__add_null(text, key);
		return;
	}
	number = json_object_new_double(value);
	if (number)
		json_object_set_serializer(number, json_object_double_to_json_string,
					   (void *)"%.4f", NULL);
	json_text__add(text, key, number);
}

/* json-c escapes only some of the control characters of terminals. */
void json_text__add_name(struct json_text *text, const char *key, const char *name)
{
	char *shown = malloc(strlen(name) + 1);
	char *end = shown;

	while (shown && *name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		end = mempcpy(end, glyph.bytes, glyph.len);
	}
	json_text__add(text, key,
		       shown ? json_object_new_string_len(shown, (int)(end - shown)) : NULL);
	free(shown);
}

int json_text__write(const struct json_text *text, FILE *out)
{
	int err;

	if (text->failed)
		return -ENOMEM;
	err = text->buf ? stream__put(out, text->buf->buf) : 0;
	return err ? err : stream__put(out, "\n");
}

void json_text__free(struct json_text *text)
{
	if (text->buf)
		printbuf_free(text->buf);
	*text = (struct json_text){ 0 };
}
