// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "run/recorder.h"
#include "recording/recording.h"

struct recorder {
	const char *path;
	struct recording_writer *writer;
};

/* Logs a failure and returns err. */
static int tell(const char *path, int err)
{
	if (err)
		pr_err("cannot record to %s: %s", path, strerror(-err));
	return err;
}

int recorder__new(const char *path, const struct recording_header *header,
		  struct recorder **recorder)
{
	struct recorder *made;
	int err;

	if (!path) {
		*recorder = NULL;
		return 0;
	}
	made = calloc(1, sizeof(*made));
	if (!made)
		return tell(path, -ENOMEM);
	made->path = path;
	err = recording_writer__open(path, header, &made->writer);
	if (err) {
		free(made);
		return tell(path, err);
	}
	*recorder = made;
	return 0;
}

int recorder__add(struct recorder *recorder, const struct snapshot *snap)
{
	return recorder ? tell(recorder->path, recording_writer__write(recorder->writer, snap)) : 0;
}

int recorder__end(struct recorder *recorder)
{
	int err;

	if (!recorder)
		return 0;
	err = tell(recorder->path, recording_writer__close(recorder->writer));
	free(recorder);
	return err;
}
