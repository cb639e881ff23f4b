// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include "export/accept.h"

/* A part of the field, without blanks at its ends. */
struct slice {
	const char *begin;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Splits off *part up to the delimiter or the end. Returns false if nothing is left. */
static bool take(struct slice *rest, char delimiter, struct slice *part)
{
	const char *end;

	if (!rest->begin)
		return false;
	part->begin = rest->begin;
	end = memchr(rest->begin, delimiter, rest->len);
	part->len = end ? (size_t)(end - rest->begin) : rest->len;
	rest->len -= part->len + (end ? 1 : 0);
	rest->begin = end ? end + 1 : NULL;
	while (part->len && is_blank(*part->begin)) {
		part->begin++;
		part->len--;
	}
	while (part->len && is_blank(part->begin[part->len - 1]))
		part->len--;
	return true;
}

static bool equals(struct slice slice, const char *word)
{
	return slice.len == strlen(word) && !strncasecmp(slice.begin, word, slice.len);
}

/* Parses a quality such as "1" or "0.75". Returns thousandths, or 0 if the text is malformed. */
static int parse_quality(struct slice text)
{
	int quality, unit = 100;

	if (!text.len || (text.begin[0] != '0' && text.begin[0] != '1'))
		return 0;
	quality = text.begin[0] == '1' ? 1000 : 0;
	if (text.len > 5 || (text.len > 1 && text.begin[1] != '.'))
		return 0;
	for (size_t i = 2; i < text.len; i++, unit /= 10) {
		if (text.begin[i] < '0' || text.begin[i] > '9')
			return 0;
		quality += (text.begin[i] - '0') * unit;
	}
	return quality <= 1000 ? quality : 0;
}

struct media {
	struct slice type;
	struct slice version; /* len 0: not given */
	int quality;
};

static struct media parse_media(struct slice text)
{
	struct media media = { .quality = 1000 };
	struct slice parameter, name;

	take(&text, ';', &media.type);
	while (take(&text, ';', &parameter)) {
		if (!take(&parameter, '=', &name) || !parameter.begin)
			continue;
		if (equals(name, "q"))
			media.quality = parse_quality(parameter);
		else if (equals(name, "version"))
			media.version = parameter;
	}
	return media;
}

enum exposition_form accept__form(const char *accept)
{
	struct slice rest = { accept, accept ? strlen(accept) : 0 };
	int openmetrics = 0, text = 0;
	struct slice part;

	while (take(&rest, ',', &part)) {
		struct media media = parse_media(part);
		bool is_version_ours = !media.version.len || equals(media.version, "1.0.0") ||
				       equals(media.version, "\"1.0.0\"");

		if (equals(media.type, "application/openmetrics-text") && is_version_ours &&
		    media.quality > openmetrics)
			openmetrics = media.quality;
		if (equals(media.type, "text/plain") && media.quality > text)
			text = media.quality;
	}
	return openmetrics && openmetrics >= text ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS;
}
