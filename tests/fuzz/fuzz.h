/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz - what the fuzz targets have in common: a way to fail, bytes taken one by one, and what goes to stderr.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/types.h>

/* One input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says where, and aborts: libFuzzer keeps the input. */
__attribute__((noreturn)) void fuzz__fail(const char *what, const char *file, int line);

#define FUZZ_ASSERT(condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fuzz__fail(#condition, __FILE__, __LINE__);                                \
	} while (0)

/* Memory for so many bytes, of just that size: a sanitizer sees whoever goes beyond. */
void *fuzz__alloc(size_t size);

/* A copy with a NUL behind it. The caller frees it. */
char *fuzz__string(const void *bytes, size_t size);

/* What is left of an input. */
struct fuzz_bytes {
	const uint8_t *at;
	size_t left;
};

/* 0 behind the end. */
__u8 fuzz_bytes__take(struct fuzz_bytes *bytes);

/* A number that is likely to be at some edge: 0, a power of two, a neighbour of one, or anything. */
__u64 fuzz_bytes__take_number(struct fuzz_bytes *bytes);

/* What is in front of the delimiter, which is skipped, or all there is. The caller frees it. */
char *fuzz_bytes__take_string(struct fuzz_bytes *bytes, char delimiter);

/* stderr, kept from the terminal; that of a sanitizer is not. */
struct fuzz_said {
	FILE *before;
	FILE *stream;
	char *text;
	size_t size;
};

void fuzz_said__begin(struct fuzz_said *said);

/*
 * Gives stderr back and the text that went there, which fuzz_said__free() frees. Each line of it is whole, and
 * begins as a line of ours does, and none has a control character.
 */
const char *fuzz_said__end(struct fuzz_said *said);
void fuzz_said__free(struct fuzz_said *said);

/* How many lines a text has. */
size_t fuzz__line_cnt(const char *text);

#endif /* FUZZ_H */
