/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * textfile - a file that is replaced whole, for the textfile collector of node_exporter: who reads it sees
 * the old one or the new one.
 */
#ifndef TEXTFILE_H
#define TEXTFILE_H

#include <stddef.h>

struct textfile;

/*
 * Opens the file's folder, which is all that is needed of the path from then on. Returns 0 and *textfile,
 * which the caller ends with textfile__free(); or -errno, logged: so when what is there is no regular file.
 */
int textfile__new(const char *path, struct textfile **textfile);
void textfile__free(struct textfile *textfile);

/*
 * Replaces the file, which everybody may read. Returns 0 or -errno: then the old one is still there, and
 * the reason was logged, unless it is the same as the last time.
 */
int textfile__write(struct textfile *textfile, const char *text, size_t len);

#endif /* TEXTFILE_H */
