// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * heap.so - reports how much heap memory a process uses, by LD_PRELOAD. The kernel cannot tell,
 * because freed memory stays with the process, and a leak may be served from it for a long time.
 *
 * HEAP_COUNTERS names a file that is created before the process drops its privileges. It holds two
 * 64-bit numbers: the bytes and the blocks in use. Forked processes are not counted. System calls
 * are made only at the start, because there may be a seccomp filter later.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t cnt, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

struct counters {
	_Atomic int64_t bytes, blocks;
};

/* Counts here until the file is mapped, and in the file from then on. */
static struct counters early, *counters = &early;

static void count(void *block, int sign)
{
	if (!block)
		return;
	counters->bytes += sign * (int64_t)malloc_usable_size(block);
	counters->blocks += sign;
}

void *malloc(size_t size)
{
	void *block = __libc_malloc(size);

	count(block, 1);
	return block;
}

void *calloc(size_t cnt, size_t size)
{
	void *block = __libc_calloc(cnt, size);

	count(block, 1);
	return block;
}

void *realloc(void *block, size_t size)
{
	void *moved;

	count(block, -1);
	moved = __libc_realloc(block, size);
	/* If realloc() fails, the block is unchanged; with size 0 it was freed. */
	count(moved || !size ? moved : block, 1);
	return moved;
}

void *memalign(size_t alignment, size_t size)
{
	void *block = __libc_memalign(alignment, size);

	count(block, 1);
	return block;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
	*block = memalign(alignment, size);
	return *block ? 0 : ENOMEM;
}

void free(void *block)
{
	int saved = errno;

	count(block, -1);
	__libc_free(block);
	errno = saved;
}

static void leave_file(void)
{
	counters = &early;
}

__attribute__((constructor)) static void open_counters(void)
{
	const char *path = getenv("HEAP_COUNTERS");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	struct counters *file = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, sizeof(*file)))
		file = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED) {
		fprintf(stderr, "heap.so: cannot make the file that HEAP_COUNTERS names\n");
		_exit(1);
	}
	close(fd);
	pthread_atfork(NULL, NULL, leave_file);
	file->bytes = early.bytes;
	file->blocks = early.blocks;
	counters = file;
}
