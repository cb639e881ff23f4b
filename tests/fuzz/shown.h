/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * shown - checks texts that contain names from outside, in all forms: they must not act on a
 * terminal, and parsing them must give the name and nothing else.
 */
#ifndef SHOWN_H
#define SHOWN_H

#include <stddef.h>

struct report;
struct totals;

/*
 * Returns the name as it must be shown everywhere; making it printable needs no more room. The
 * caller frees it.
 */
char *shown__name(const char *name);

/* Takes a character. Returns its width in terminal columns. */
int shown__width(const char **text);

/*
 * Checks for valid UTF-8 without characters that move a cursor, begin an escape sequence or change
 * the direction.
 */
void shown__check_safe(const char *text, size_t size);

/* Also checks that the text consists of whole lines, each at most `width_max` columns wide. */
void shown__check_lines(const char *text, size_t size, int width_max);

/*
 * Checks for CSV as in RFC 4180 with the same number of fields in each line, the names of the
 * report, and no formulas.
 */
void shown__check_csv(const char *text, const struct report *report);

/* Checks for one JSON object on one line, with the names of the report. */
void shown__check_json(const char *text, size_t size, const struct report *report);

/*
 * Checks that each line is a sample or a comment, and that labels and values are those of the
 * totals.
 */
void shown__check_metrics(const char *text, const struct totals *totals);

#endif /* SHOWN_H */
