/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events.bpf.h - reads the perf events of the CPU on which a program runs.
 */
#ifndef EVENTS_BPF_H
#define EVENTS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "gtimehalt.h"

/* The msr PMU's tsc and mperf events of each CPU (EVENT_TSC, EVENT_MPERF); sized by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} counter_events SEC(".maps");

/*
 * Returns the count of an event (EVENT_*) of this CPU, or a negative errno for which is_error() is
 * true. bpf_perf_event_read() returns counts and errors in the same way, but counts start at 0 when
 * the event is opened, so that no count reaches the range of errors.
 */
static __always_inline __u64 read_event(__u32 event)
{
	__u32 index = bpf_get_smp_processor_id() * EVENT_CNT_PER_CPU + event;

	return bpf_perf_event_read(&counter_events, index);
}

static __always_inline int is_error(__u64 count)
{
	return count >= (__u64)-4095;
}

#endif /* EVENTS_BPF_H */
