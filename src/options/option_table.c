// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stddef.h>
#include "options/listen_address.h"
#include "options/option_rules.h"
#include "options/option_table.h"

const char option_table_doc[] =
	"Show how long KVM guests halt where HLT, MWAIT or PAUSE is passed through.\n"
	"\n"
	"USAGE: gtimehalt [OPTIONS] [INTERVAL [COUNT]]\n"
	"\n"
	"EXAMPLES:\n"
	"    gtimehalt                 # measure all VMs for one second\n"
	"    gtimehalt -d 10           # ... for ten seconds, or until Ctrl-C\n"
	"    gtimehalt 1               # every second, until Ctrl-C\n"
	"    gtimehalt 0.5 20          # every half second, 20 times\n"
	"    gtimehalt -P -s halted 5  # the VMs that halt most, every five seconds\n"
	"    gtimehalt -Ls busy -r 9   # the nine busiest vCPUs\n"
	"    gtimehalt -p 2412,3177    # only the VMs of these two processes\n"
	"    gtimehalt -g 'web-*'      # only the VMs of these names\n"
	"    gtimehalt -H -m           # how long stints were halted, in milliseconds\n"
	"    gtimehalt -j 5            # one JSON object a line, every five seconds\n"
	"    gtimehalt --record f 1    # record every second; later, or elsewhere:\n"
	"    gtimehalt --replay f -P   # ... show what was recorded\n"
	"    gtimehalt --exporter      # serve metrics to Prometheus\n"
	"\v"
	"A VM's row is the sum over its vCPUs that -t and --vcpu select.\n"
	"Write a comma in a name as '\\,'.\n"
	"\n"
	"EXIT STATUS:\n"
	"    0  done\n"
	"    1  failed while running\n"
	"    2  wrong usage\n"
	"    3  this host cannot be measured: the message says what is missing";

const char option_table_args[] = "[INTERVAL [COUNT]]";

enum group {
	GROUP_FILTER = 1,
	GROUP_OUTPUT,
	GROUP_MEASURE,
	GROUP_PINNED,
	GROUP_RECORDING,
	GROUP_METRICS,
	GROUP_OTHER,
};

