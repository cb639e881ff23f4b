/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * option_values - parse the value of an option, for the rows of option_table. Pure.
 */
#ifndef OPTION_VALUES_H
#define OPTION_VALUES_H

struct option_row;
struct options;

/*
 * Parse the value of the option and store it: count, name, moment and the paths in the row's member
 * of the options, others in a member of their own. A moment is a time after the begin of a
 * recording, or a local date and time. A list, such as "1,2,3", adds to the filter, without
 * duplicates; in a name pattern a backslash escapes a comma, as in fnmatch(3) it escapes other
 * characters.
 * Return 0; EINVAL after one line on stderr has shown the invalid word; or ENOMEM.
 */
typedef int option_parser(struct options *opts, const struct option_row *row, const char *word);

option_parser option_values__pids, option_values__tids, option_values__vcpu_ids,
	option_values__names, option_values__interval, option_values__count, option_values__sort,
	option_values__mode, option_values__hook, option_values__mperf_ratio, option_values__name,
	option_values__moment, option_values__path, option_values__new_path, option_values__listen;

#endif /* OPTION_VALUES_H */
