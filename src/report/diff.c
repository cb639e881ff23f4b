// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/diff.h"
#include "report/timeline.h"

static size_t cnt_of_name(const struct timeline *run, const char *name)
{
	size_t cnt = 0;

	for (size_t i = 0; i < run->vm_cnt; i++)
		cnt += !strcmp(run->vms[i].name, name);
	return cnt;
}

/* Returns the VM of the other run that is the same as this VM; NULL if there is none. */
static const struct timeline_vm *find_same(const struct timeline *run, const struct timeline_vm *vm,
					   const struct timeline *other)
{
	bool is_unique = cnt_of_name(run, vm->name) == 1 && cnt_of_name(other, vm->name) == 1;

	for (size_t i = 0; i < other->vm_cnt; i++) {
		const struct timeline_vm *found = &other->vms[i];

		if (!strcmp(found->name, vm->name) &&
		    (is_unique || (found->pid == vm->pid && found->instance == vm->instance)))
			return found;
	}
	return NULL;
}

int diff__make(const struct timeline *before, const struct timeline *after, struct diff *diff)
{
	*diff = (struct diff){ .runs = { before, after } };
	diff->vms = calloc(before->vm_cnt + after->vm_cnt + 1, sizeof(*diff->vms));
	if (!diff->vms)
		return -ENOMEM;
	for (size_t i = 0; i < before->vm_cnt; i++) {
		const struct timeline_vm *vm = &before->vms[i];

		diff->vms[diff->vm_cnt++] =
			(struct diff_vm){ { vm, find_same(before, vm, after) } };
	}
	for (size_t i = 0; i < after->vm_cnt; i++) {
		const struct timeline_vm *vm = &after->vms[i];

		if (!find_same(after, vm, before))
			diff->vms[diff->vm_cnt++] = (struct diff_vm){ { NULL, vm } };
	}
	return 0;
}

void diff__free(struct diff *diff)
{
	free(diff->vms);
	*diff = (struct diff){ 0 };
}

/* Gets the time of a share. Returns whether it is known. */
static bool share_of(const struct timeline_cell *cell, enum diff_share share, double *ns)
{
	static const __u32 parts[DIFF_SHARE_CNT] = {
		[DIFF_IDLE] = 1U << PART_HALTED | 1U << PART_BLOCKED,
		[DIFF_HALTED] = 1U << PART_HALTED,
		[DIFF_BUSY] = 1U << PART_BUSY,
		[DIFF_HOST] = 1U << PART_HOST,
		[DIFF_WAIT] = 1U << PART_WAIT,
	};

	*ns = 0;
	for (int part = 0; part < PART_CNT; part++) {
		if (parts[share] & 1U << part)
			*ns += (double)cell->ns[part];
	}
	return !(cell->unknown_parts & parts[share]);
}

/* The share of a VM in a run, or in a part of it. */
struct sum {
	double ns, wall_ns;
};

struct sums {
	struct sum all, parts[DIFF_PARTS];
	double unknown_ns;
};

/*
 * Sums up a VM. known_ns: the wall time in which the share is known; 0: all goes to one part.
 */
static struct sums sum_up(const struct timeline *run, const struct timeline_vm *vm,
			  enum diff_share share, double known_ns)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < run->column_cnt; i++) {
		const struct timeline_cell *cell = &vm->cells[i];
		double wall_ns = (double)timeline__wall_ns(cell), ns, middle;

		if (!share_of(cell, share, &ns)) {
			sums.unknown_ns += wall_ns;
			continue;
		}
		middle = known_ns > 0 ? (sums.all.wall_ns + wall_ns / 2) / known_ns : 0;
		if (middle < 1) {
			struct sum *part = &sums.parts[(size_t)(middle * DIFF_PARTS)];

			part->ns += ns;
			part->wall_ns += wall_ns;
		}
		sums.all.ns += ns;
		sums.all.wall_ns += wall_ns;
	}
	return sums;
}

/* Gets the square of the standard error of a mean in per cent. Returns whether it is known. */
static bool error_of(const struct sums *sums, double *squared)
{
	double mean = 0, deviations = 0;

	for (int i = 0; i < DIFF_PARTS; i++) {
		if (!(sums->parts[i].wall_ns > 0))
			return false;
		mean += 100 * sums->parts[i].ns / sums->parts[i].wall_ns / DIFF_PARTS;
	}
	for (int i = 0; i < DIFF_PARTS; i++) {
		double off = 100 * sums->parts[i].ns / sums->parts[i].wall_ns - mean;

		deviations += off * off;
	}
	*squared = deviations / (DIFF_PARTS - 1) / DIFF_PARTS;
	return true;
}

struct diff_value diff__value(const struct diff *diff, const struct diff_vm *vm,
			      enum diff_share share)
{
	struct diff_value value = { .variation_pct = NAN };
	double squared[DIFF_RUN_CNT];
	bool is_known = true;

	for (int i = 0; i < DIFF_RUN_CNT; i++) {
		struct sums sums = { 0 };

		if (vm->vms[i]) {
			sums = sum_up(diff->runs[i], vm->vms[i], share, 0);
			sums = sum_up(diff->runs[i], vm->vms[i], share, sums.all.wall_ns);
		}
		/* 0 / 0 is NaN. */
		value.mean_pct[i] = 100 * sums.all.ns / sums.all.wall_ns;
		value.unknown_pct[i] = 100 * sums.unknown_ns / (sums.unknown_ns + sums.all.wall_ns);
		is_known &= error_of(&sums, &squared[i]);
	}
	value.difference_pct = value.mean_pct[DIFF_AFTER] - value.mean_pct[DIFF_BEFORE];
	if (!is_known)
		return value;
	value.variation_pct = fmax(DIFF_LEAST_PCT,
				   DIFF_ERRORS * sqrt(squared[DIFF_BEFORE] + squared[DIFF_AFTER]));
	value.verdict =
		fabs(value.difference_pct) > value.variation_pct ? DIFF_EXCEEDS : DIFF_WITHIN;
	return value;
}
