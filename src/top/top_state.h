/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_state - what the full screen shows of a report, and what each key does to that. Pure.
 */
#ifndef TOP_STATE_H
#define TOP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include "report/account.h"
#include "report/view.h"

/* A key is the code point of what was typed, or one of these. */
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

/* What a key asks of others than the state. */
enum top_event {
	TOP_GO_ON,
	TOP_INTERVAL, /* interval_ns has changed */
	TOP_QUIT,
};

enum top_page {
	TOP_PAGE_ROWS,
	TOP_PAGE_HELP,
	TOP_PAGE_NOTES, /* all that is told of the interval */
};

/* What is being typed. */
enum top_prompt {
	TOP_PROMPT_NONE,
	TOP_PROMPT_FILTER, /* in effect while it is typed */
	TOP_PROMPT_INTERVAL,
};

#define TOP_TEXT_SIZE 64 /* of what is typed; it is UTF-8 */

/* A row of this and of the next report. vCPUs are told apart by their thread. */
struct top_row_id {
	pid_t pid;
	__u64 vm_id;
	pid_t tid; /* 0: the VM's own row */
};

struct top_state {
	enum top_page page;
	enum top_prompt prompt;
	char typed[TOP_TEXT_SIZE];
	bool typed_is_wrong; /* what was typed has been refused */

	enum measure_mode mode; /* of the report shown last */
	__u64 interval_ns;      /* that is wanted */
	bool paused;
	bool sorted; /* else in the report's own order */
	enum column sort;
	bool by_vcpu; /* one list of all vCPUs; else VMs, which unfold */
	size_t row_max;
	char filter[TOP_TEXT_SIZE]; /* part of a name, whatever its case; "": all */

	bool unfolded;                /* what VMs are that are not among these */
	struct top_row_id *fold_else; /* VMs that are the other way round */
	size_t fold_else_cnt, fold_else_room;

	size_t page_first;       /* line of the page of help or notes on top */
	size_t row_first;        /* row on top */
	size_t height;           /* of what scrolls */
	size_t cursor;           /* a row, if there is any */
	bool cursor_held;        /* it goes where its row goes; else it stays on top */
	struct top_row_id under; /* the row it is on, when held */

	struct view view; /* the rows, in the report that was given to top_state__update() */
};

/* How a screen starts. */
struct top_state_opts {
	struct view_opts view; /* -L: one list of vCPUs. Not sorted: by halted */
	__u64 interval_ns;
	enum measure_mode mode; /* until a report tells its own */
};

void top_state__init(struct top_state *state, const struct top_state_opts *opts);

/*
 * Makes the rows anew, from a report that must live until the next call. To be called for every report,
 * and after every key. Returns 0 or -ENOMEM, when the rows are what they were: of the report before.
 */
int top_state__update(struct top_state *state, const struct report *report);

/*
 * Changes what the key is for. *event says what else is to be done.
 * Returns 0 or -ENOMEM, when nothing has changed.
 */
int top_state__key(struct top_state *state, __u32 key, enum top_event *event);

/* Takes that so many lines are there for the rows, and scrolls so that the cursor is among them. */
void top_state__fit(struct top_state *state, size_t height);

/* The same for a page of text with that so many lines. */
void top_state__fit_page(struct top_state *state, size_t line_cnt, size_t height);

/* The name filter in effect, that which is being typed included. "": none. */
const char *top_state__filter(const struct top_state *state);

bool top_state__is_unfolded(const struct top_state *state, const struct vm_report *vm);

void top_state__free(struct top_state *state);

#endif /* TOP_STATE_H */
