/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * summary - what the reports of a whole run say about each VM. Pure arithmetic.
 *
 * All values are in vCPUs: a VM whose two vCPUs were busy in half of an interval was busy with 1.0.
 * Percentiles are of time: intervals count by their lengths. An interval in which a value is
 * unknown does not count for that value; its length is in unknown_ns.
 */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdbool.h>
#include "report/account.h"

/* The share of the time for which summary__enough_vcpus() must be enough. */
#define SUMMARY_ENOUGH_PERMILLE 990

/* The length of the span of which `minute` is the mean. */
#define SUMMARY_MINUTE_NS 60000000000ULL

enum summary_value {
	SUMMARY_BUSY,
	SUMMARY_IDLE,
	SUMMARY_WANTED, /* all that was not idle: busy, host and wait */
	SUMMARY_VALUE_CNT,
};

struct summary_sample {
	__u64 interval_ns;
	double value[SUMMARY_VALUE_CNT]; /* NaN: unknown */
};

/* A VM, identified by process, number within the process, and name. */
struct vm_summary {
	pid_t pid;
	unsigned int instance;
	char name[sizeof(((struct vm_reading *)NULL)->name)];
	size_t vcpu_cnt; /* the most in any interval */
	struct summary_sample *samples;
	size_t sample_cnt, sample_room;
};

/* Zero-initialize it. */
struct summary {
	struct clock_reading begin, end;
	size_t interval_cnt;
	struct vm_summary *vms; /* in the order in which they appeared */
	size_t vm_cnt;
};

/* NaN: unknown, or the run was shorter than a minute. */
struct summary_spread {
	double mean, p50, p95, max;
	/* the mean of the worst minute: the highest one, of SUMMARY_IDLE the lowest */
	double minute;
	__u64 unknown_ns;
};

/* Adds a report, which must begin where the one before ended. Returns 0 or -ENOMEM. */
int summary__add(struct summary *summary, const struct report *report);
void summary__free(struct summary *summary);

struct summary_spread summary__spread(const struct vm_summary *vm, enum summary_value value);

/*
 * Returns the smallest number of vCPUs, at least 1, that is not below SUMMARY_WANTED for
 * SUMMARY_ENOUGH_PERMILLE of the known time; 0 if nothing is known.
 */
size_t summary__enough_vcpus(const struct vm_summary *vm);

/* Returns whether the VM's process has other VMs, in the summary or left out of it. */
bool summary__is_one_of_several(const struct summary *summary, const struct vm_summary *vm);

#endif /* SUMMARY_H */
