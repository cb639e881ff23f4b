/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vm_label - the label of a VM in text for people: its name, followed by a number ("name#2") if its
 * process has several VMs.
 */
#ifndef VM_LABEL_H
#define VM_LABEL_H

struct line;
struct report;
struct vm_report;

/*
 * Returns the width in terminal columns of the untruncated label. `vm` must be
 * an element of report->vms.
 */
int vm_label__width(const struct report *report, const struct vm_report *vm);

/*
 * Adds the label to a line, with the name truncated so that it fits `width`,
 * which should be 8 or more.
 */
void vm_label__add(const struct report *report, const struct vm_report *vm, int width,
		   struct line *line);

#endif /* VM_LABEL_H */
