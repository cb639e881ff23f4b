/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * failing_stream - streams that fail, and the errors that every writer of a report must return for
 * them.
 */
#ifndef FAILING_STREAM_H
#define FAILING_STREAM_H

#include <errno.h>
#include <stdbool.h>
#include "report_fixture.h"

/* `write` must return -ENOSPC on a full device, whatever the buffering of the stream. */
static inline void assert_full_device_is_told(struct fixture *f,
					      int (*write)(struct fixture *f, FILE *out))
{
	static const int bufferings[] = { _IOFBF, _IOLBF, _IONBF };

	for (size_t i = 0; i < sizeof(bufferings) / sizeof(bufferings[0]); i++) {
		FILE *out = fopen("/dev/full", "w");

		assert_non_null(out);
		assert_int_equal(setvbuf(out, NULL, bufferings[i], BUFSIZ), 0);
		assert_int_equal(write(f, out), -ENOSPC);
		fclose(out);
	}
}

static inline ssize_t refuse_once(void *cookie, const char *bytes, size_t size)
{
	bool *refused = cookie;

	(void)bytes;
	if (*refused)
		return (ssize_t)size;
	*refused = true;
	errno = EDQUOT;
	return 0;
}

/*
 * `write` must return an error if data was lost before the call: the earlier writer may not have
 * checked.
 */
static inline void assert_earlier_failure_is_told(struct fixture *f,
						  int (*write)(struct fixture *f, FILE *out))
{
	cookie_io_functions_t functions = { .write = refuse_once };
	bool refused = false;
	FILE *out = fopencookie(&refused, "w", functions);

	assert_non_null(out);
	assert_true(fputs("lost", out) >= 0);
	assert_int_equal(fflush(out), EOF);
	assert_int_equal(write(f, out), -EIO);
	fclose(out);
}

#endif /* FAILING_STREAM_H */
