// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/columns.h"
#include "recording/recording_codec.h"
#include "recording/recording_fields.h"
#include "text/utf8.h"

/* Size of the longest text of any field. */
#define TEXT_SIZE sizeof(((struct vm_reading *)NULL)->name)

/* Keys are unique within an object, and constants of the tables, which json-c need not copy. */
#define ADD_FLAGS (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT)

/* Takes ownership of value. NULL means that its allocation failed. */
static int add(struct json_object *parent, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_object_add_ex(parent, key, value, ADD_FLAGS)) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int add_unknown(struct json_object *parent, const char *key)
{
	return json_object_object_add_ex(parent, key, NULL, ADD_FLAGS) ? -ENOMEM : 0;
}

/* Makes the text printable, so that the line is valid UTF-8. This never makes the text longer. */
static int add_text(struct json_object *parent, const struct field *field, const char *text)
{
	char shown[TEXT_SIZE];
	size_t len = 0;

	if (field->size > sizeof(shown) || !memchr(text, '\0', field->size))
		return -EINVAL;
	if (!*text && field->optional)
		return 0;
	while (*text) {
		struct utf8_glyph glyph = utf8__next_glyph(&text);

		memcpy(shown + len, glyph.bytes, glyph.len);
		len += glyph.len;
	}
	return add(parent, field->key, json_object_new_string_len(shown, (int)len));
}

static int add_ratio(struct json_object *parent, const struct field *field, double ratio)
{
	char text[32];

	if (ratio == 0 && field->optional)
		return 0;
	if (!(ratio > 0) || __builtin_isinf(ratio))
		return -EINVAL;
	/* Use the fewest digits that give the same double: 0.97, not 0.96999999999999997. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, ratio);
		if (strtod(text, NULL) == ratio)
			break;
	}
	return add(parent, field->key, json_object_new_double_s(ratio, text));
}

static int add_number(struct json_object *array, __u64 number)
{
	struct json_object *value = json_object_new_uint64(number);

	if (!value)
		return -ENOMEM;
	if (json_object_array_add(array, value)) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int add_buckets(struct json_object *parent, const struct field *field, const __u64 *cnt)
{
	struct json_object *array = json_object_new_array();
	int err = add(parent, field->key, array);

	for (__u64 i = 0; i < STINT_BUCKET_CNT && !err; i++) {
		if (!cnt[i])
			continue;
		err = add_number(array, i);
		if (!err)
			err = add_number(array, cnt[i]);
	}
	return err;
}

static int add_object(struct json_object *parent, const struct field *field, const void *from,
		      __u64 vm_id_offset)
{
	struct json_object *object = json_object_new_object();
	int err = add(parent, field->key, object);

	return err ? err : recording__encode(field->members, from, vm_id_offset, object);
}

static int add_element(struct json_object *array, const struct field *members, const void *from,
		       __u64 vm_id_offset)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return -ENOMEM;
	if (json_object_array_add(array, object)) {
		json_object_put(object);
		return -ENOMEM;
	}
	return recording__encode(members, from, vm_id_offset, object);
}

static int add_list(struct json_object *parent, const struct field *field,
		    const struct snapshot *snap, __u64 vm_id_offset)
{
	const struct field_list *list = field->list;
	size_t cnt = *(const size_t *)((const char *)snap + list->cnt_offset);
	struct json_object *array;
	const char *element;
	int err;

	if (!cnt && field->optional)
		return 0;
	array = json_object_new_array();
	err = add(parent, field->key, array);
	/* Use memcpy(), because reading a T * through a void ** breaks strict aliasing. */
	memcpy(&element, (const char *)snap + field->offset, sizeof(element));
	for (size_t i = 0; i < cnt && !err; i++, element += list->element_size) {
		if (i && list->compare && list->compare(element - list->element_size, element) >= 0)
			err = -EINVAL;
		else
			err = add_element(array, list->members, element, vm_id_offset);
	}
	return err;
}

/* See recording_writer__new(). */
static __u64 hide_address(__u64 vm_id, __u64 vm_id_offset)
{
	return vm_id >> 63 ? vm_id + vm_id_offset : vm_id;
}

static int add_field(struct json_object *parent, const struct field *field, const void *from,
		     __u64 vm_id_offset)
{
	const char *key = field->key;
	const void *at = (const char *)from + field->offset;

	switch (field->kind) {
	case FIELD_INT:
		if (*(const int *)at < 0)
			return -EINVAL;
		return add(parent, key, json_object_new_int(*(const int *)at));
	case FIELD_U32:
		if (!*(const __u32 *)at && field->optional)
			return 0;
		return add(parent, key, json_object_new_uint64(*(const __u32 *)at));
	case FIELD_KNOWN_U64:
		if (!*(const bool *)((const char *)from + field->known_offset))
			return add_unknown(parent, key);
		return add(parent, key, json_object_new_uint64(*(const __u64 *)at));
	case FIELD_U64:
		if (!*(const __u64 *)at && field->optional)
			return 0;
		return add(parent, key, json_object_new_uint64(*(const __u64 *)at));
	case FIELD_VM_ID:
		return add(parent, key,
			   json_object_new_uint64(hide_address(*(const __u64 *)at, vm_id_offset)));
	case FIELD_BOOL:
		if (!*(const bool *)at && field->optional)
			return 0;
		return add(parent, key, json_object_new_boolean(*(const bool *)at));
	case FIELD_RATIO:
		return add_ratio(parent, field, *(const double *)at);
	case FIELD_MODE:
		return add(parent, key,
			   json_object_new_string(mode__name(*(const enum measure_mode *)at)));
	case FIELD_TEXT:
		return add_text(parent, field, at);
	case FIELD_BUCKETS:
		return add_buckets(parent, field, at);
	case FIELD_OBJECT:
		return add_object(parent, field, at, vm_id_offset);
	case FIELD_LIST:
		return add_list(parent, field, from, vm_id_offset);
	}
	return -EINVAL;
}

int recording__encode(const struct field *fields, const void *from, __u64 vm_id_offset,
		      struct json_object *to)
{
	int err = 0;

	for (const struct field *field = fields; field->key && !err; field++)
		err = add_field(to, field, from, vm_id_offset);
	return err;
}
