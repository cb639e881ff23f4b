/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vm_label - what a VM is called where people read it: its name, with a number ("name#2") when its
 * process has several VMs.
 */
#ifndef VM_LABEL_H
#define VM_LABEL_H

struct line;
struct report;
struct vm_report;

/* Terminal columns of the whole label of one of report->vms. */
int vm_label__width(const struct report *report, const struct vm_report *vm);

/* Adds it to a line, its name cut so that it is no wider than `width`, which should be 8 or more. */
void vm_label__add(const struct report *report, const struct vm_report *vm, int width,
		   struct line *line);

#endif /* VM_LABEL_H */
