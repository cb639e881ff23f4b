/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * option_lists - the values of those options that take a list, "1,2,3", and may be repeated. Pure.
 */
#ifndef OPTION_LISTS_H
#define OPTION_LISTS_H

#include "report/filter.h"

/*
 * Adds the elements of a list to a filter, but for those that it has already. A backslash takes from
 * a comma in a name's pattern what it means here, as it does in fnmatch(3) from other characters.
 * Returns 0; EINVAL, when one line on stderr has shown the word that is wrong; or ENOMEM.
 */
int option_lists__add_pids(struct filter *filter, const char *list);
int option_lists__add_tids(struct filter *filter, const char *list);
int option_lists__add_vcpu_ids(struct filter *filter, const char *list);
int option_lists__add_names(struct filter *filter, const char *list);

#endif /* OPTION_LISTS_H */
