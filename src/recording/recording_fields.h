/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recording_fields - what a recording holds, as data: the one table that writing and reading are driven
 * by. To record one more member of a struct is one more line there.
 */
#ifndef RECORDING_FIELDS_H
#define RECORDING_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include "report/snapshot.h"

/* The type in the struct, and how it looks in JSON where that is not plain. */
enum field_kind {
	FIELD_INT, /* int, never negative */
	FIELD_U32,
	FIELD_U64,
	FIELD_KNOWN_U64, /* __u64 and a bool that says whether it is known; null when not */
	FIELD_VM_ID,     /* __u64, moved by the writer's offset */
	FIELD_BOOL,
	FIELD_RATIO, /* double, finite and above 0 */
	FIELD_MODE,  /* enum measure_mode; its name */
	FIELD_TEXT,  /* array of char, printable */
	FIELD_BUCKETS, /* __u64 [STINT_BUCKET_CNT]; bucket, count, bucket, count, ... of those not 0 */
	FIELD_OBJECT,
	FIELD_LIST, /* of a snapshot only */
};

struct field_list;

struct field {
	const char *key; /* NULL behind the last field */
	enum field_kind kind;
	bool optional; /* empty or 0 is left out, and what is missing is empty or 0 */
	size_t offset;
	size_t known_offset;           /* FIELD_KNOWN_U64 */
	size_t size;                   /* FIELD_TEXT */
	const struct field *members;   /* FIELD_OBJECT */
	const struct field_list *list; /* FIELD_LIST; then offset is that of the array's pointer */
};

struct field_list {
	const struct field *members;
	size_t element_size;
	size_t cnt_offset;
	void *(*add)(struct snapshot *snap);
	/* Below 0 for neighbours in their order; NULL: any will do. */
	int (*compare)(const void *a, const void *b);
};

extern const struct field recording_header_fields[];
extern const struct field recording_snapshot_fields[];

#endif /* RECORDING_FIELDS_H */
