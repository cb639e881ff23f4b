/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recording_fields - the table of what a recording contains, used by writer and reader. To record
 * another member of a struct, add a line.
 */
#ifndef RECORDING_FIELDS_H
#define RECORDING_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include "report/snapshot.h"

/* The type in the struct, and its form in JSON if that is not obvious. */
enum field_kind {
	FIELD_INT, /* int, never negative */
	FIELD_U32,
	FIELD_U64,
	FIELD_KNOWN_U64, /* __u64 with a bool that says whether it is known; null if not */
	FIELD_VM_ID,     /* __u64, changed by the writer's offset */
	FIELD_BOOL,
	FIELD_RATIO, /* double, finite and above 0 */
	FIELD_MODE,  /* enum measure_mode, by name */
	FIELD_TEXT,  /* array of char, printable */
	/* __u64[STINT_BUCKET_CNT], as index, count, index, count, ... of nonzero buckets */
	FIELD_BUCKETS,
	FIELD_OBJECT,
	FIELD_LIST, /* only in a snapshot */
};

struct field_list;

struct field {
	const char *key; /* NULL after the last field */
	enum field_kind kind;
	bool optional; /* omitted if empty or 0, and empty or 0 if missing */
	size_t offset;
	size_t known_offset;           /* FIELD_KNOWN_U64 */
	size_t size;                   /* FIELD_TEXT */
	const struct field *members;   /* FIELD_OBJECT */
	const struct field_list *list; /* FIELD_LIST; offset is that of the pointer to the array */
};

struct field_list {
	const struct field *members;
	size_t element_size;
	size_t cnt_offset;
	void *(*add)(struct snapshot *snap);
	/* Must be negative for adjacent elements; NULL: no order is required. */
	int (*compare)(const void *a, const void *b);
};

extern const struct field recording_header_fields[];
extern const struct field recording_snapshot_fields[];

#endif /* RECORDING_FIELDS_H */
