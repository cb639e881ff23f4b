// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "top/top_report.h"

static size_t names_size(const struct report *report)
{
	size_t size = 0;

	for (size_t i = 0; i < report->vm_cnt; i++)
		size += strlen(report->vms[i].name) + 1;
	return size;
}

/* Allocates one element more than needed, so that no size is 0. */
static int allocate(const struct report *report, struct top_report *copy)
{
	copy->report.vms = calloc(report->vm_cnt + 1, sizeof(*report->vms));
	copy->report.vcpus = calloc(report->vcpu_cnt + 1, sizeof(*report->vcpus));
	copy->names = malloc(names_size(report) + 1);
	return copy->report.vms && copy->report.vcpus && copy->names ? 0 : -ENOMEM;
}

static void free_memory(struct top_report *copy)
{
	free(copy->report.vms);
	free(copy->report.vcpus);
	free(copy->names);
}

static void fill(const struct report *report, struct top_report *copy)
{
	struct vm_report *vms = copy->report.vms;
	struct vcpu_report *vcpus = copy->report.vcpus;
	char *name = copy->names;

	copy->report = *report;
	copy->report.vms = vms;
	copy->report.vcpus = vcpus;
	copy->report.vm_room = report->vm_cnt;
	copy->report.vcpu_room = report->vcpu_cnt;
	/* Histograms are not displayed, and these would still be the original's. */
	copy->report.vm_histograms = copy->report.vcpu_histograms = NULL;
	for (size_t i = 0; i < report->vm_cnt; i++) {
		size_t size = strlen(report->vms[i].name) + 1;

		vms[i] = report->vms[i];
		vms[i].histogram = NULL;
		vms[i].name = memcpy(name, report->vms[i].name, size);
		name += size;
		/* The report lists vCPUs in the order of their VMs. */
		vms[i].vcpus = vcpus;
		for (size_t j = 0; j < vms[i].vcpu_cnt; j++) {
			*vcpus = report->vms[i].vcpus[j];
			vcpus++->histogram = NULL;
		}
	}
}

int top_report__copy(const struct report *report, struct top_report *copy)
{
	struct top_report made = { 0 };

	if (allocate(report, &made)) {
		free_memory(&made);
		return -ENOMEM;
	}
	fill(report, &made);
	free_memory(copy);
	*copy = made;
	return 0;
}

void top_report__free(struct top_report *copy)
{
	free_memory(copy);
	*copy = (struct top_report){ 0 };
}
