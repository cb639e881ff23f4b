/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * page - the file of --html: collects the reports of a run, and writes them as one page at its end.
 */
#ifndef PAGE_H
#define PAGE_H

struct page;
struct report;

/*
 * Checks that there can be a file of this name; the path is borrowed.
 * Returns 0 and *page, which the caller frees with page__free(); or -errno, logged.
 */
int page__new(const char *path, struct page **page);
void page__free(struct page *page);

/* Adds a report, which must begin where the one before ended. Returns 0 or -ENOMEM. */
int page__add(struct page *page, const struct report *report);

/*
 * Replaces the file: readers see the old or the new one. Nothing is written if there was no report.
 * Returns 0 or -errno, logged.
 */
int page__write(struct page *page);

#endif /* PAGE_H */
