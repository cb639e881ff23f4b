// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/interruptible_io.h"
#include "recording/recording.h"
#include "recording/recording_codec.h"
#include "recording/recording_fields.h"
#include "report/span.h"

/* Enough for the lines of most hosts. */
#define FIRST_ROOM (64 << 10)

struct recording_reader {
	FILE *in;
	bool owns_in;
	__u64 line_nr;
	char *line;
	size_t len, room;
	bool has_newline;
	struct clock_reading clock; /* of the previous snapshot */
	bool has_clock;
	int ended; /* 1, or the result that ended the reading */
	struct recording_problem problem;
};

int recording_reader__new(FILE *in, struct recording_reader **out)
{
	struct recording_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->in = in;
	r->ended = 1;
	*out = r;
	return 0;
}

int recording_reader__open(const char *path, struct recording_reader **out)
{
	/* O_NONBLOCK: open() does not wait for the writer of a FIFO; reading does. */
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : STDIN_FILENO;
	FILE *in = fd < 0 ? NULL : interruptible_io__open(fd, "r");
	int err = in ? 0 : -errno;

	if (!err)
		err = recording_reader__new(in, out);
	if (!err)
		(*out)->owns_in = true;
	else if (in)
		fclose(in);
	else if (fd > STDERR_FILENO)
		close(fd);
	return err;
}

void recording_reader__free(struct recording_reader *r)
{
	if (!r)
		return;
	if (r->owns_in)
		fclose(r->in);
	free(r->line);
	free(r);
}

__u64 recording_reader__line(const struct recording_reader *r)
{
	return r->line_nr;
}

const char *recording_reader__reason(const struct recording_reader *r)
{
	return r->problem.text;
}

static int refuse(struct recording_reader *r, int err, const char *why)
{
	snprintf(r->problem.text, sizeof(r->problem.text), "%s", why);
	return err;
}

static int reserve(struct recording_reader *r)
{
	size_t room = r->room ? r->room * 2 : FIRST_ROOM;
	char *line;

	if (r->len < r->room)
		return 0;
	if (r->len >= RECORDING_LINE_MAX)
		return refuse(r, -EFBIG, "the line is too long");
	line = realloc(r->line, room);
	if (!line)
		return -ENOMEM;
	r->line = line;
	r->room = room;
	return 0;
}

/* Reads a single byte, so that a line from a pipe is available as soon as it is complete. */
static int get_byte(FILE *in)
{
	errno = 0;
	return getc_unlocked(in);
}

/* Returns 1; 0 at the end; or -EFBIG, -ENOMEM or -errno. */
static int read_line(struct recording_reader *r)
{
	int c;

	r->len = 0;
	r->has_newline = false;
	while ((c = get_byte(r->in)) != EOF) {
		int err;

		if (!r->len)
			r->line_nr++;
		if (c == '\n') {
			r->has_newline = true;
			break;
		}
		err = reserve(r);
		if (err)
			return err;
		r->line[r->len++] = (char)c;
	}
	if (c == EOF && ferror(r->in))
		return errno ? -errno : -EIO;
	return r->has_newline || r->len;
}

/* Only for a broken line, after which nothing is read any more: this consumes a byte. */
static bool is_last_line(const struct recording_reader *r)
{
	return !r->has_newline || get_byte(r->in) == EOF;
}

/*
 * Reads and parses a line. Returns 1; 0 at the end; or an error as recording_reader__next() does.
 */
static int next_object(struct recording_reader *r, struct json_object **root)
{
	int got = read_line(r);
	int err;

	if (got <= 0)
		return got;
	/* r->line is still NULL if the first line is empty. */
	err = recording__parse(r->line ? r->line : "", r->len, root, &r->problem);
	if (!err)
		return 1;
	/*
	 * A last line is truncated if the recorder was killed, and may contain anything after a
	 * crash of the host. But a first line that is not JSON means that this is not a recording.
	 */
	if ((err == -ENODATA && is_last_line(r)) ||
	    (err == -EBADMSG && !r->has_newline && r->line_nr > 1))
		return refuse(r, -ENODATA, "the recording is cut off here");
	if (err == -ENODATA)
		return refuse(r, -EBADMSG, "the line is incomplete");
	return err;
}

/* Checks the format first, because the version means nothing in a file that is no recording. */
static int check_format(struct recording_reader *r, struct json_object *root)
{
	struct json_object *format, *version;

	if (!json_object_object_get_ex(root, "format", &format) ||
	    !json_object_is_type(format, json_type_string) ||
	    strcmp(json_object_get_string(format), RECORDING_FORMAT) != 0)
		return refuse(r, -EBADMSG, "not a recording: its format is not " RECORDING_FORMAT);
	if (!json_object_object_get_ex(root, "version", &version) ||
	    !json_object_is_type(version, json_type_int))
		return refuse(r, -EBADMSG, "version: missing, or not an integer");
	if (json_object_get_int64(version) == RECORDING_VERSION)
		return 0;
	snprintf(r->problem.text, sizeof(r->problem.text),
		 "version %lld of the format is not supported, only version %d",
		 (long long)json_object_get_int64(version), RECORDING_VERSION);
	return -EPROTONOSUPPORT;
}

static int read_header(struct recording_reader *r, struct recording_header *header)
{
	struct recording_header read = { 0 };
	struct json_object *root;
	int err = next_object(r, &root);

	if (err < 0)
		return err;
	if (!err)
		return refuse(r, -ENODATA, "the recording is empty");
	err = check_format(r, root);
	if (!err)
		err = recording__decode(recording_header_fields, root, &read, &r->problem);
	json_object_put(root);
	if (!err)
		*header = read;
	return err;
}

int recording_reader__header(struct recording_reader *r, struct recording_header *header)
{
	int err = read_header(r, header);

	if (err)
		r->ended = err;
	return err;
}

static int check_clock(struct recording_reader *r, const struct clock_reading *clock)
{
	const char *problem = r->has_clock ? span__clock_problem(&r->clock, clock) : NULL;

	if (problem)
		return refuse(r, -EBADMSG, problem);
	r->clock = *clock;
	r->has_clock = true;
	return 0;
}

/* Checks that the stints to which vCPUs refer exist. */
static int check_stints(struct recording_reader *r, const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		if (snap->vcpus[i].stint_number <= snap->stint_cnt)
			continue;
		snprintf(r->problem.text, sizeof(r->problem.text),
			 "vcpus[%zu].stints: there are only %zu", i, snap->stint_cnt);
		return -EBADMSG;
	}
	return 0;
}

static int read_snapshot(struct recording_reader *r, struct snapshot *snap)
{
	struct json_object *root;
	int err = next_object(r, &root);

	if (err <= 0)
		return err;
	err = recording__decode(recording_snapshot_fields, root, snap, &r->problem);
	json_object_put(root);
	if (!err)
		err = check_stints(r, snap);
	if (!err)
		err = check_clock(r, &snap->clock);
	return err ? err : 1;
}

int recording_reader__next(struct recording_reader *r, struct snapshot *snap)
{
	snapshot__clear(snap);
	if (r->ended == 1)
		r->ended = read_snapshot(r, snap);
	if (r->ended != 1)
		snapshot__clear(snap);
	return r->ended;
}
