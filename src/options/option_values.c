// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "gtimehalt.h"
#include "base/log.h"
#include "base/number.h"
#include "options/option_table.h"
#include "options/option_values.h"
#include "report/columns.h"

#define INTERVAL_MIN_NS  1000000ULL
#define INTERVAL_MAX_NS  1000000000000000ULL
#define MPERF_RATIO_MAX  4096.0
#define SECONDS_EXPECTED "a time from 0.001 to 1000000 seconds, such as 10, 0.25, 500ms, 5m or 1h"

#define PID_MAX_LIMIT (1 << 22)

/* Lists are allocated with this capacity. The BPF side cannot take more PIDs. */
#define ELEMENT_MAX GTIMEHALT_MAX_WATCHED

static int bad_value(const struct option_row *row, const char *word, const char *expected)
{
	pr_err("%s '%s' is not %s", row->name, word, expected);
	return EINVAL;
}

int option_values__interval(struct options *opts, const struct option_row *row, const char *word)
{
	__u64 ns;

	if (number__parse_seconds(word, INTERVAL_MAX_NS, &ns) || ns < INTERVAL_MIN_NS)
		return bad_value(row, word, SECONDS_EXPECTED);
	opts->interval_ns = ns;
	return 0;
}

int option_values__moment(struct options *opts, const struct option_row *row, const char *word)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M" };
	struct moment *moment = (struct moment *)((char *)opts + row->offset);

	if (!number__parse_seconds(word, INTERVAL_MAX_NS, &moment->ns)) {
		moment->kind = MOMENT_AFTER_BEGIN;
		return 0;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(word, formats[i], &tm);
		time_t seconds = end && !*end ? mktime(&tm) : -1;

		if (seconds < 0)
			continue;
		*moment = (struct moment){ MOMENT_REAL, (__u64)seconds * 1000000000 };
		return 0;
	}
	return bad_value(
		row, word,
		"a time after the begin, such as 90 or 10m, or one such as 2026-12-01T14:30");
}

int option_values__count(struct options *opts, const struct option_row *row, const char *word)
{
	__u64 cnt;

	if (number__parse(word, UINT32_MAX, &cnt) || cnt == 0)
		return bad_value(row, word, "a number from 1 to 4294967295");
	memcpy((char *)opts + row->offset, &cnt, sizeof(cnt));
	return 0;
}

int option_values__sort(struct options *opts, const struct option_row *row, const char *word)
{
	char expected[256] = "one of";
	size_t len = strlen(expected);
	const char *gap = " ";

	if (column__find(word, &opts->view.sort)) {
		opts->view.sorted = true;
		return 0;
	}
	for (int i = 0; i < COLUMN_CNT; i++) {
		if (!column_defs[i].heading)
			continue;
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s%.*s", gap,
					(int)column__name_len(i), column_defs[i].key);
		gap = ", ";
	}
	return bad_value(row, word, expected);
}

int option_values__mperf_ratio(struct options *opts, const struct option_row *row, const char *word)
{
	if (number__parse_ratio(word, MPERF_RATIO_MAX, &opts->measure.mperf_ratio))
		return bad_value(row, word, "a number above 0 and not above 4096");
	return 0;
}

int option_values__mode(struct options *opts, const struct option_row *row, const char *word)
{
	opts->measure.mode_given = true;
	if (!strcmp(word, mode__name(MODE_ENTRY)))
		opts->measure.mode = MODE_ENTRY;
	else if (!strcmp(word, mode__name(MODE_SWITCH)))
		opts->measure.mode = MODE_SWITCH;
	else
		return bad_value(row, word, "entry or switch");
	return 0;
}

int option_values__hook(struct options *opts, const struct option_row *row, const char *word)
{
	for (enum hook hook = HOOK_AUTO; hook < HOOK_CNT; hook++) {
		if (strcmp(word, hook__name(hook)))
			continue;
		opts->measure.hook = hook;
		return 0;
	}
	return bad_value(row, word, "auto, fentry, kprobe, vcpu_enter_guest or tracepoint");
}

int option_values__name(struct options *opts, const struct option_row *row, const char *word)
{
	const char **name = (const char **)((char *)opts + row->offset);

	if (!*word)
		return bad_value(row, word, "a name");
	*name = word;
	return 0;
}

int option_values__path(struct options *opts, const struct option_row *row, const char *word)
{
	const char **path = (const char **)((char *)opts + row->offset);

	if (*path && strcmp(*path, word) != 0) {
		pr_err("%s was given twice: '%s' and '%s'; one file at a time", row->name, *path,
		       word);
		return EINVAL;
	}
	return *word ? option_values__name(opts, row, word) : bad_value(row, word, "a file name");
}

int option_values__new_path(struct options *opts, const struct option_row *row, const char *word)
{
	if (!strcmp(word, "-"))
		return bad_value(row, word, "a file name: stdout cannot be used here");
	return option_values__path(opts, row, word);
}

int option_values__listen(struct options *opts, const struct option_row *row, const char *word)
{
	if (listen_address__parse(word, &opts->listen))
		return bad_value(row, word,
				 "an address and a port, such as 127.0.0.1:80, [::1]:80 or :80");
	return 0;
}

struct id_option {
	const char *element; /* description of an element, for messages */
	const char *list;
	__u64 min, max;
	bool takes_ranges;
};

