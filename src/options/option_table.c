// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "options/option_table.h"

_Static_assert(WORD_CNT <= 64, "a set of words is a __u64");

const struct program_text program_texts[PROGRAM_CNT] = {
	[PROGRAM_TOOL] = {
		.name = "gtimehalt",
		.args = "[INTERVAL [COUNT]]",
		.arg_max = 2,
		.doc =
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
	"\n"
	"gtimehalt-exporter serves metrics, gtimehalt-steer keeps CPUs free for guests.\n"
	"\v"
	"A VM's row is the sum over its vCPUs that -t and --vcpu select.\n"
	"Write a comma in a name as '\\,'.\n"
	"\n"
	"EXIT STATUS:\n"
	"    0  done\n"
	"    1  failed while running\n"
	"    2  wrong usage\n"
	"    3  this host cannot be measured: the message says what is missing",
	},
	[PROGRAM_EXPORTER] = {
		.name = "gtimehalt-exporter",
		.args = "[INTERVAL]",
		.arg_max = 1,
		.doc =
	"Serve how long KVM guests halt as metrics for Prometheus, until a signal.\n"
	"\n"
	"USAGE: gtimehalt-exporter [OPTIONS] [INTERVAL]\n"
	"\n"
	"A snapshot is taken every INTERVAL seconds (default 10), and for requests.\n"
	"\n"
	"EXAMPLES:\n"
	"    gtimehalt-exporter                         # on " LISTEN_ADDRESS_DEFAULT "\n"
	"    gtimehalt-exporter --listen 0.0.0.0:10177  # for other machines, too\n"
	"    gtimehalt-exporter --textfile f.prom       # for node_exporter; no HTTP\n"
	"\v"
	"Write a comma in a name as '\\,'.\n"
	"\n"
	"EXIT STATUS:\n"
	"    0  ended by a signal\n"
	"    1  failed while running\n"
	"    2  wrong usage\n"
	"    3  this host cannot be measured: the message says what is missing",
	},
};

static const char filter[] = "Which VMs and vCPUs (lists: 1,2,3, or repeat the option):";
static const char output[] = "What is shown:";
static const char metrics[] = "Where the metrics go:";
static const char measuring[] = "How it is measured:";
static const char pinned[] = "Always on, without a process (see /sys/fs/bpf/gtimehalt):";
static const char recordings[] = "Recordings:";
static const char other[] = "Other:";

/* clang-format off */
/* Which programs have the option, with which help. */
#define TOOL(text) { text, NULL }
#define EXPORTER(text) { NULL, text }
#define BOTH(text) { text, text }

/* Where the value goes: a constant for an option without a value, or what a parser makes of it. */
#define MEMBER(member) \
	.offset = offsetof(struct options, member), .size = sizeof(((struct options *)0)->member)
#define STORE(member, to) MEMBER(member), .value = (to)
#define PARSE(value) .parse = option_values__##value

