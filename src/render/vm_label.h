/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vm_label - the label of a VM in text for people: its name, followed by a number ("name#2") if its
 * process has several VMs.
 */
#ifndef VM_LABEL_H
#define VM_LABEL_H

#include "text/line.h"

struct report;
struct vm_report;

/*
 * Returns the width in terminal columns of the untruncated label. `vm` must be
 * an element of report->vms.
 */
int vm_label__width(const struct report *report, const struct vm_report *vm);

/*
 * Returns the part to leave out of labels that do not fit `width`, so that the labels of VMs with
 * different names differ; NAME_CUT_MIDDLE if none does that.
 */
enum name_cut vm_label__cut(const struct report *report, int width);

/*
 * Adds the label to a line, with a part of the name left out if the label does not fit `width`,
 * which should be 8 or more.
 */
void vm_label__add(const struct report *report, const struct vm_report *vm, int width,
		   enum name_cut cut, struct line *line);

#endif /* VM_LABEL_H */
