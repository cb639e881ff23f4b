/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * capture - what the code under test writes to a standard stream.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdio.h>
#include <unistd.h>
#include "test.h"

struct capture {
	FILE *stream;
	FILE *file;
	int saved_fd;
	char text[8192];
};

/* No assertion may fail before capture__end(): its message would be captured. */
static inline void capture__begin(struct capture *capture, FILE *stream)
{
	capture->stream = stream;
	capture->file = tmpfile();
	assert_non_null(capture->file);
	fflush(stream);
	capture->saved_fd = dup(fileno(stream));
	assert_true(capture->saved_fd >= 0);
	assert_true(dup2(fileno(capture->file), fileno(stream)) >= 0);
}

static inline void capture__end(struct capture *capture)
{
	size_t size;

	fflush(capture->stream);
	dup2(capture->saved_fd, fileno(capture->stream));
	close(capture->saved_fd);
	rewind(capture->file);
	size = fread(capture->text, 1, sizeof(capture->text) - 1, capture->file);
	capture->text[size] = '\0';
	fclose(capture->file);
}

#endif /* CAPTURE_H */
