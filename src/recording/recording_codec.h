/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recording_codec - a line of a recording as bytes, as JSON values, and as a struct. Pure.
 */
#ifndef RECORDING_CODEC_H
#define RECORDING_CODEC_H

#include <stddef.h>
#include <linux/types.h>

struct json_object;
struct field;

#define RECORDING_FORMAT  "gtimehalt-recording"
#define RECORDING_VERSION 1

/* Why a line is refused: printable, whatever the line holds. */
struct recording_problem {
	char text[160];
};

/*
 * Adds the fields of a struct to a JSON object. Returns 0, -ENOMEM, or -EINVAL for what
 * recording__decode() would refuse.
 */
int recording__encode(const struct field *fields, const void *from, __u64 vm_id_offset,
		      struct json_object *to);

/*
 * Fills the fields of a struct, which is zero-initialised or a snapshot that is empty.
 * Returns 0; -EBADMSG (missing, of the wrong type, out of range or of order) or -EFBIG (too many
 * elements), with the problem; or -ENOMEM.
 */
int recording__decode(const struct field *fields, struct json_object *from, void *to,
		      struct recording_problem *problem);

/*
 * Parses the bytes of one line, without its newline. The caller puts the root, which is an object.
 * Returns 0; -ENODATA, when it is the front part of such a line; -EBADMSG (no JSON, no object, or a
 * member is there twice) or -EFBIG (a limit but that on the length is exceeded), with the problem; or
 * -ENOMEM.
 */
int recording__parse(const char *line, size_t len, struct json_object **root,
		     struct recording_problem *problem);

#endif /* RECORDING_CODEC_H */
