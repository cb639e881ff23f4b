/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recording_codec - convert a line of a recording between bytes, JSON values and a struct. Pure.
 */
#ifndef RECORDING_CODEC_H
#define RECORDING_CODEC_H

#include <stddef.h>
#include <linux/types.h>

struct json_object;
struct field;

#define RECORDING_FORMAT  "gtimehalt-recording"
#define RECORDING_VERSION 1

/* Why a line was rejected. The text is printable, whatever the line contains. */
struct recording_problem {
	char text[160];
};

/*
 * Adds the fields of a struct to a JSON object. Returns 0; -ENOMEM; or -EINVAL if
 * recording__decode() would reject the result.
 */
int recording__encode(const struct field *fields, const void *from, __u64 vm_id_offset,
		      struct json_object *to);

/*
 * Fills the fields of a struct, which must be zero-initialized, or an empty snapshot.
 * Returns 0; -EBADMSG (a field is missing, has the wrong type, or is out of range or order) or
 * -EFBIG (too many elements), with *problem set; or -ENOMEM.
 */
int recording__decode(const struct field *fields, struct json_object *from, void *to,
		      struct recording_problem *problem);

/*
 * Parses the bytes of one line, without its newline. On success *root is an object that the caller
 * must release with json_object_put().
 * Returns 0; -ENODATA if the line is incomplete; -EBADMSG (not JSON, not an
 * object, or a duplicate member) or -EFBIG (a limit other than the line length
 * is exceeded), with *problem set; or -ENOMEM.
 */
int recording__parse(const char *line, size_t len, struct json_object **root,
		     struct recording_problem *problem);

#endif /* RECORDING_CODEC_H */
