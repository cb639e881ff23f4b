// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "top/top_state.h"

void top_state__init(struct top_state *state, const struct top_state_opts *opts)
{
	*state = (struct top_state){
		.mode = opts->mode,
		.interval_ns = opts->interval_ns,
		.sorted = true,
		.sort = opts->view.sorted ? opts->view.sort : COLUMN_IDLE,
		.by_vcpu = opts->view.level == VIEW_VCPUS,
		.row_max = opts->view.row_max,
		.height = 1,
	};
}

const char *top_state__filter(const struct top_state *state)
{
	return state->prompt == TOP_PROMPT_FILTER ? state->typed : state->filter;
}

/* Folds */

static bool is_of_vm(const struct top_row_id *id, const struct vm_report *vm)
{
	return id->pid == vm->pid && id->vm_id == vm->vm_id;
}

static struct top_row_id *find_fold(const struct top_state *state, const struct vm_report *vm)
{
	for (size_t i = 0; i < state->fold_else_cnt; i++) {
		if (is_of_vm(&state->fold_else[i], vm))
			return &state->fold_else[i];
	}
	return NULL;
}

bool top_state__is_unfolded(const struct top_state *state, const struct vm_report *vm)
{
	return state->unfolded != !!find_fold(state, vm);
}

/*
 * Forgets the folds of VMs that have exited, so that a new VM with a reused PID
 * starts with the default.
 */
static void forget_folds(struct top_state *state, const struct report *report)
{
	size_t kept = 0;

	for (size_t i = 0; i < state->fold_else_cnt; i++) {
		for (size_t j = 0; j < report->vm_cnt; j++) {
			if (!is_of_vm(&state->fold_else[i], &report->vms[j]))
				continue;
			state->fold_else[kept++] = state->fold_else[i];
			break;
		}
	}
	state->fold_else_cnt = kept;
}

/* Rows */

static bool is_of_row(const struct top_row_id *id, const struct view_row *row)
{
	return is_of_vm(id, row->vm) && id->tid == (row->vcpu ? row->vcpu->tid : 0);
}

/*
 * Filters the rows of the view. Keeps the first row_max VMs whose names match, or vCPUs if VMs have
 * no rows of their own, and drops the vCPUs of folded VMs. Dropped rows count as left out, as if
 * the view had left them out, because the notes must fit the rows shown.
 */
static void choose_rows(struct top_state *state)
{
	const char *filter = top_state__filter(state);
	struct view *view = &state->view;
	size_t kept = 0, counted = 0;
	bool unfolded = false, matches = false, fits = false;

	view->left_out_cnt = 0;
	for (size_t i = 0; i < view->row_cnt; i++) {
		const struct view_row *row = &view->rows[i];

		if (!row->vcpu || state->by_vcpu) {
			matches = strcasestr(row->vm->name, filter);
			unfolded = state->by_vcpu || top_state__is_unfolded(state, row->vm);
			counted += matches;
			fits = !state->row_max || counted <= state->row_max;
			view->left_out_cnt += !matches || !fits;
		}
		if (matches && fits && (!row->vcpu || unfolded))
			view->rows[kept++] = *row;
	}
	view->row_cnt = kept;
	view->lacks_vms = view->left_out_cnt || *filter;
}

static void place_cursor(struct top_state *state)
{
	const struct view *view = &state->view;

	if (!state->cursor_held)
		state->cursor = 0;
	for (size_t i = 0; state->cursor_held && i < view->row_cnt; i++) {
		if (is_of_row(&state->under, &view->rows[i])) {
			state->cursor = i;
			return;
		}
	}
	/* The row has disappeared, for example a vCPU whose VM was folded: take its VM. */
	for (size_t i = 0; state->cursor_held && i < view->row_cnt; i++) {
		if (is_of_vm(&state->under, view->rows[i].vm)) {
			state->cursor = i;
			return;
		}
	}
	if (state->cursor >= view->row_cnt)
		state->cursor = view->row_cnt ? view->row_cnt - 1 : 0;
}

int top_state__update(struct top_state *state, const struct report *report)
{
	struct view_opts opts = {
		.level = state->by_vcpu ? VIEW_VCPUS : VIEW_VMS_AND_VCPUS,
		.sorted = state->sorted,
		.sort = state->sort,
	};
	int err = view__make(report, &opts, &state->view);

	if (err)
		return err;
	state->mode = report->mode;
	choose_rows(state);
	place_cursor(state);
	top_state__fit(state, state->height);
	/* Not before the first report, which would forget all folds. */
	if (report->interval_ns)
		forget_folds(state, report);
	return 0;
}

void top_state__fit(struct top_state *state, size_t height)
{
	size_t row_cnt = state->view.row_cnt;

	state->height = height ? height : 1;
	if (state->cursor < state->row_first)
		state->row_first = state->cursor;
	if (state->cursor >= state->row_first + state->height)
		state->row_first = state->cursor - state->height + 1;
	if (state->row_first + state->height > row_cnt)
		state->row_first = row_cnt > state->height ? row_cnt - state->height : 0;
}

void top_state__fit_page(struct top_state *state, size_t line_cnt, size_t height)
{
	size_t first_max = line_cnt > height ? line_cnt - height : 0;

	state->height = height ? height : 1;
	if (state->page_first > first_max)
		state->page_first = first_max;
}

void top_state__free(struct top_state *state)
{
	view__free(&state->view);
	free(state->fold_else);
	*state = (struct top_state){ 0 };
}
