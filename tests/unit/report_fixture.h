/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * report_fixture - a report under construction, and the text rendered from it.
 */
#ifndef REPORT_FIXTURE_H
#define REPORT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/account.h"
#include "test.h"
#include "report/view.h"

#define S  1000000000ULL
#define MS 1000000ULL

#define UNKNOWN METRIC_UNKNOWN

/* VMs in order, each followed by its vCPUs. */
struct fixture {
	struct report report;
	struct vm_report vms[16];
	struct vcpu_report vcpus[16];
	struct view_opts view_opts;
	struct view view;
	char *text;
};

/* In the order of enum metric. */
static const struct metrics half_halted = { { S, S, 491 * MS, 991 * MS, 500 * MS, 9 * MS, 0, 0, 212,
					      0, 0, 491 * MS } };
static const struct metrics all_unknown = { { UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
					      UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
					      UNKNOWN } };

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->report = (struct report){
		.interval_ns = S,
		.begin = { .mono_ns = 1000 * S, .real_ns = 1763908000ULL * S },
		.end = { .mono_ns = 1001 * S, .real_ns = 1763908001ULL * S + 7000045 },
		.mode = MODE_ENTRY,
		.online_cpu_cnt = 8,
		.mperf_ratio = 1.0,
		.vms = f->vms,
		.vcpus = f->vcpus,
	};
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	view__free(&f->view);
	free(f->text);
	free(f);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline struct vm_report *add_vm(struct fixture *f, pid_t pid, const char *name,
				       struct metrics metrics)
{
	struct vm_report *vm = &f->vms[f->report.vm_cnt++];

	assert_true(f->report.vm_cnt <= sizeof(f->vms) / sizeof(f->vms[0]));
	vm->pid = pid;
	vm->name = name;
	vm->metrics = metrics;
	vm->vcpus = &f->vcpus[f->report.vcpu_cnt];
	return vm;
}

/* Adds a vCPU to the VM that was added last. */
static inline void add_vcpu(struct fixture *f, __u32 vcpu_id, pid_t tid, struct metrics metrics)
{
	struct vcpu_report *vcpu = &f->vcpus[f->report.vcpu_cnt++];

	assert_true(f->report.vcpu_cnt <= sizeof(f->vcpus) / sizeof(f->vcpus[0]));
	vcpu->vcpu_id = vcpu_id;
	vcpu->tid = tid;
	vcpu->metrics = metrics;
	f->vms[f->report.vm_cnt - 1].vcpu_cnt++;
}

/* One VM, its vCPU 0 mostly halted and its vCPU 1 mostly busy. */
static inline void add_demo(struct fixture *f)
{
	add_vm(f, 1234, "demo",
	       (struct metrics){ { 2 * S, 2 * S, 982 * MS, 1982 * MS, 1000 * MS, 18 * MS, 0, 0, 212,
				   0, 0, 982 * MS } });
	add_vcpu(f, 0, 1240,
		 (struct metrics){ { S, S, 980 * MS, 992 * MS, 12 * MS, 8 * MS, 0, 0, 104, 0, 0,
				     980 * MS } });
	add_vcpu(f, 1, 1241,
		 (struct metrics){ { S, 991 * MS, 2 * MS, 981 * MS, 979 * MS, 10 * MS, 6 * MS,
				     3 * MS, 108, 0, 0, 5 * MS } });
}

/* Returns the view that f->view_opts select. */
static inline const struct view *view_of(struct fixture *f)
{
	assert_int_equal(view__make(&f->report, &f->view_opts, &f->view), 0);
	return &f->view;
}

/* Returns the text that `write` prints for the fixture; the fixture owns it until the next call. */
static inline const char *written(struct fixture *f, int (*write)(struct fixture *f, FILE *out))
{
	size_t size;
	FILE *out;

	free(f->text);
	f->text = NULL;
	out = open_memstream(&f->text, &size);
	assert_non_null(out);
	assert_int_equal(write(f, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(f->text), size);
	return f->text;
}

#endif /* REPORT_FIXTURE_H */
