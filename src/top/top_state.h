/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_state - what the full-screen display shows of a report, and how keys change this. Pure.
 */
#ifndef TOP_STATE_H
#define TOP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include "report/account.h"
#include "report/view.h"

/* A key is the code point of a typed character, or one of these. */
enum top_key {
	TOP_KEY_ENTER = '\n',
	TOP_KEY_KILL = 'U' & 0x1f,
	TOP_KEY_REPAINT = 'L' & 0x1f,
	TOP_KEY_ESCAPE = 0x1b,
	TOP_KEY_BACKSPACE = 0x7f,
	TOP_KEY_NONE = 0x110000, /* above all code points */
	TOP_KEY_UP,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_HELP,
};

/* A request to the caller, made by a key. */
enum top_event {
	TOP_GO_ON,
	TOP_INTERVAL, /* interval_ns has changed */
	TOP_QUIT,
};

enum top_page {
	TOP_PAGE_ROWS,
	TOP_PAGE_HELP,
	TOP_PAGE_NOTES, /* all notes of the interval */
};

/* The prompt at which the user is typing. */
enum top_prompt {
	TOP_PROMPT_NONE,
	TOP_PROMPT_FILTER, /* takes effect while it is typed */
	TOP_PROMPT_INTERVAL,
};

#define TOP_TEXT_SIZE 64 /* of typed text, in UTF-8 */

/* Identifies a row across reports. A vCPU is identified by its thread. */
struct top_row_id {
	pid_t pid;
	__u64 vm_id;
	pid_t tid; /* 0: the VM's own row */
};

struct top_state {
	enum top_page page;
	enum top_prompt prompt;
	char typed[TOP_TEXT_SIZE];
	bool typed_is_wrong; /* the typed text was rejected */

	enum measure_mode mode; /* of the last report */
	__u64 interval_ns;      /* requested length of an interval */
	bool paused;
	bool sorted; /* false: rows are in the order of the report */
	enum column sort;
	bool by_vcpu; /* one list of all vCPUs; otherwise VMs, which unfold */
	size_t row_max;
	char filter[TOP_TEXT_SIZE]; /* part of a VM's name, in any case; "": all VMs */

	bool unfolded;                /* default for VMs that are not in fold_else */
	struct top_row_id *fold_else; /* VMs that are folded or unfolded contrary to the default */
	size_t fold_else_cnt, fold_else_room;

	size_t page_first; /* first visible line of a page of help or notes */
	size_t row_first;  /* first visible row */
	size_t height;     /* number of lines that scroll */
	size_t cursor;     /* index of a row, if there are any */
	/* the cursor follows its row; otherwise it stays on the first row */
	bool cursor_held;
	struct top_row_id under; /* identity of the row under a held cursor */

	struct view view; /* rows of the report last given to top_state__update() */
};

/* Initial state. */
struct top_state_opts {
	struct view_opts view; /* VIEW_VCPUS: start with one list of vCPUs. Not sorted: by idle */
	__u64 interval_ns;
	enum measure_mode mode; /* until the first report */
};

void top_state__init(struct top_state *state, const struct top_state_opts *opts);

/*
 * Makes the rows from a report, which must stay valid until the next call. Call
 * it for every report and after every key. Returns 0; or -ENOMEM, with the rows
 * unchanged: they still point to the previous report.
 */
int top_state__update(struct top_state *state, const struct report *report);

/*
 * Changes the state as the key demands. *event tells the caller what else to do. Returns 0; or
 * -ENOMEM, with the state unchanged.
 */
int top_state__key(struct top_state *state, __u32 key, enum top_event *event);

/* Sets the number of lines for rows, and scrolls so that the cursor is visible. */
void top_state__fit(struct top_state *state, size_t height);

/* The same for a page of text that has `line_cnt` lines. */
void top_state__fit_page(struct top_state *state, size_t line_cnt, size_t height);

/* Returns the name filter in effect, including one that is being typed; "" if there is none. */
const char *top_state__filter(const struct top_state *state);

bool top_state__is_unfolded(const struct top_state *state, const struct vm_report *vm);

void top_state__free(struct top_state *state);

#endif /* TOP_STATE_H */
