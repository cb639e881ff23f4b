/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tree_text - a host's /proc and /sys as one text, which a fuzzer can change, and as a tree of files for the time of
 * one input:
 *
 *	@ PATH		a file; what follows, up to the next line with @ in front, is in it
 *	@> PATH		a symbolic link to what follows
 *	@/ PATH		a directory
 *	@! PATH		nobody may look into it
 *	@- PATH		a file or an empty directory goes
 *	@@		the host as it is now is looked at; then it changes
 *
 * Folders in front of a name are made, whatever it is.
 */
#ifndef TREE_TEXT_H
#define TREE_TEXT_H

#include "base/hostfs.h"
#include "fuzz.h"

struct tree_text {
	char root[256];
	struct hostfs fs;
	bool lowered; /* root's rights, for the time that the tree is there */
};

/* Below $TMPDIR. The tree's owner is not root: permissions count. */
void tree_text__open(struct tree_text *tree);
void tree_text__close(struct tree_text *tree);

/* Makes what is said up to "@@" or the end, and takes it off *rest. False: there was nothing any more. */
bool tree_text__make(struct tree_text *tree, struct fuzz_bytes *rest);

#endif /* TREE_TEXT_H */
