// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "export/totals.h"
#include "fuzz.h"
#include "report/account.h"
#include "report/columns.h"
#include "shown.h"
#include "text/utf8.h"

#define FIELD_CNT (9 + COLUMN_CNT + FAILURE_CNT)

char *shown__name(const char *name)
{
	char *shown = fuzz__alloc(strlen(name) + 1);
	size_t len = 0;

	while (*name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		memcpy(shown + len, glyph.bytes, glyph.len);
		len += glyph.len;
	}
	return shown;
}

int shown__width(const char **text)
{
	/*
	 * A fast path for ASCII, which is nearly all of the text; decoding would take most of the
	 * time.
	 */
	if (**text < ' ' || **text > '~')
		return utf8__next_glyph(text).width;
	++*text;
	return 1;
}

/*
 * Decodes one character by the grammar in RFC 3629, section 4, independently of the tool's decoder.
 * Returns its length.
 */
static size_t take_character(const unsigned char *at, size_t left, __u32 *code)
{
	static const struct {
		unsigned char first, last, low, high, len;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*at < forms[i].first || *at > forms[i].last)
			continue;
		FUZZ_ASSERT(forms[i].len <= left);
		FUZZ_ASSERT(forms[i].len == 1 || (at[1] >= forms[i].low && at[1] <= forms[i].high));
		*code = forms[i].len == 1 ? *at : *at & (0xffU >> (forms[i].len + 1));
		for (size_t j = 1; j < forms[i].len; j++) {
			FUZZ_ASSERT((at[j] & 0xc0) == 0x80);
			*code = *code << 6 | (at[j] & 0x3f);
		}
		return forms[i].len;
	}
	fuzz__fail("it is UTF-8", __FILE__, __LINE__);
}

/* Control characters, bidirectional marks and overrides, line and paragraph separators. */
static bool is_unsafe(__u32 code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

void shown__check_safe(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	__u32 code;

	while (size) {
		size_t len;

		if (*at >= ' ' && *at < 0x7f) {
			at++;
			size--;
			continue;
		}
		len = take_character(at, size, &code);

		FUZZ_ASSERT(!is_unsafe(code));
		at += len;
		size -= len;
	}
}

void shown__check_lines(const char *text, size_t size, int width_max)
{
	const char *end = text + size;

	FUZZ_ASSERT(strlen(text) == size);
	while (text < end) {
		const char *line = text;
		int width = 0;

		text = memchr(line, '\n', (size_t)(end - line));
		FUZZ_ASSERT(text);
		shown__check_safe(line, (size_t)(text - line));
		while (width_max < INT_MAX && line < text)
			width += shown__width(&line);
		FUZZ_ASSERT(width <= width_max);
		text++;
	}
}

static const struct vm_report *find_vm(const struct report *report, int pid, unsigned int instance)
{
	for (size_t i = 0; i < report->vm_cnt; i++) {
		if (report->vms[i].pid == pid && instance_of(report, &report->vms[i]) == instance)
			return &report->vms[i];
	}
	return NULL;
}

static void check_name(const char *shown, const char *name)
{
	char *expected = shown__name(name);

	FUZZ_ASSERT(!strcmp(shown, expected));
	free(expected);
}

/* Takes a field and its delimiter, which is returned. */
static char take_field(const char **text, char *field)
{
	bool quoted = **text == '"';
	const char *at = *text + quoted;

	for (; *at && (quoted || (*at != ',' && *at != '\n')); at++) {
		if (*at == '"' && (!quoted || *++at != '"'))
			break;
		*field++ = *at;
	}
	*field = '\0';
	FUZZ_ASSERT(*at == ',' || *at == '\n');
	*text = at + 1;
	return *at;
}

static void check_csv_name(const char *field, const struct vm_report *vm)
{
	static const char *const signs[] = {
		"=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"
	};

	FUZZ_ASSERT(vm);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		FUZZ_ASSERT(strncmp(field, signs[i], strlen(signs[i])) != 0);
	check_name(field + (*field == '\''), vm->name);
}

void shown__check_csv(const char *text, const struct report *report)
{
	char *field = fuzz__alloc(strlen(text) + 1);
	bool is_heading = true;

	while (*text) {
		unsigned int instance = 0;
		bool is_of_vm = !is_heading;
		int pid = 0;

		for (int i = 0; i < FIELD_CNT; i++) {
			char end = take_field(&text, field);

			FUZZ_ASSERT((end == '\n') == (i == FIELD_CNT - 1));
			shown__check_safe(field, strlen(field));
			if (i == 3)
				is_of_vm &= strcmp(field, "host") != 0;
			else if (i == 4)
				pid = atoi(field);
			else if (i == 5)
				instance = (unsigned int)atoi(field);
			else if (i == 6 && is_of_vm)
				check_csv_name(field, find_vm(report, pid, instance));
		}
		is_heading = false;
	}
	free(field);
}

void shown__check_json(const char *text, size_t size, const struct report *report)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *root, *vms, *name;

	FUZZ_ASSERT(tokener && size);
	FUZZ_ASSERT(strcspn(text, "\n") == size - 1);
	shown__check_safe(text, size - 1);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, text, (int)size);
	FUZZ_ASSERT(root && json_tokener_get_error(tokener) == json_tokener_success);
	FUZZ_ASSERT(json_object_object_get_ex(root, "vms", &vms));
	FUZZ_ASSERT(json_object_array_length(vms) == report->vm_cnt);
	for (size_t i = 0; i < report->vm_cnt; i++) {
		FUZZ_ASSERT(json_object_object_get_ex(json_object_array_get_idx(vms, i), "name",
						      &name));
		check_name(json_object_get_string(name), report->vms[i].name);
	}
	json_object_put(root);
	json_tokener_free(tokener);
}

static const char *skip_word(const char *at)
{
	size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789");

	FUZZ_ASSERT(len && (*at < '0' || *at > '9'));
	return at + len;
}

/* Takes a quoted text and replaces its escapes. */
static const char *take_label(const char *at, char *value)
{
	for (; *at != '"'; at++) {
		FUZZ_ASSERT(*at && *at != '\n');
		if (*at == '\\') {
			at++;
			FUZZ_ASSERT(*at == '\\' || *at == '"' || *at == 'n');
		}
		*value++ = *at;
	}
	*value = '\0';
	return at + 1;
}

static bool has_name(const struct totals *totals, const char *name)
{
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		if (!strcmp(totals__vm(totals, i)->name, name))
			return true;
	}
	return false;
}

static const char *skip_labels(const char *at, const struct totals *totals, char *value)
{
	do {
		const char *name = ++at;

		at = skip_word(at);
		FUZZ_ASSERT(!strncmp(at, "=\"", 2));
		at = take_label(at + 2, value);
		if (!strncmp(name, "vm=", 3))
			FUZZ_ASSERT(has_name(totals, value));
	} while (*at == ',');
	FUZZ_ASSERT(*at == '}');
	return at + 1;
}

void shown__check_metrics(const char *text, const struct totals *totals)
{
	char *value = fuzz__alloc(strlen(text) + 1);

	shown__check_lines(text, strlen(text), INT_MAX);
	while (*text) {
		const char *end = strchr(text, '\n');

		if (*text != '#') {
			size_t digits;

			text = skip_word(text);
			if (*text == '{')
				text = skip_labels(text, totals, value);
			FUZZ_ASSERT(*text == ' ');
			digits = strspn(++text, "0123456789.e+-");
			FUZZ_ASSERT(digits && text + digits == end);
		}
		text = end + 1;
	}
	free(value);
}
