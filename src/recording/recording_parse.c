// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * recording_parse.c - bytes to JSON values. A scan of the bytes first checks the limits, because
 * json-c needs a hundred times as much memory as the input for lines like "[[[[" or "[],[],[],".
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "recording/recording.h"
#include "recording/recording_codec.h"

/* Counts of what occurs in a line outside of strings. */
struct marks {
	size_t colon_cnt; /* one per member */
	size_t comma_cnt;
	size_t container_cnt;
	size_t depth_max;
	bool has_large; /* has an integer above 2^64-1, which json-c would change to 2^64-1 */
};

static int refuse(struct recording_problem *problem, int err, const char *why)
{
	snprintf(problem->text, sizeof(problem->text), "%s", why);
	return err;
}

/*
 * Returns the number of digits at `at`, which must not be 0. Sets *large if they
 * are an integer above 2^64-1.
 */
static size_t skip_digits(const char *line, size_t len, size_t at, bool *large)
{
	static const char largest[] = "18446744073709551615";
	const size_t largest_len = sizeof(largest) - 1;
	size_t cnt = 0;

	while (at + cnt < len && line[at + cnt] >= '0' && line[at + cnt] <= '9')
		cnt++;
	/* Ignore digits before or after a decimal point or exponent, and negative numbers. */
	if (strchr(".eE+-", line[at - 1]) || (at + cnt < len && strchr(".eE", line[at + cnt])))
		return cnt;
	if (cnt > largest_len ||
	    (cnt == largest_len && memcmp(line + at, largest, largest_len) > 0))
		*large = true;
	return cnt;
}

/* The line must begin with a brace and contain no NUL. */
static void count_marks(const char *line, size_t len, struct marks *marks)
{
	bool in_string = false;
	size_t depth = 1;

	*marks = (struct marks){ .container_cnt = 1, .depth_max = 1 };
	for (size_t i = 1; i < len; i++) {
		char c = line[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c >= '0' && c <= '9') {
			i += skip_digits(line, len, i, &marks->has_large) - 1;
			continue;
		}
		in_string = c == '"';
		marks->colon_cnt += c == ':';
		marks->comma_cnt += c == ',';
		if (c == '{' || c == '[') {
			marks->container_cnt++;
			depth++;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
		if (depth > marks->depth_max)
			marks->depth_max = depth;
	}
}

/* Recursive; the depth has been limited before. */
static size_t member_cnt(struct json_object *value)
{
	size_t cnt = 0;

	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			cnt += member_cnt(json_object_array_get_idx(value, i));
	} else if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member)
		{
			(void)key;
			cnt += 1 + member_cnt(member);
		}
	}
	return cnt;
}

static int parse_small(const char *line, size_t len, struct json_object **root,
		       struct recording_problem *problem)
{
	struct json_tokener *tokener = json_tokener_new_ex(RECORDING_DEPTH_MAX + 1);
	enum json_tokener_error error;

	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	*root = json_tokener_parse_ex(tokener, line, (int)len);
	error = json_tokener_get_error(tokener);
	if (!*root && error != json_tokener_success && error != json_tokener_continue)
		snprintf(problem->text, sizeof(problem->text), "not JSON: %s at byte %zu",
			 json_tokener_error_desc(error), json_tokener_get_parse_end(tokener) + 1);
	json_tokener_free(tokener);
	if (*root)
		return 0;
	if (error == json_tokener_continue)
		return -ENODATA;
	/* The line begins with a brace, so a NULL result without an error is not JSON's null. */
	return error == json_tokener_success ? -ENOMEM : -EBADMSG;
}

int recording__parse(const char *line, size_t len, struct json_object **root,
		     struct recording_problem *problem)
{
	struct json_object *parsed;
	struct marks marks;
	size_t begin = 0;
	int err;

	if (memchr(line, '\0', len))
		return refuse(problem, -EBADMSG, "a NUL byte, which JSON does not allow");
	while (begin < len && strchr(" \t\r", line[begin]))
		begin++;
	if (begin == len)
		return -ENODATA;
	if (line[begin] != '{')
		return refuse(problem, -EBADMSG, "not a JSON object");
	count_marks(line + begin, len - begin, &marks);
	if (marks.depth_max > RECORDING_DEPTH_MAX)
		return refuse(problem, -EFBIG, "arrays and objects are nested too deeply");
	if (marks.container_cnt > RECORDING_CONTAINERS_MAX)
		return refuse(problem, -EFBIG, "too many arrays and objects");
	/* A value is the first of its container, or follows a comma. */
	if (marks.comma_cnt + marks.container_cnt > RECORDING_VALUES_MAX)
		return refuse(problem, -EFBIG, "too many values");
	if (marks.has_large)
		return refuse(problem, -EBADMSG, "an integer that does not fit 64 bits");
	err = parse_small(line, len, &parsed, problem);
	if (err)
		return err;
	/* json-c keeps only the last of members with the same name. */
	if (member_cnt(parsed) != marks.colon_cnt) {
		json_object_put(parsed);
		return refuse(problem, -EBADMSG, "a duplicate member");
	}
	*root = parsed;
	return 0;
}
