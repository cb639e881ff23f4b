// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * recording_parse.c - bytes to JSON values. json-c is asked only for what a look at the bytes has shown
 * to be small: of "[[[[" or "[],[],[]," it would make a hundred times as much memory.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "recording.h"
#include "recording_codec.h"

/* The marks of a line that are in no string. */
struct marks {
	size_t colon_cnt; /* one for each member */
	size_t comma_cnt;
	size_t container_cnt;
	size_t depth_max;
};

static int refuse(struct recording_problem *problem, int err, const char *why)
{
	snprintf(problem->text, sizeof(problem->text), "%s", why);
	return err;
}

static void count_marks(const char *line, size_t len, struct marks *marks)
{
	bool in_string = false;
	size_t depth = 0;

	*marks = (struct marks){ 0 };
	for (size_t i = 0; i < len; i++) {
		char c = line[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
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

/* All levels down, which are few by now. */
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
		snprintf(problem->text, sizeof(problem->text), "no JSON: %s at byte %zu",
			 error == json_tokener_error_parse_number
				 ? "no number, or one that does not fit 64 bits,"
				 : json_tokener_error_desc(error),
			 json_tokener_get_parse_end(tokener) + 1);
	json_tokener_free(tokener);
	if (*root)
		return 0;
	if (error == json_tokener_continue)
		return -ENODATA;
	/* What begins with a brace is no null. */
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
		return refuse(problem, -EBADMSG, "a NUL byte, which no JSON has");
	while (begin < len && strchr(" \t\r", line[begin]))
		begin++;
	if (begin == len)
		return -ENODATA;
	if (line[begin] != '{')
		return refuse(problem, -EBADMSG, "no JSON object");
	count_marks(line, len, &marks);
	if (marks.depth_max > RECORDING_DEPTH_MAX)
		return refuse(problem, -EFBIG, "too many lists and objects in each other");
	if (marks.container_cnt > RECORDING_CONTAINERS_MAX)
		return refuse(problem, -EFBIG, "too many lists and objects");
	/* A value has a comma before it, or is the first of its container. */
	if (marks.comma_cnt + marks.container_cnt > RECORDING_VALUES_MAX)
		return refuse(problem, -EFBIG, "too many values");
	err = parse_small(line, len, &parsed, problem);
	if (err)
		return err;
	/* json-c keeps the last of those that have the same name. */
	if (member_cnt(parsed) != marks.colon_cnt) {
		json_object_put(parsed);
		return refuse(problem, -EBADMSG, "a member is there twice");
	}
	*root = parsed;
	return 0;
}
