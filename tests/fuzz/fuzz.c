// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fuzz.h"

void fuzz__fail(const char *what, const char *file, int line)
{
	dprintf(STDERR_FILENO, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

void *fuzz__alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory)
		fuzz__fail("there is memory", __FILE__, __LINE__);
	return memory;
}

char *fuzz__string(const void *bytes, size_t size)
{
	char *string = fuzz__alloc(size + 1);

	if (size)
		memcpy(string, bytes, size);
	return string;
}

__u8 fuzz_bytes__take(struct fuzz_bytes *bytes)
{
	if (!bytes->left)
		return 0;
	bytes->left--;
	return *bytes->at++;
}

static __u64 take_raw(struct fuzz_bytes *bytes, unsigned int cnt)
{
	__u64 value = 0;

	while (cnt--)
		value = value << 8 | fuzz_bytes__take(bytes);
	return value;
}

__u64 fuzz_bytes__take_number(struct fuzz_bytes *bytes)
{
	__u8 kind = fuzz_bytes__take(bytes);

	switch (kind & 7) {
	case 0:
		return kind >> 3;
	case 1:
		return 1ULL << (kind >> 3) << (fuzz_bytes__take(bytes) & 32);
	case 2:
		return (1ULL << (kind >> 3) << (fuzz_bytes__take(bytes) & 32)) - 1;
	case 3:
		return -(__u64)(kind >> 3) - 1;
	case 4:
		return take_raw(bytes, 2);
	case 5:
		/* In the order of a second in nanoseconds. */
		return take_raw(bytes, 4);
	case 6:
		return take_raw(bytes, 6);
	default:
		return take_raw(bytes, 8);
	}
}

char *fuzz_bytes__take_string(struct fuzz_bytes *bytes, char delimiter)
{
	const uint8_t *end = bytes->left ? memchr(bytes->at, delimiter, bytes->left) : NULL;
	size_t len = end ? (size_t)(end - bytes->at) : bytes->left;
	char *string = fuzz__string(bytes->at, len);

	bytes->at += len + (end ? 1 : 0);
	bytes->left -= len + (end ? 1 : 0);
	return string;
}

/*
 * Messages are written to descriptor 2, which libFuzzer uses as well. The linker's --wrap redirects
 * them to the stream stderr, which fuzz_said__begin() replaces.
 */
int __wrap_interruptible_io__write(int fd, const char *data, size_t size, size_t *written);
int __real_interruptible_io__write(int fd, const char *data, size_t size, size_t *written);

static bool is_listening;

int __wrap_interruptible_io__write(int fd, const char *data, size_t size, size_t *written)
{
	if (!is_listening || fd != STDERR_FILENO)
		return __real_interruptible_io__write(fd, data, size, written);
	*written = fwrite(data, 1, size, stderr);
	return 0;
}

void fuzz_said__begin(struct fuzz_said *said)
{
	*said = (struct fuzz_said){ .before = stderr };
	said->stream = open_memstream(&said->text, &said->size);
	FUZZ_ASSERT(said->stream);
	stderr = said->stream;
	is_listening = true;
}

size_t fuzz__line_cnt(const char *text)
{
	size_t cnt = 0;

	for (; *text; text++)
		cnt += *text == '\n';
	return cnt;
}

const char *fuzz_said__program = "gtimehalt";

const char *fuzz_said__end(struct fuzz_said *said)
{
	size_t len = strlen(fuzz_said__program);
	const char *line;

	stderr = said->before;
	is_listening = false;
	FUZZ_ASSERT(!fclose(said->stream));
	FUZZ_ASSERT(strlen(said->text) == said->size);
	for (line = said->text; *line; line++) {
		FUZZ_ASSERT(!strncmp(line, fuzz_said__program, len));
		FUZZ_ASSERT(!strncmp(line + len, ": ", 2));
		for (; *line != '\n'; line++)
			FUZZ_ASSERT(((unsigned char)*line >= ' ' || *line == '\t') &&
				    *line != 0x7f);
	}
	return said->text;
}

void fuzz_said__free(struct fuzz_said *said)
{
	free(said->text);
}
