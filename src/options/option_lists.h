/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * option_lists - parse the options that take a list, such as "1,2,3", and may be repeated. Pure.
 */
#ifndef OPTION_LISTS_H
#define OPTION_LISTS_H

#include "report/filter.h"

/*
 * Add the elements of a list to a filter, without duplicates. In a name pattern a backslash escapes
 * a comma, as in fnmatch(3) it escapes other characters. Return 0; EINVAL after one line on stderr
 * has shown the invalid word; or ENOMEM.
 */
int option_lists__add_pids(struct filter *filter, const char *list);
int option_lists__add_tids(struct filter *filter, const char *list);
int option_lists__add_vcpu_ids(struct filter *filter, const char *list);
int option_lists__add_names(struct filter *filter, const char *list);

#endif /* OPTION_LISTS_H */
