// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "report/columns.h"
#include "recording/recording.h"
#include "recording/recording_codec.h"
#include "recording/recording_fields.h"
#include "text/utf8.h"

/* The path to the value being decoded, as a linked list: "vcpus[3].tid" has three places. */
struct place {
	const struct place *up;
	const char *key; /* NULL: element number idx of a list */
	size_t idx;
	struct recording_problem *problem;
};

static size_t put_place(const struct place *place, char *text, size_t size)
{
	size_t len = place->up ? put_place(place->up, text, size) : 0;

	if (place->key)
		len += snprintf(text + len, size - len, "%s%s", len ? "." : "", place->key);
	else
		len += snprintf(text + len, size - len, "[%zu]", place->idx);
	/* Never truncated: the keys are those of our tables, and nesting is limited. */
	return len < size ? len : size - 1;
}

static int refuse(const struct place *place, int err, const char *why)
{
	struct recording_problem *problem = place->problem;
	size_t len = put_place(place, problem->text, sizeof(problem->text));

	snprintf(problem->text + len, sizeof(problem->text) - len, ": %s", why);
	return err;
}

static int get_u64(const struct place *place, struct json_object *from, __u64 max, __u64 *value)
{
	char why[64];

	/*
	 * json-c returns a negative number for negative integers, and INT64_MAX
	 * for those that exceed int64.
	 */
	if (json_object_is_type(from, json_type_int) && json_object_get_int64(from) >= 0 &&
	    json_object_get_uint64(from) <= max) {
		*value = json_object_get_uint64(from);
		return 0;
	}
	snprintf(why, sizeof(why), "not an integer from 0 to %llu", max);
	return refuse(place, -EBADMSG, why);
}

static int get_ratio(const struct place *place, struct json_object *from, double *ratio)
{
	double value = 0;

	if (json_object_is_type(from, json_type_double) || json_object_is_type(from, json_type_int))
		value = json_object_get_double(from);
	if (!(value > 0) || __builtin_isinf(value))
		return refuse(place, -EBADMSG, "not a number above 0");
	*ratio = value;
	return 0;
}

/* *text belongs to the JSON value. */
static int get_string(const struct place *place, struct json_object *from, const char **text)
{
	if (!json_object_is_type(from, json_type_string))
		return refuse(place, -EBADMSG, "not a string");
	*text = json_object_get_string(from);
	if (strlen(*text) != (size_t)json_object_get_string_len(from))
		return refuse(place, -EBADMSG, "a string with a NUL in it");
	return 0;
}

static int get_mode(const struct place *place, struct json_object *from, enum measure_mode *mode)
{
	static const enum measure_mode modes[] = { MODE_ENTRY, MODE_SWITCH };
	const char *text;
	int err = get_string(place, from, &text);

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(text, mode__name(modes[i]))) {
			*mode = modes[i];
			return 0;
		}
	}
	return refuse(place, -EBADMSG, "an unknown mode");
}

static int get_text(const struct place *place, struct json_object *from, char *to, size_t size)
{
	const char *text;
	size_t len = 0;
	int err = get_string(place, from, &text);

	if (err)
		return err;
	if (strlen(text) >= size)
		return refuse(place, -EBADMSG, "the string is too long");
	/*
	 * Make it printable, because a recording may come from anywhere. This
	 * never makes the text longer.
	 */
	while (*text) {
		struct utf8_glyph glyph = utf8__next_glyph(&text);

		memcpy(to + len, glyph.bytes, glyph.len);
		len += glyph.len;
	}
	to[len] = '\0';
	return 0;
}

/* Buckets must be in ascending order, which also excludes duplicates. */
static int get_buckets(const struct place *place, struct json_object *from, __u64 *cnt)
{
	size_t number_cnt;
	__u64 low = 0;

	if (!json_object_is_type(from, json_type_array))
		return refuse(place, -EBADMSG, "not an array");
	number_cnt = json_object_array_length(from);
	if (number_cnt % 2)
		return refuse(place, -EBADMSG, "a bucket without its count");
	for (size_t i = 0; i < number_cnt; i += 2) {
		struct place here = { .up = place, .idx = i, .problem = place->problem };
		__u64 bucket;
		int err = get_u64(&here, json_object_array_get_idx(from, i), STINT_BUCKET_CNT - 1,
				  &bucket);

		if (err)
			return err;
		if (bucket < low)
			return refuse(&here, -EBADMSG, "out of order, or a duplicate");
		here.idx = i + 1;
		err = get_u64(&here, json_object_array_get_idx(from, i + 1), UINT64_MAX,
			      &cnt[bucket]);
		if (err)
			return err;
		low = bucket + 1;
	}
	return 0;
}

