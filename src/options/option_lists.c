// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "gtimehalt.h"
#include "base/log.h"
#include "base/number.h"
#include "options/option_lists.h"

#define PID_MAX_LIMIT (1 << 22)

/* Lists are allocated with this capacity. The BPF side cannot take more PIDs. */
#define ELEMENT_MAX GTIMEHALT_MAX_WATCHED

struct id_option {
	const char *name;
	const char *element; /* description of an element, for messages */
	const char *list;
	__u64 min, max;
	bool takes_ranges;
};

static const struct id_option pid_option = {
	"--pid", "a process ID from 1 to 4194304", "a list of process IDs", 1, PID_MAX_LIMIT, false,
};
static const struct id_option tid_option = {
	"--tid", "a thread ID from 1 to 4194304", "a list of thread IDs", 1, PID_MAX_LIMIT, false,
};
static const struct id_option vcpu_option = {
	.name = "--vcpu",
	.element = "a vCPU number from 0 to 4294967295, or a range such as 0-3",
	.list = "a list of vCPU numbers",
	.max = UINT32_MAX,
	.takes_ranges = true,
};

static int refuse(const char *option, const char *word, const char *expected)
{
	pr_err("%s '%s' is not %s", option, word, expected);
	return EINVAL;
}

static int refuse_more(const char *option, const char *word)
{
	pr_err("%s '%s' is one too many: at most %d", option, word, ELEMENT_MAX);
	return EINVAL;
}

/* Adds an ID unless the list has it. `word` is what the user wrote, for the message. */
static int add_id(const struct id_option *option, const char *word, __u64 id, __u32 *ids,
		  size_t *cnt)
{
	for (size_t i = 0; i < *cnt; i++)
		if (ids[i] == id)
			return 0;
	if (*cnt == ELEMENT_MAX)
		return refuse_more(option->name, word);
	ids[(*cnt)++] = (__u32)id;
	return 0;
}

/* Parses "N", or "FIRST-LAST" if the option takes ranges. Returns false if the word is neither. */
static bool parse_range(const struct id_option *option, const char *word, __u64 *first, __u64 *last)
{
	const char *hyphen = option->takes_ranges ? strchr(word, '-') : NULL;
	char number[24] = "";

	if (hyphen && (size_t)(hyphen - word) < sizeof(number))
		memcpy(number, word, (size_t)(hyphen - word));
	if (number__parse(hyphen ? number : word, option->max, first))
		return false;
	*last = *first;
	if (hyphen && number__parse(hyphen + 1, option->max, last))
		return false;
	return *first >= option->min && *first <= *last;
}

static int add_word(const struct id_option *option, const char *word, __u32 *ids, size_t *cnt)
{
	__u64 first, last;
	int err = 0;

	if (!parse_range(option, word, &first, &last))
		return refuse(option->name, word, option->element);
	for (__u64 id = first; !err && id <= last; id++)
		err = add_id(option, word, id, ids, cnt);
	return err;
}

/* Adds the IDs of a list. Commas or blanks separate them, as "pgrep -d," and pidof print them. */
static int add_ids(const struct id_option *option, const char *list, __u32 *ids, size_t *cnt)
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
			err = refuse(option->name, list, option->list);
		for (; !err && word; word = strtok_r(NULL, " ", &state))
			err = add_word(option, word, ids, cnt);
	}
	free(words);
	return err;
}

int option_lists__add_pids(struct filter *filter, const char *list)
{
	if (!filter->pids)
		filter->pids = calloc(ELEMENT_MAX, sizeof(*filter->pids));
	return add_ids(&pid_option, list, (__u32 *)filter->pids, &filter->pid_cnt);
}

int option_lists__add_tids(struct filter *filter, const char *list)
{
	if (!filter->tids)
		filter->tids = calloc(ELEMENT_MAX, sizeof(*filter->tids));
	return add_ids(&tid_option, list, (__u32 *)filter->tids, &filter->tid_cnt);
}

int option_lists__add_vcpu_ids(struct filter *filter, const char *list)
{
	if (!filter->vcpu_ids)
		filter->vcpu_ids = calloc(ELEMENT_MAX, sizeof(*filter->vcpu_ids));
	return add_ids(&vcpu_option, list, filter->vcpu_ids, &filter->vcpu_id_cnt);
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
static int add_name(struct filter *filter, char *pattern)
{
	int err = 0;

	for (size_t i = 0; i < filter->name_cnt; i++) {
		if (!strcmp(filter->names[i], pattern)) {
			free(pattern);
			return 0;
		}
	}
	if (filter->name_cnt == ELEMENT_MAX) {
		err = refuse_more("--guest", pattern);
		free(pattern);
		return err;
	}
	filter->names[filter->name_cnt++] = pattern;
	return 0;
}

int option_lists__add_names(struct filter *filter, const char *list)
{
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
			return refuse("--guest", list, "a list of patterns");
		pattern = strndup(rest, len);
		if (!pattern)
			return ENOMEM;
		err = add_name(filter, pattern);
		rest += len;
	} while (!err && *rest++);
	return err;
}
