/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sched_text - formats the status and the metrics of a run with --sched. */
#ifndef SCHED_TEXT_H
#define SCHED_TEXT_H

#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

struct json_object;
struct scheduler_account;

/*
 * Returns the status as one line of JSON, which the caller frees; NULL when out of memory.
 * start_ns: CLOCK_REALTIME.
 */
char *sched_text__status(const struct scheduler_account *account, __u64 start_ns);

/* Prints the member "scheduler" of a status as text for people. */
void sched_text__print(struct json_object *scheduler, FILE *out);

/*
 * Formats the metrics in Prometheus' text format. Returns 0 and *text, which the caller frees; or
 * -ENOMEM.
 */
int sched_text__metrics(const struct scheduler_account *account, char **text, size_t *len);

#endif /* SCHED_TEXT_H */
