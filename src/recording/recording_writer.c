// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/interruptible_io.h"
#include "recording/recording.h"
#include "recording/recording_codec.h"
#include "recording/recording_fields.h"

struct recording_writer {
	int fd;
	off_t size;  /* of all complete lines */
	bool broken; /* an incomplete line at the end could not be removed */
	__u64 vm_id_offset;
	char *line;
	size_t room;
};

/* Removes an incomplete line, for example after the disk became full. */
static void cut_back(struct recording_writer *w)
{
	w->broken = ftruncate(w->fd, w->size) || lseek(w->fd, w->size, SEEK_SET) < 0;
}

static int reserve(struct recording_writer *w, size_t size)
{
	char *line;

	if (size <= w->room)
		return 0;
	line = realloc(w->line, size);
	if (!line)
		return -ENOMEM;
	w->line = line;
	w->room = size;
	return 0;
}

static int put_line(struct recording_writer *w, const char *text, size_t len)
{
	size_t written;
	int err = reserve(w, len + 1);

	if (err)
		return err;
	/* Put the newline into the same buffer, so that a single write suffices. */
	memcpy(w->line, text, len);
	w->line[len] = '\n';
	err = interruptible_io__write(w->fd, w->line, len + 1, &written);
	if (!err)
		w->size += (off_t)len + 1;
	else if (written)
		cut_back(w);
	return err;
}

static int put_object(struct recording_writer *w, struct json_object *object)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	size_t len;
	const char *text = json_object_to_json_string_length(object, flags, &len);

	return text ? put_line(w, text, len) : -ENOMEM;
}

static int put_header(struct recording_writer *w, const struct recording_header *header)
{
	struct json_object *root = json_object_new_object();
	struct json_object *format = json_object_new_string(RECORDING_FORMAT);
	struct json_object *version = json_object_new_int(RECORDING_VERSION);
	int err = -ENOMEM;

	if (root && format && !json_object_object_add(root, "format", format)) {
		format = NULL;
		if (version && !json_object_object_add(root, "version", version)) {
			version = NULL;
			err = recording__encode(recording_header_fields, header, 0, root);
		}
	}
	if (!err)
		err = put_object(w, root);
	json_object_put(version);
	json_object_put(format);
	json_object_put(root);
	return err;
}

int recording_writer__new(int fd, const struct recording_header *header, __u64 vm_id_offset,
			  struct recording_writer **out)
{
	struct recording_writer *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w) {
		close(fd);
		return err;
	}
	w->fd = fd;
	w->vm_id_offset = vm_id_offset;
	err = put_header(w, header);
	if (err) {
		recording_writer__close(w);
		return err;
	}
	*out = w;
	return 0;
}

/*
 * Kernel addresses are in the last 2^56 of the address space. With these offsets all of them wrap
 * around to 2^56 or above, so that they keep their order and stay above all other vm_ids.
 */
static int choose_offset(__u64 *offset)
{
	const __u64 low = 1ULL << 57, high = 1ULL << 63;

	if (getrandom(offset, sizeof(*offset), 0) != sizeof(*offset))
		return errno ? -errno : -EIO;
	*offset = low + *offset % (high - low);
	return 0;
}

int recording_writer__open(const char *path, const struct recording_header *header,
			   struct recording_writer **out)
{
	__u64 vm_id_offset;
	int err, fd;

	if (!strcmp(path, "-"))
		return -EINVAL;
	err = choose_offset(&vm_id_offset);
	if (err)
		return err;
	/* O_NONBLOCK: fail if a FIFO has no reader, instead of waiting for one. */
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
	if (fd < 0)
		return -errno;
	return recording_writer__new(fd, header, vm_id_offset, out);
}

static bool has_all_stints(const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		if (snap->vcpus[i].stint_number > snap->stint_cnt)
			return false;
	}
	return true;
}

int recording_writer__write(struct recording_writer *w, const struct snapshot *snap)
{
	struct json_object *root;
	int err;

	if (w->broken)
		return -EIO;
	if (!has_all_stints(snap))
		return -EINVAL;
	root = json_object_new_object();
	if (!root)
		return -ENOMEM;
	err = recording__encode(recording_snapshot_fields, snap, w->vm_id_offset, root);
	if (!err)
		err = put_object(w, root);
	json_object_put(root);
	return err;
}

int recording_writer__close(struct recording_writer *w)
{
	int err;

	if (!w)
		return 0;
	err = close(w->fd) ? -errno : 0;
	free(w->line);
	free(w);
	return err;
}
