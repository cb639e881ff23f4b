/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * textfile - a file for the textfile collector of node_exporter. It is replaced atomically, so that
 * readers see either the old or the new content.
 */
#ifndef TEXTFILE_H
#define TEXTFILE_H

#include <stddef.h>

struct textfile;

/*
 * Opens the directory of the file; the rest of the path is not used any more.
 * The path is borrowed, for messages.
 * Returns 0 and *textfile, which the caller frees with textfile__free(); or -errno, logged, for
 * example if the path exists and is not a regular file.
 */
int textfile__new(const char *path, struct textfile **textfile);
void textfile__free(struct textfile *textfile);

/*
 * Replaces the file; its mode is 0644.
 * Returns 0; or -errno, with the old file unchanged. An error is logged unless
 * it is the same as the last time.
 */
int textfile__write(struct textfile *textfile, const char *text, size_t len);

#endif /* TEXTFILE_H */