const struct option_row option_rows[WORD_CNT] = {
	[WORD_PID] = { "--pid", "PID", filter,
		BOTH("Only the VMs of these processes"), PARSE(pids), .letter = 'p' },
	[WORD_TID] = { "--tid", "TID", filter,
		TOOL("Only the vCPUs of these threads"), PARSE(tids), .letter = 't' },
	[WORD_GUEST] = { "--guest", "NAME", filter,
		BOTH("Only VMs whose names match, as in the shell: 'web-*'"), PARSE(names),
		.letter = 'g' },
	[WORD_VCPU] = { "--vcpu", "N", filter,
		TOOL("Only the vCPUs of these numbers; 0-3 is a range"), PARSE(vcpu_ids) },
	[WORD_PER_VM] = { "--per-vm", NULL, output,
		TOOL("One row for each VM"), STORE(view.level, VIEW_VMS), .letter = 'P' },
	[WORD_PER_VCPU] = { "--per-vcpu", NULL, output,
		TOOL("One row for each vCPU"), STORE(view.level, VIEW_VCPUS), .letter = 'L' },
	[WORD_SORT] = { "--sort", "COLUMN", output,
		TOOL("Sort, greatest first: idle, halted, loaded, busy, host, wait, blocked or "
		     "entries"),
		PARSE(sort), .letter = 's' },
	[WORD_ROWS] = { "--rows", "ROWS", output,
		TOOL("The first ROWS VMs, or vCPUs with -L"), PARSE(count), MEMBER(view.row_max),
		.letter = 'r' },
	[WORD_SUMMARY] = { "--summary", NULL, output,
		TOOL("Summarize the run or recording at its end: how many vCPUs each VM used, and "
		     "needs"),
		STORE(summary, true) },
	[WORD_HTML] = { "--html", "FILE", output,
		TOOL("Draw the run or recording in FILE, a page for any browser"),
		PARSE(new_path), MEMBER(html_path) },
	[WORD_HISTOGRAM] = { "--histogram", NULL, output,
		{ "Show how long stints were halted, as a histogram",
		  "Also a histogram of how long stints were halted" },
		STORE(measure.histogram, true), .letter = 'H' },
	[WORD_MILLISECONDS] = { "--milliseconds", NULL, output,
		TOOL("Histogram in milliseconds (else microseconds)"),
		STORE(histogram_unit, HISTOGRAM_MS), .letter = 'm' },
	[WORD_NANOSECONDS] = { "--nanoseconds", NULL, output,
		TOOL("Histogram in nanoseconds"), STORE(histogram_unit, HISTOGRAM_NS),
		.letter = 'N' },
	[WORD_NO_CLEAR] = { "--no-clear", NULL, output,
		TOOL("Do not clear the screen between tables"), STORE(no_clear, true),
		.letter = 'C' },
	[WORD_TOP] = { "--top", NULL, output,
		TOOL("Full-screen display, every INTERVAL (default 1)"), STORE(top, true) },
	[WORD_JSON] = { "--json", NULL, output,
		TOOL("JSON, one object a line"), STORE(form, OUTPUT_JSON), .letter = 'j' },
	[WORD_CSV] = { "--csv", NULL, output,
		TOOL("CSV, one row a line"), STORE(form, OUTPUT_CSV) },
	[WORD_LISTEN] = { "--listen", "ADDR:PORT", metrics,
		EXPORTER("Serve them over HTTP (default " LISTEN_ADDRESS_DEFAULT
			 ", or not at all with --textfile)"), PARSE(listen) },
	[WORD_TEXTFILE] = { "--textfile", "FILE", metrics,
		EXPORTER("Write them to FILE every INTERVAL, for node_exporter"),
		PARSE(new_path), MEMBER(textfile_path) },
	[WORD_DURATION] = { "--duration", "TIME", measuring,
		TOOL("Length of a single measurement, such as 10, 500ms or 5m (default 1 s)"),
		PARSE(interval), .letter = 'd' },
	[WORD_MODE] = { "--mode", "MODE", measuring,
		{ "entry (default), or switch: no hooks at VM entry and exit",
		  "switch (default): no hooks at VM entry and exit; or entry (with -H and --hook)" },
		PARSE(mode) },
	[WORD_HOOK] = { "--hook", "HOOK", measuring,
		BOTH("Force fentry, kprobe, vcpu_enter_guest or tracepoint"), PARSE(hook) },
	[WORD_MPERF_RATIO] = { "--mperf-ratio", "R", measuring,
		BOTH("MPERF rate over TSC rate (default: calibrate)"), PARSE(mperf_ratio) },
	[WORD_WAIT] = { "--wait", NULL, measuring,
		BOTH("Wait until KVM is loaded"), STORE(wait, true) },
	[WORD_PIN] = { "--pin", NULL, pinned,
		TOOL("Start measuring all VMs, and exit (default: --mode switch)"),
		STORE(pin.pin, true) },
	[WORD_GROUP] = { "--group", "NAME", pinned,
		TOOL("Group that may read what is pinned (default: only root)"),
		PARSE(name), MEMBER(pin.group) },
	[WORD_RENEW] = { "--renew", NULL, pinned,
		TOOL("Add CPUs that came online to what is pinned; start nothing"),
		STORE(pin.renew, true) },
	[WORD_UNPIN] = { "--unpin", NULL, pinned,
		TOOL("End the pinned measurement"), STORE(pin.unpin, true) },
	[WORD_RECORD] = { "--record", "FILE", recordings,
		TOOL("Record all measurements, unfiltered, in FILE"),
		PARSE(new_path), MEMBER(record_path) },
	[WORD_REPLAY] = { "--replay", "FILE", recordings,
		{ "Show a recording (needs neither root nor KVM), its intervals joined to INTERVAL; "
		  "with --top an interval every INTERVAL",
		  "Export a recording (needs neither root nor KVM)" },
		PARSE(path), MEMBER(replay_path) },
	[WORD_DIFF] = { "--diff", "BEFORE AFTER", recordings,
		TOOL("Compare two recordings: is a difference more than their variation?"),
		PARSE(path), MEMBER(before_path) },
	[WORD_FROM] = { "--from", "WHEN", recordings,
		TOOL("Begin there in the recording: 10m after its begin, or 2026-12-01T14:30"),
		PARSE(moment), MEMBER(from) },
	[WORD_TO] = { "--to", "WHEN", recordings,
		TOOL("End there in the recording"), PARSE(moment), MEMBER(to) },
	[WORD_USER] = { "--user", "NAME", other,
		EXPORTER("User to switch to once measuring (default nobody)"),
		PARSE(name), MEMBER(user) },
	[WORD_BPF_STATS] = { "--bpf-stats", NULL, other,
		EXPORTER("Let the kernel time all BPF programs, to show the cost of ours"),
		STORE(measure.bpf_stats, true) },
	[WORD_CHECK] = { "--check", NULL, other,
		TOOL("Check that the sums of CPUs and vCPUs close"), STORE(measure.check, true) },
	[WORD_VERBOSE] = { "--verbose", NULL, other,
		BOTH("Say what was chosen and why (-vv: libbpf too)"), .parse = NULL,
		.letter = 'v' },
	[WORD_VERSION] = { "--version", NULL, other, BOTH("Show the version"),
		.parse = NULL, .letter = 'V' },
	[WORD_HELP] = { "--help", NULL, other, BOTH("Show this help"), .parse = NULL,
		.letter = 'h' },

	[WORD_INTERVAL] = { .name = "INTERVAL", PARSE(interval) },
	[WORD_COUNT] = { .name = "COUNT", PARSE(count), MEMBER(count) },
	[WORD_AFTER] = { .name = "AFTER", PARSE(path), MEMBER(after_path) },
	[WORD_SORT_IN_ENTRY] = { .name = "--sort" },
	[WORD_MODE_SWITCH] = { .name = "--mode switch" },
	[WORD_HOOK_CHOSEN] = { .name = "--hook" },
	[WORD_REPLAY_AT_ONCE] = { .name = "--replay" },
};
/* clang-format on */
