/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * asked - whether what a filter asks for is there: a word mistyped is not to look like a guest at rest.
 */
#ifndef ASKED_H
#define ASKED_H

struct filter;
struct hostfs;
struct snapshot;

/*
 * Whether each of the filter's processes runs a VM, which can be told before anything is measured.
 * Returns 0; or what vm__check() says of the first that does not, when one line on stderr has named it.
 */
int asked__check_pids(const struct filter *filter, const struct hostfs *fs);

/*
 * Whether a whole snapshot has something for each of the filter's threads, names and vCPU numbers, and
 * something for all of them together.
 * Returns 0; or -ENOENT, when one line on stderr has named what is missing.
 */
int asked__check(const struct filter *filter, const struct snapshot *snap);

#endif /* ASKED_H */
