/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * steer_text - formats the status, the changes and the metrics of a run.
 */
#ifndef STEER_TEXT_H
#define STEER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

struct cpus;
struct json_object;
struct steered;

struct steer_account {
	const struct steered *groups;
	size_t cnt;
	const struct cpus *busy; /* CPUs that are busy or unknown */
	__u64 interval_ns;
	__u64 start_ns; /* CLOCK_REALTIME */
	__u64 decision_cnt, snapshot_failure_cnt;
};

/* Returns the status as one line of JSON, which the caller frees; NULL when out of memory. */
char *steer_text__status(const struct steer_account *account);

/*
 * Prints a status, which is a line of JSON, as text for people. Returns 0; -EPROTO when it is not a
 * status; or another -errno.
 */
int steer_text__print_status(const char *status, FILE *out);

/*
 * Returns one line, of JSON or of text, about a cgroup whose CPUs have changed from `had` to
 * steered->set. The caller frees it; NULL when out of memory.
 */
char *steer_text__change(const struct steered *steered, const struct cpus *had,
			 const struct cpus *busy, bool json);

/*
 * Formats the metrics in Prometheus' text format. Returns 0 and *text, which the caller frees; or
 * -ENOMEM.
 */
int steer_text__metrics(const struct steer_account *account, char **text, size_t *len);

#endif /* STEER_TEXT_H */
