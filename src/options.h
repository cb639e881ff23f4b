/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * options - the command line, as one constant struct. Pure: no file is opened here, no clock read.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>
#include "hooks.h"
#include "snapshot.h"

enum options_verdict {
	OPTIONS_RUN,   /* go on */
	OPTIONS_DONE,  /* --help or --version was printed on stdout: exit 0 */
	OPTIONS_USAGE, /* one line on stderr said what is wrong: exit 2 */
};

enum output_form {
	OUTPUT_TABLE,
	OUTPUT_JSON,
};

struct options {
	pid_t *pids; /* -p: VMM processes, in the order given, without repetition; NULL: all */
	size_t pid_cnt;
	__u64 interval_ns; /* length of an interval; of the one shot when repeat is false */
	__u64 count;       /* intervals to print; 0: until a signal; 1 of the one shot */
	bool repeat;       /* INTERVAL was given */
	enum output_form form;
	bool check; /* --check in place of a report */
	enum measure_mode mode;
	enum hook hook;     /* HOOK_AUTO: not given */
	double mperf_ratio; /* MPERF rate over TSC rate; 0: not given */
	int verbosity;      /* how often -v was given */
};

/*
 * Parses argv, which is left as it is. On OPTIONS_RUN the caller owns *opts and ends it with
 * options__free(); otherwise nothing is owned, and *opts is left alone. INTERVAL and -d are decimal
 * seconds ("0.5"), from 1 ms to 1,000,000 s; COUNT is 1 to 2^32-1; a PID 1 to 2^22 (the kernel's
 * PID_MAX_LIMIT), at most GTIMEHALT_MAX_WATCHED of them. A word with a control character is
 * refused.
 */
enum options_verdict options__parse(int argc, char **argv, struct options *opts);
void options__free(struct options *opts);

#endif /* OPTIONS_H */