const struct argp_option option_table[] = {
	{ NULL, 0, NULL, 0,
	  "Which VMs and vCPUs (lists: 1,2,3, or repeat the option):", GROUP_FILTER },
	{ "pid", 'p', "PID", 0, "Only the VMs of these processes", 0 },
	{ "tid", 't', "TID", 0, "Only the vCPUs of these threads", 0 },
	{ "guest", 'g', "NAME", 0, "Only VMs whose names match, as in the shell: 'web-*'", 0 },
	{ "vcpu", KEY_VCPU, "N", 0, "Only the vCPUs of these numbers; 0-3 is a range", 0 },

	{ NULL, 0, NULL, 0, "What is shown:", GROUP_OUTPUT },
	{ "per-vm", 'P', NULL, 0, "One row for each VM", 0 },
	{ "per-vcpu", 'L', NULL, 0, "One row for each vCPU", 0 },
	{ "sort", 's', "COLUMN", 0,
	  "Sort, greatest first: halted, loaded, busy, host, wait, "
	  "blocked or entries",
	  0 },
	{ "rows", 'r', "ROWS", 0, "The first ROWS VMs, or vCPUs with -L", 0 },
	{ "histogram", 'H', NULL, 0, "Show how long stints were halted, as a histogram", 0 },
	{ "milliseconds", 'm', NULL, 0, "Histogram in milliseconds (else microseconds)", 0 },
	{ "nanoseconds", 'N', NULL, 0, "Histogram in nanoseconds", 0 },
	{ "timestamp", 'T', NULL, 0, "Print the time above each table", 0 },
	{ "no-clear", 'C', NULL, 0, "Do not clear the screen between tables", 0 },
	{ "top", KEY_TOP, NULL, 0, "Full-screen display, every INTERVAL (default 1)", 0 },
	{ "json", 'j', NULL, 0, "JSON, one object a line", 0 },
	{ "csv", KEY_CSV, NULL, 0, "CSV, one row a line", 0 },

	{ NULL, 0, NULL, 0, "How it is measured:", GROUP_MEASURE },
	{ "duration", 'd', "TIME", 0,
	  "Length of a single measurement, such as 10, 500ms or 5m (default 1 s)", 0 },
	{ "mode", KEY_MODE, "MODE", 0, "entry (default), or switch: no hooks at VM entry and exit",
	  0 },
	{ "hook", KEY_HOOK, "HOOK", 0, "Force fentry, kprobe, vcpu_enter_guest or tracepoint", 0 },
	{ "mperf-ratio", KEY_MPERF_RATIO, "R", 0, "MPERF rate over TSC rate (default: calibrate)",
	  0 },
	{ "wait", KEY_WAIT, NULL, 0, "Wait until KVM is loaded", 0 },

	{ NULL, 0, NULL, 0,
	  "Always on, without a process (see /sys/fs/bpf/gtimehalt):", GROUP_PINNED },
	{ "pin", KEY_PIN, NULL, 0, "Start measuring all VMs, and exit (default: --mode switch)",
	  0 },
	{ "group", KEY_GROUP, "NAME", 0, "Group that may read what is pinned (default: only root)",
	  0 },
	{ "renew", KEY_RENEW, NULL, 0, "Add CPUs that came online to what is pinned; start nothing",
	  0 },
	{ "unpin", KEY_UNPIN, NULL, 0, "End the pinned measurement", 0 },

	{ NULL, 0, NULL, 0, "Recordings:", GROUP_RECORDING },
	{ "record", KEY_RECORD, "FILE", 0, "Record all measurements, unfiltered, in FILE", 0 },
	{ "replay", KEY_REPLAY, "FILE", 0,
	  "Show a recording (needs neither root nor KVM); with --top an "
	  "interval every INTERVAL",
	  0 },

	{ NULL, 0, NULL, 0,
	  "Metrics, until a signal (--mode switch by default, entry with -H):", GROUP_METRICS },
	{ "exporter", KEY_EXPORTER, "ADDR:PORT", OPTION_ARG_OPTIONAL,
	  "Serve them over HTTP (default " LISTEN_ADDRESS_DEFAULT ")", 0 },
	{ "textfile", KEY_TEXTFILE, "FILE", 0,
	  "Write them to FILE every INTERVAL (default 10), for node_exporter", 0 },
	{ "user", KEY_USER, "NAME", 0, "User to switch to once measuring (default nobody)", 0 },
	{ "bpf-stats", KEY_BPF_STATS, NULL, 0,
	  "Let the kernel time all BPF programs, to show the cost of ours", 0 },

	{ NULL, 0, NULL, 0, "Other:", GROUP_OTHER },
	{ "check", KEY_CHECK, NULL, 0, "Check that the sums of CPUs and vCPUs close", 0 },
	{ "verbose", 'v', NULL, 0, "Say what was chosen and why (-vv: libbpf too)", 0 },
	{ "version", 'V', NULL, 0, "Show the version", 0 },
	{ "help", 'h', NULL, 0, "Show this help", 0 },
	{ NULL, '?', NULL, OPTION_HIDDEN, NULL, 0 },
	{ 0 }
};

__u64 option_table__word(int key)
{
	static const struct {
		int key;
		__u64 word;
	} words[] = {
		{ 'p', WORD(PID) },
		{ 't', WORD(TID) },
		{ 'g', WORD(GUEST) },
		{ KEY_VCPU, WORD(VCPU) },
		{ 'P', WORD(PER_VM) },
		{ 'L', WORD(PER_VCPU) },
		{ 's', WORD(SORT) },
		{ 'r', WORD(ROWS) },
		{ 'H', WORD(HISTOGRAM) },
		{ 'm', WORD(MILLISECONDS) },
		{ 'N', WORD(NANOSECONDS) },
		{ 'T', WORD(TIMESTAMP) },
		{ 'C', WORD(NO_CLEAR) },
		{ KEY_TOP, WORD(TOP) },
		{ 'j', WORD(JSON) },
		{ KEY_CSV, WORD(CSV) },
		{ 'd', WORD(DURATION) },
		{ KEY_MODE, WORD(MODE) },
		{ KEY_HOOK, WORD(HOOK) },
		{ KEY_MPERF_RATIO, WORD(MPERF_RATIO) },
		{ KEY_RECORD, WORD(RECORD) },
		{ KEY_REPLAY, WORD(REPLAY) },
		{ KEY_CHECK, WORD(CHECK) },
		{ KEY_WAIT, WORD(WAIT) },
		{ KEY_EXPORTER, WORD(EXPORTER) },
		{ KEY_TEXTFILE, WORD(TEXTFILE) },
		{ KEY_USER, WORD(USER) },
		{ KEY_BPF_STATS, WORD(BPF_STATS) },
		{ KEY_PIN, WORD(PIN) },
		{ KEY_RENEW, WORD(RENEW) },
		{ KEY_UNPIN, WORD(UNPIN) },
		{ KEY_GROUP, WORD(GROUP) },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].key == key)
			return words[i].word;
	return 0;
}
