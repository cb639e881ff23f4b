// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "text/stream.h"

int stream__put(FILE *out, const char *text)
{
	return fputs(text, out) < 0 ? -errno : 0;
}

int stream__flush(FILE *out)
{
	if (fflush(out))
		return -errno;
	return ferror(out) ? -EIO : 0;
}
