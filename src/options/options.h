/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * options - the command line, as one constant struct. Pure: no file is opened here, no clock read.
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
	OPTIONS_RUN,   /* go on */
	OPTIONS_DONE,  /* --help or --version was printed on stdout: exit 0 */
	OPTIONS_USAGE, /* one line on stderr said what is wrong: exit 2 */
};

enum output_form {
	OUTPUT_TABLE,
	OUTPUT_JSON,
	OUTPUT_CSV,
};

struct options {
	struct filter filter; /* -p, -t, -g, --vcpu: each in the order given, without repetition */
	__u64 interval_ns;    /* length of an interval; of the one shot when repeat is false */
	__u64 count;          /* intervals to print; 0: until a signal; 1 of the one shot */
	bool repeat;          /* INTERVAL was given, or --top, --replay, --exporter or --textfile */
	enum output_form form;
	struct view_opts view; /* -P, -L, -s, -r */
	bool timestamp;        /* -T: the time above each table or histogram */
	bool no_clear;  /* -C: else a terminal is cleared between the tables of several intervals */
	bool top;       /* --top: a full screen */
	bool histogram; /* -H, only with MODE_ENTRY */
	enum histogram_unit histogram_unit;
	bool check; /* --check in place of a report */
	bool wait;  /* --wait: for KVM, when it is not loaded */
	/* --pin, --renew, --unpin: nothing is shown */
	bool pin, renew, unpin;
	const char *group; /* --group, in argv: who may read what is pinned; NULL: root alone */
	enum measure_mode mode;
	bool mode_given;         /* else a measurement that is pinned may have another */
	bool needs_entry_mode;   /* sorted by what only that mode has */
	enum hook hook;          /* HOOK_AUTO: not given */
	double mperf_ratio;      /* MPERF rate over TSC rate; 0: not given */
	const char *record_path; /* in argv; NULL: not given. Never together with replay_path */
	/* In argv; NULL: not given. Else mode, hook and mperf_ratio mean nothing, nor, without top, times. */
	const char *replay_path;
	bool exporter;                /* --exporter: metrics over HTTP */
	struct listen_address listen; /* ... there; all zero without exporter */
	const char *textfile_path;    /* --textfile: metrics as a file; in argv; NULL: not given */
	/* --user: whom to become once measuring, only with either of these; in argv; NULL: not given */
	const char *user;
	bool bpf_stats; /* --bpf-stats: the kernel is to time BPF programs */
	int verbosity;  /* how often -v was given */
};

/*
 * Parses argv, which is left as it is. On OPTIONS_RUN the caller owns *opts and ends it with
 * options__free(); otherwise nothing is owned, and *opts is left alone. INTERVAL and -d are decimal
 * seconds ("0.5"), from 1 ms to 1,000,000 s; COUNT and -r are 1 to 2^32-1; a PID or TID 1 to 2^22 (the
 * kernel's PID_MAX_LIMIT); a list has at most GTIMEHALT_MAX_WATCHED elements. A word with a control
 * character is refused, and so are words that make no sense together. With --exporter or --textfile an
 * interval is 10 s unless INTERVAL is given, and mode is MODE_SWITCH unless --mode, -H or --hook say more.
 */
enum options_verdict options__parse(int argc, char **argv, struct options *opts);
void options__free(struct options *opts);

/* Whether metrics are wanted, in whatever way, in place of reports. */
static inline bool options__want_metrics(const struct options *opts)
{
	return opts->exporter || opts->textfile_path;
}

#endif /* OPTIONS_H */
