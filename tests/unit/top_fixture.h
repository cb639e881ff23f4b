/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_fixture - a report under construction and the state of a screen, for the tests of the full
 * screen.
 */
#ifndef TOP_FIXTURE_H
#define TOP_FIXTURE_H

#include <stdlib.h>
#include <string.h>
#include "test.h"
#include "top/top_state.h"

#define S 1000000000ULL

struct fixture {
	struct report report;
	struct vm_report vms[64];
	struct vcpu_report vcpus[256];
	struct top_state state;
	enum top_event event; /* result of the last key */
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct top_state_opts opts = { .interval_ns = S };

	if (!f)
		return -1;
	f->report = (struct report){
		.interval_ns = S,
		.end = { .real_ns = 1763908001ULL * S },
		.mperf_ratio = 1.0,
		.vms = f->vms,
		.vcpus = f->vcpus,
	};
	top_state__init(&f->state, &opts);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	top_state__free(&f->state);
	free(f);
	return 0;
}

/*
 * Halted and busy time are given in thousandths of a second; both are guest time, and the rest of
 * the second is blocked.
 */
static inline struct metrics halted_busy(__u64 halted, __u64 busy)
{
	struct metrics metrics = { 0 };

	metrics.value[METRIC_WALL_NS] = S;
	metrics.value[METRIC_HALTED_NS] = halted * (S / 1000);
	metrics.value[METRIC_BUSY_NS] = busy * (S / 1000);
	metrics.value[METRIC_GUEST_NS] = (halted + busy) * (S / 1000);
	metrics.value[METRIC_LOADED_NS] = (halted + busy) * (S / 1000);
	metrics.value[METRIC_BLOCKED_NS] = S - (halted + busy) * (S / 1000);
	metrics.value[METRIC_IDLE_NS] = S - busy * (S / 1000);
	return metrics;
}

static inline struct vm_report *add_vm(struct fixture *f, pid_t pid, const char *name)
{
	struct vm_report *vm = &f->vms[f->report.vm_cnt++];

	*vm = (struct vm_report){
		.pid = pid,
		.name = name,
		.vcpus = &f->vcpus[f->report.vcpu_cnt],
	};
	return vm;
}

/* Adds a vCPU to the VM that was added last. */
static inline void add_vcpu(struct fixture *f, struct metrics metrics)
{
	struct vm_report *vm = &f->vms[f->report.vm_cnt - 1];

	for (int i = 0; i < METRIC_CNT; i++)
		vm->metrics.value[i] += metrics.value[i];
	f->vcpus[f->report.vcpu_cnt++] = (struct vcpu_report){
		.tid = vm->pid + (pid_t)vm->vcpu_cnt + 1,
		.vcpu_id = (__u32)vm->vcpu_cnt,
		.metrics = metrics,
	};
	vm->vcpu_cnt++;
}

static inline void add_vm_of(struct fixture *f, pid_t pid, const char *name, __u64 halted,
			     __u64 busy)
{
	add_vm(f, pid, name);
	add_vcpu(f, halted_busy(halted, busy));
}

/* Removes all VMs, before those of the next interval are added. */
static inline void clear_report(struct fixture *f)
{
	f->report.vm_cnt = f->report.vcpu_cnt = 0;
}

static inline void update(struct fixture *f)
{
	assert_int_equal(top_state__update(&f->state, &f->report), 0);
}

static inline void press(struct fixture *f, __u32 key)
{
	assert_int_equal(top_state__key(&f->state, key, &f->event), 0);
	update(f);
}

static inline void press_all(struct fixture *f, const char *keys)
{
	for (; *keys; keys++)
		press(f, (__u32)*keys);
}

#endif /* TOP_FIXTURE_H */
