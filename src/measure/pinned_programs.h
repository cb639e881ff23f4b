/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pinned_programs - the programs of a pinned measurement, to show what they cost. */
#ifndef PINNED_PROGRAMS_H
#define PINNED_PROGRAMS_H

#include <stddef.h>
#include "measure/program_stats.h"

struct bpf_loader;
struct pin_dir;

struct pinned_programs {
	struct pinned_program {
		char name[32];
		int fd;
	} list[PROGRAM_STATS_MAX];
	size_t cnt;
};

/* Opens the programs that this process may open; without CAP_SYS_ADMIN these are none. */
void pinned_programs__open(struct pinned_programs *programs, const struct pin_dir *dir,
			   const struct bpf_loader *layout);
void pinned_programs__close(struct pinned_programs *programs);

/*
 * Fills stats for at most `max` programs; the names are valid as long as *programs. Returns how
 * many.
 */
size_t pinned_programs__stats(const struct pinned_programs *programs, struct program_stats *stats,
			      size_t max);

#endif /* PINNED_PROGRAMS_H */
