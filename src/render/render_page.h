/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render_page - write a run as one HTML page with pictures, which needs no other file.
 *
 * page.html is the template; it has the style, and the script that draws the pictures from data in
 * the page. The tables of the page need no script. Names of VMs are printable as in render.h, and
 * escaped for the place where they are.
 */
#ifndef RENDER_PAGE_H
#define RENDER_PAGE_H

#include <stdio.h>

struct histogram;
struct summary;
struct timeline;

/*
 * Writes the page of a run of one interval or more. histogram: of all VMs; NULL: stints were not
 * counted. out: a stream in memory, which is flushed. Returns 0 or -ENOMEM.
 */
int render__page(const struct timeline *timeline, const struct summary *summary,
		 const struct histogram *histogram, FILE *out);

#endif /* RENDER_PAGE_H */
