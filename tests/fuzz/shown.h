/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * shown - what must hold of a text with names of others in it, of whatever form it is: it acts on no terminal, and
 * who reads it gets the name, and nothing else.
 */
#ifndef SHOWN_H
#define SHOWN_H

#include <stddef.h>

struct report;
struct totals;

/* The name as it is to be seen everywhere: one that is printed needs no more room. The caller frees it. */
char *shown__name(const char *name);

/* Takes a character off the front. Returns the columns of a terminal that it takes. */
int shown__width(const char **text);

/* UTF-8 in which no character moves a cursor, begins an escape sequence or turns the writing round. */
void shown__check_safe(const char *text, size_t size);

/* The same of whole lines, each at most so many columns wide. */
void shown__check_lines(const char *text, size_t size, int width_max);

/* RFC 4180, as many fields a line, and the names of the report in theirs. No spreadsheet sees a formula. */
void shown__check_csv(const char *text, const struct report *report);

/* One object on one line, with the names of the report. */
void shown__check_json(const char *text, size_t size, const struct report *report);

/* Samples and comments, one a line; the labels are whole, and say what the totals have. */
void shown__check_metrics(const char *text, const struct totals *totals);

#endif /* SHOWN_H */