static const struct id_option pid_option = {
	"a process ID from 1 to 4194304", "a list of process IDs", 1, PID_MAX_LIMIT, false,
};
static const struct id_option tid_option = {
	"a thread ID from 1 to 4194304", "a list of thread IDs", 1, PID_MAX_LIMIT, false,
};
static const struct id_option vcpu_option = {
	.element = "a vCPU number from 0 to 4294967295, or a range such as 0-3",
	.list = "a list of vCPU numbers",
	.max = UINT32_MAX,
	.takes_ranges = true,
};

static int refuse_more(const struct option_row *row, const char *word)
{
	pr_err("%s '%s' is one too many: at most %d", row->name, word, ELEMENT_MAX);
	return EINVAL;
}

/* Adds an ID unless the list has it. `word` is what the user wrote, for the message. */
static int add_id(const struct option_row *row, const char *word, __u64 id, __u32 *ids, size_t *cnt)
{
	for (size_t i = 0; i < *cnt; i++)
		if (ids[i] == id)
			return 0;
	if (*cnt == ELEMENT_MAX)
		return refuse_more(row, word);
	ids[(*cnt)++] = (__u32)id;
	return 0;
}

/* Parses "N", or "FIRST-LAST" if the option takes ranges. Returns false if the word is neither. */
static bool parse_range(const struct id_option *kind, const char *word, __u64 *first, __u64 *last)
{
	const char *hyphen = kind->takes_ranges ? strchr(word, '-') : NULL;
	char number[24] = "";

	if (hyphen && (size_t)(hyphen - word) < sizeof(number))
		memcpy(number, word, (size_t)(hyphen - word));
	if (number__parse(hyphen ? number : word, kind->max, first))
		return false;
	*last = *first;
	if (hyphen && number__parse(hyphen + 1, kind->max, last))
		return false;
	return *first >= kind->min && *first <= *last;
}

static int add_word(const struct id_option *kind, const struct option_row *row, const char *word,
		    __u32 *ids, size_t *cnt)
{
	__u64 first, last;
	int err = 0;

	if (!parse_range(kind, word, &first, &last))
		return bad_value(row, word, kind->element);
	for (__u64 id = first; !err && id <= last; id++)
		err = add_id(row, word, id, ids, cnt);
	return err;
}

/* Adds the IDs of a list. Commas or blanks separate them, as "pgrep -d," and pidof print them. */
static int add_ids(const struct id_option *kind, const struct option_row *row, const char *list,
		   __u32 *ids, size_t *cnt)
{
	char *words = strdup(list);
	char *rest = words, *part;
	int err = 0;

	if (!ids || !words)
		err = ENOMEM;
	while (!err && (part = strsep(&rest, ","))) {
		char *state = NULL, *word = strtok_r(part, " ", &state);

		/*
		 * An empty part, as in "1,,2", would be invisible in the message, so show the list.
		 */
		if (!word)
			err = bad_value(row, list, kind->list);
		for (; !err && word; word = strtok_r(NULL, " ", &state))
			err = add_word(kind, row, word, ids, cnt);
	}
	free(words);
	return err;
}

int option_values__pids(struct options *opts, const struct option_row *row, const char *list)
{
	struct filter *filter = &opts->measure.filter;

	if (!filter->pids)
		filter->pids = calloc(ELEMENT_MAX, sizeof(*filter->pids));
	return add_ids(&pid_option, row, list, (__u32 *)filter->pids, &filter->pid_cnt);
}

int option_values__tids(struct options *opts, const struct option_row *row, const char *list)
{
	struct filter *filter = &opts->measure.filter;

	if (!filter->tids)
		filter->tids = calloc(ELEMENT_MAX, sizeof(*filter->tids));
	return add_ids(&tid_option, row, list, (__u32 *)filter->tids, &filter->tid_cnt);
}

int option_values__vcpu_ids(struct options *opts, const struct option_row *row, const char *list)
{
	struct filter *filter = &opts->measure.filter;

	if (!filter->vcpu_ids)
		filter->vcpu_ids = calloc(ELEMENT_MAX, sizeof(*filter->vcpu_ids));
	return add_ids(&vcpu_option, row, list, filter->vcpu_ids, &filter->vcpu_id_cnt);
}

/*
 * Returns the length up to an unescaped comma. A trailing backslash, which
 * escapes nothing, ends it too.
 */
static size_t pattern_len(const char *list)
{
	size_t len = 0;

	while (list[len] && list[len] != ',') {
		if (list[len] == '\\' && !list[++len])
			return len - 1;
		len++;
	}
	return len;
}

/* Takes ownership of the pattern. */
static int add_name(struct filter *filter, const struct option_row *row, char *pattern)
{
	int err = 0;

	for (size_t i = 0; i < filter->name_cnt; i++) {
		if (!strcmp(filter->names[i], pattern)) {
			free(pattern);
			return 0;
		}
	}
	if (filter->name_cnt == ELEMENT_MAX) {
		err = refuse_more(row, pattern);
		free(pattern);
		return err;
	}
	filter->names[filter->name_cnt++] = pattern;
	return 0;
}

int option_values__names(struct options *opts, const struct option_row *row, const char *list)
{
	struct filter *filter = &opts->measure.filter;
	const char *rest = list;
	int err;

	if (!filter->names)
		filter->names = calloc(ELEMENT_MAX, sizeof(*filter->names));
	if (!filter->names)
		return ENOMEM;
	do {
		size_t len = pattern_len(rest);
		char *pattern;

		if (!len || rest[len] == '\\')
			return bad_value(row, list, "a list of patterns");
		pattern = strndup(rest, len);
		if (!pattern)
			return ENOMEM;
		err = add_name(filter, row, pattern);
		rest += len;
	} while (!err && *rest++);
	return err;
}
