/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * array - grow an array by one element at a time.
 */
#ifndef ARRAY_H
#define ARRAY_H

#include <stddef.h>
#include <stdlib.h>

/*
 * Returns the array with space for one element more than cnt, possibly moved, and updates *room.
 * Returns NULL, with the array and *room unchanged, if out of memory.
 */
static inline void *array__reserve_one(void *array, size_t cnt, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 16;

	if (cnt < *room)
		return array;
	array = reallocarray(array, more, size);
	if (array)
		*room = more;
	return array;
}

#endif /* ARRAY_H */
