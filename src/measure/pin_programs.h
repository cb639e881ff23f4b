/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pin_programs - the programs of a pinned measurement, to show what they cost. */
#ifndef PIN_PROGRAMS_H
#define PIN_PROGRAMS_H

#include <stddef.h>
#include "measure/program_stats.h"

struct bpf_loader;
struct pin_dir;

struct pin_programs {
	struct pin_program {
		char name[32];
		int fd;
	} list[PROGRAM_STATS_MAX];
	size_t cnt;
};

/* Opens the programs that this process may open; without CAP_SYS_ADMIN these are none. */
void pin_programs__open(struct pin_programs *programs, const struct pin_dir *dir,
			const struct bpf_loader *layout);
void pin_programs__close(struct pin_programs *programs);

/*
 * Fills stats for at most `max` programs; the names are valid as long as *programs. Returns how
 * many.
 */
size_t pin_programs__stats(const struct pin_programs *programs, struct program_stats *stats,
			   size_t max);

#endif /* PIN_PROGRAMS_H */
