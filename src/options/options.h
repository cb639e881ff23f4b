/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * options - parse the command line into one constant struct. Pure: opens no file, reads no clock.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "report/filter.h"
#include "report/histogram.h"
#include "measure/hooks.h"
#include "options/listen_address.h"
#include "report/snapshot.h"
#include "report/view.h"

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

struct options {
	struct filter filter; /* -p, -t, -g, --vcpu: in the order given, without duplicates */
	__u64 interval_ns;    /* length of an interval, or of the whole run without repeat */
	__u64 count;          /* number of intervals; 0: until a signal; 1 without repeat */
	bool repeat;          /* INTERVAL, --top, --replay, --exporter or --textfile was given */
	enum output_form form;
	struct view_opts view; /* -P, -L, -s, -r */
	bool timestamp;        /* -T: print the time above each table or histogram */
	bool no_clear;         /* -C: do not clear the terminal between tables */
	bool top;              /* --top: full-screen display */
	bool histogram;        /* -H, only with MODE_ENTRY */
	enum histogram_unit histogram_unit;
	bool check; /* --check instead of a report */
	bool wait;  /* --wait: wait until KVM is loaded */
	/* --pin, --renew, --unpin: nothing is shown */
	bool pin, renew, unpin;
	/* --group, in argv: the group that may read pinned objects; NULL: only root */
	const char *group;
	enum measure_mode mode;
	bool mode_given;         /* false: a pinned measurement may have another mode */
	bool needs_entry_mode;   /* sorted by a column that only MODE_ENTRY has */
	enum hook hook;          /* HOOK_AUTO: not given */
	double mperf_ratio;      /* MPERF rate over TSC rate; 0: not given */
	const char *record_path; /* in argv; NULL: not given. Excludes replay_path */
	/*
	 * In argv; NULL: not given. If set, mode, hook and mperf_ratio are
	 * unused, and, without top, so are times.
	 */
	const char *replay_path;
	bool exporter;                /* --exporter: serve metrics over HTTP */
	struct listen_address listen; /* address of the exporter; all zero without one */
	/* --textfile, in argv: write metrics to this file; NULL: not given */
	const char *textfile_path;
	/*
	 * --user, in argv: user to switch to after the start, only with exporter
	 * or textfile_path; NULL: not given
	 */
	const char *user;
	bool bpf_stats; /* --bpf-stats: let the kernel time BPF programs */
	int verbosity;  /* number of -v */
};

/*
 * Parses argv, which is not modified.
 *
 * INTERVAL and -d are decimal seconds ("0.5") from 1 ms to 1,000,000 s; COUNT and -r are 1 to
 * 2^32-1; a PID or TID is 1 to 2^22 (the kernel's PID_MAX_LIMIT); a list has at most
 * GTIMEHALT_MAX_WATCHED elements. Words with control characters and combinations of words that make
 * no sense are rejected. With --exporter or --textfile the default interval is 10 s. With these and
 * --pin the default mode is MODE_SWITCH unless -H or --hook is given.
 *
 * On OPTIONS_RUN the caller owns *opts and frees it with options__free().
 * Otherwise *opts is unchanged.
 */
enum options_verdict options__parse(int argc, char **argv, struct options *opts);
void options__free(struct options *opts);

/* Returns whether metrics are exported instead of reports. */
static inline bool options__want_metrics(const struct options *opts)
{
	return opts->exporter || opts->textfile_path;
}

#endif /* OPTIONS_H */
