/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * options - parse the command line of gtimehalt or gtimehalt-exporter into one constant struct.
 * Pure: opens no file, reads no clock.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "base/listen_address.h"
#include "measure/measure_opts.h"
#include "report/histogram.h"
#include "report/view.h"

enum program {
	PROGRAM_TOOL,
	PROGRAM_EXPORTER,
	PROGRAM_CNT,
};

enum options_verdict {
	OPTIONS_RUN,   /* run the program */
	OPTIONS_DONE,  /* --help or --version was printed on stdout: exit with 0 */
	OPTIONS_USAGE, /* one line on stderr has reported the error: exit with 2 */
};

enum output_form {
	OUTPUT_TABLE,
	OUTPUT_JSON,
	OUTPUT_CSV,
};

/* --from, --to: a moment of a recording. */
struct moment {
	enum {
		MOMENT_NONE, /* not given */
		MOMENT_AFTER_BEGIN,
		MOMENT_REAL, /* CLOCK_REALTIME */
	} kind;
	__u64 ns;
};

struct options {
	struct measure_opts measure;
	__u64 interval_ns; /* length of an interval, or of the whole run without repeat */
	__u64 count;       /* number of intervals; 0: until a signal; 1 without repeat */
	bool repeat;       /* INTERVAL, --top, --replay, --summary, --html or PROGRAM_EXPORTER */
	int verbosity;     /* number of -v */
	bool wait;         /* --wait: wait until KVM is loaded */
	/*
	 * --replay, in argv; NULL: not given. If set, the mode, hook and mperf_ratio are unused,
	 * and, without top, so is interval_ns: see join_ns.
	 */
	const char *replay_path;

	/* Only of PROGRAM_TOOL. */
	const char *record_path; /* --record, in argv; NULL: not given. Excludes replay_path */
	enum output_form form;
	struct view_opts view; /* -P, -L, -s, -r */
	bool no_clear;         /* -C: do not clear the terminal between tables */
	bool top;              /* --top: full-screen display */
	enum histogram_unit histogram_unit;
	bool summary;          /* --summary: of all intervals, at the end */
	const char *html_path; /* --html, in argv: of all intervals, at the end; NULL: not given */
	/* --diff, in argv: two recordings; NULL: not given. Excludes replay_path */
	const char *before_path, *after_path;
	struct moment from, to; /* only with recordings */
	/* INTERVAL of recordings, without --top: join theirs to this length; 0: do not */
	__u64 join_ns;
	struct pin_opts pin; /* if one of it is set, nothing is shown */

	/* Only of PROGRAM_EXPORTER. */
	struct listen_address listen; /* len 0: metrics are not served over HTTP */
	const char *textfile_path;    /* --textfile, in argv: file for metrics; NULL: not given */
	/* --user, in argv: user to switch to after the start; NULL: not given */
	const char *user;
};

/*
 * Parses argv, which is not modified.
 *
 * INTERVAL and -d are decimal seconds ("0.5") from 1 ms to 1,000,000 s; COUNT and -r are 1 to
 * 2^32-1; a PID or TID is 1 to 2^22 (the kernel's PID_MAX_LIMIT); a list has at most
 * GTIMEHALT_MAX_WATCHED elements. Words with control characters and combinations of words that make
 * no sense are rejected. The exporter's default interval is 10 s; it listens on
 * LISTEN_ADDRESS_DEFAULT if neither --listen nor --textfile is given. For the exporter and --pin
 * the default mode is MODE_SWITCH unless -H or --hook is given.
 *
 * On OPTIONS_RUN the caller owns *opts and frees it with options__free().
 * Otherwise *opts is unchanged.
 */
enum options_verdict options__parse(enum program program, int argc, char **argv,
				    struct options *opts);
void options__free(struct options *opts);

#endif /* OPTIONS_H */
