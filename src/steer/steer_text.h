/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * steer_text - status, changes and metrics of a run, as text.
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

/* One line of JSON, in memory that the caller frees; NULL when memory is short. */
char *steer_text__status(const struct steer_account *account);

/* A status as text for people. Returns 0, or -EPROTO: it is none. */
int steer_text__print_status(const char *status, FILE *out);

/* A cgroup whose set has changed from what `had` says: one line, of JSON or text, as above. */
char *steer_text__change(const struct steered *steered, const struct cpus *had,
			 const struct cpus *busy, bool json);

/* In Prometheus' text format, in memory that the caller frees. Returns 0, or -ENOMEM. */
int steer_text__metrics(const struct steer_account *account, char **text, size_t *len);

#endif /* STEER_TEXT_H */