static int get_members(const struct place *place, struct json_object *from,
		       const struct field *fields, void *to, struct recording_problem *problem);

static int get_list(const struct place *place, struct json_object *from, const struct field *field,
		    struct snapshot *snap)
{
	const struct field_list *list = field->list;
	size_t cnt;

	if (!json_object_is_type(from, json_type_array))
		return refuse(place, -EBADMSG, "not an array");
	cnt = json_object_array_length(from);
	if (cnt > RECORDING_ELEMENTS_MAX)
		return refuse(place, -EFBIG, "too many elements");
	for (size_t i = 0; i < cnt; i++) {
		struct place here = { .up = place, .idx = i, .problem = place->problem };
		struct json_object *element = json_object_array_get_idx(from, i);
		char *to = list->add(snap);
		int err;

		if (!to)
			return -ENOMEM;
		err = get_members(&here, element, list->members, to, place->problem);
		if (err)
			return err;
		if (i && list->compare && list->compare(to - list->element_size, to) >= 0)
			return refuse(&here, -EBADMSG, "out of order, or a duplicate");
	}
	return 0;
}

static int get_int(const struct place *place, struct json_object *from, int *to)
{
	__u64 value;
	int err = get_u64(place, from, INT_MAX, &value);

	if (!err)
		*to = (int)value;
	return err;
}

static int get_u32(const struct place *place, struct json_object *from, __u32 *to)
{
	__u64 value;
	int err = get_u64(place, from, UINT32_MAX, &value);

	if (!err)
		*to = (__u32)value;
	return err;
}

static int get_bool(const struct place *place, struct json_object *from, bool *to)
{
	if (!json_object_is_type(from, json_type_boolean))
		return refuse(place, -EBADMSG, "neither true nor false");
	*to = json_object_get_boolean(from);
	return 0;
}

static int get_field(const struct place *place, struct json_object *from, const struct field *field,
		     void *to)
{
	void *at = (char *)to + field->offset;
	bool *known = (bool *)((char *)to + field->known_offset);

	switch (field->kind) {
	case FIELD_INT:
		return get_int(place, from, at);
	case FIELD_U32:
		return get_u32(place, from, at);
	case FIELD_KNOWN_U64:
		*known = from != NULL;
		return from ? get_u64(place, from, UINT64_MAX, at) : 0;
	case FIELD_U64:
	case FIELD_VM_ID:
		return get_u64(place, from, UINT64_MAX, at);
	case FIELD_BOOL:
		return get_bool(place, from, at);
	case FIELD_RATIO:
		return get_ratio(place, from, at);
	case FIELD_MODE:
		return get_mode(place, from, at);
	case FIELD_TEXT:
		return get_text(place, from, at, field->size);
	case FIELD_BUCKETS:
		return get_buckets(place, from, at);
	case FIELD_OBJECT:
		return get_members(place, from, field->members, at, place->problem);
	case FIELD_LIST:
		return get_list(place, from, field, to);
	}
	return refuse(place, -EBADMSG, "of an unknown kind");
}

/* place is NULL for the line itself. */
static int get_members(const struct place *place, struct json_object *from,
		       const struct field *fields, void *to, struct recording_problem *problem)
{
	int err = 0;

	/* The line itself is known to be an object. */
	if (place && !json_object_is_type(from, json_type_object))
		return refuse(place, -EBADMSG, "not an object");
	for (const struct field *field = fields; field->key && !err; field++) {
		struct place here = { .up = place, .key = field->key, .problem = problem };
		struct json_object *value;

		if (json_object_object_get_ex(from, field->key, &value))
			err = get_field(&here, value, field, to);
		else if (!field->optional)
			err = refuse(&here, -EBADMSG, "missing");
	}
	return err;
}

int recording__decode(const struct field *fields, struct json_object *from, void *to,
		      struct recording_problem *problem)
{
	return get_members(NULL, from, fields, to, problem);
}
