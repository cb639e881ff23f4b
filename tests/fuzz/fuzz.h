/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz - what the fuzz targets share: assertions, taking values from the input, and capturing
 * stderr.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/types.h>

/* libFuzzer's entry point: tests one input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Prints the place and aborts, so that libFuzzer keeps the input. */
__attribute__((noreturn)) void fuzz__fail(const char *what, const char *file, int line);

#define FUZZ_ASSERT(condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fuzz__fail(#condition, __FILE__, __LINE__);                                \
	} while (0)

/* Allocates exactly this number of bytes, so that a sanitizer catches accesses beyond them. */
void *fuzz__alloc(size_t size);

/* Returns a NUL-terminated copy. The caller frees it. */
char *fuzz__string(const void *bytes, size_t size);

/* The remaining bytes of an input. */
struct fuzz_bytes {
	const uint8_t *at;
	size_t left;
};

/* Takes a byte; 0 at the end of the input. */
__u8 fuzz_bytes__take(struct fuzz_bytes *bytes);

/*
 * Takes a number that is likely to be an edge case: 0, a power of two or a neighbour of one; or any
 * number.
 */
__u64 fuzz_bytes__take_number(struct fuzz_bytes *bytes);

/* Takes the text up to the delimiter, which is skipped, or everything. The caller frees it. */
char *fuzz_bytes__take_string(struct fuzz_bytes *bytes, char delimiter);

/* Captures messages on stderr; those of a sanitizer still go to the terminal. */
struct fuzz_said {
	FILE *before;
	FILE *stream;
	char *text;
	size_t size;
};

/* The program with whose name each line begins. */
extern const char *fuzz_said__program;

void fuzz_said__begin(struct fuzz_said *said);

/*
 * Restores stderr, and returns the captured text, which fuzz_said__free() frees. Each line must be
 * complete, begin with the program's name, and contain no control character.
 */
const char *fuzz_said__end(struct fuzz_said *said);
void fuzz_said__free(struct fuzz_said *said);

/* Returns the number of lines of a text. */
size_t fuzz__line_cnt(const char *text);

#endif /* FUZZ_H */
