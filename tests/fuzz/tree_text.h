/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tree_text - a host's /proc and /sys as one text, which a fuzzer can change, and as a tree of
 * files while an input is tested:
 *
 *	@ PATH		a file; its content is the text up to the next line that begins with @
 *	@> PATH		a symbolic link; its target is the following text
 *	@/ PATH		a directory
 *	@! PATH		makes PATH inaccessible
 *	@- PATH		removes a file or an empty directory
 *	@@		the host in its present state is read; then it changes
 *
 * Missing parent directories are created.
 */
#ifndef TREE_TEXT_H
#define TREE_TEXT_H

#include "base/hostfs.h"
#include "fuzz.h"

struct tree_text {
	char root[256];
	struct hostfs fs;
	bool lowered; /* the effective user is nobody while the tree exists */
};

/* Creates the tree below $TMPDIR. Its owner is not root, so that permissions matter. */
void tree_text__open(struct tree_text *tree);
void tree_text__close(struct tree_text *tree);

/*
 * Applies the text up to "@@" or its end, and takes it from *rest. Returns false if there was no
 * text left.
 */
bool tree_text__make(struct tree_text *tree, struct fuzz_bytes *rest);

#endif /* TREE_TEXT_H */
