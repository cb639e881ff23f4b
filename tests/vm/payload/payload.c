// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * payload: a KVM guest that measures how long it was halted.
 *
 * Each vCPU follows a given duty and times its own HLTs in the guest. The report says, in
 * CLOCK_MONOTONIC, when the vCPU was halted: a witness that shares no data with the host's view.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "payload.h"

enum exit_code {
	EXIT_OK,
	EXIT_FAILED,
	EXIT_USAGE
};

enum {
	OPT_VMS = 256,
	OPT_IN_TURN,
	OPT_VCPUS,
	OPT_BUSY,
	OPT_PERIOD_MS,
	OPT_TURN_MS,
	OPT_IDLE,
	OPT_HLT,
	OPT_PIN,
	OPT_SECONDS,
	OPT_NAME,
	OPT_THREAD_NAME,
	OPT_HALTS,
	OPT_VMM_SLEEP_US,
	OPT_EXITS,
	OPT_READ_MSR,
	OPT_REPORT,
	OPT_READY,
	OPT_HOLD,
	OPT_LINGER,
	OPT_LOG_ENTRIES,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "vms", required_argument, NULL, OPT_VMS },
	{ "in-turn", no_argument, NULL, OPT_IN_TURN },
	{ "vcpus", required_argument, NULL, OPT_VCPUS },
	{ "busy", required_argument, NULL, OPT_BUSY },
	{ "period-ms", required_argument, NULL, OPT_PERIOD_MS },
	{ "turn-ms", required_argument, NULL, OPT_TURN_MS },
	{ "idle", required_argument, NULL, OPT_IDLE },
	{ "hlt", required_argument, NULL, OPT_HLT },
	{ "pin", required_argument, NULL, OPT_PIN },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "thread-name", required_argument, NULL, OPT_THREAD_NAME },
	{ "halts", required_argument, NULL, OPT_HALTS },
	{ "vmm-sleep-us", required_argument, NULL, OPT_VMM_SLEEP_US },
	{ "exits", required_argument, NULL, OPT_EXITS },
	{ "read-msr", required_argument, NULL, OPT_READ_MSR },
	{ "report", required_argument, NULL, OPT_REPORT },
	{ "ready", required_argument, NULL, OPT_READY },
	{ "hold", no_argument, NULL, OPT_HOLD },
	{ "linger", no_argument, NULL, OPT_LINGER },
	{ "log-entries", required_argument, NULL, OPT_LOG_ENTRIES },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static const char usage[] =
	"Usage: payload [OPTION...]\n"
	"Run KVM guests whose vCPUs follow a duty and log their own halts.\n"
	"\n"
	"  --vms M               VMs in this process (1)\n"
	"  --in-turn             one thread runs the VMs, of one vCPU each, one after the other: each for\n"
	"                        --seconds; then the VM is closed, and the next one is opened\n"
	"  --vcpus N             vCPUs of each VM (1)\n"
	"  --busy PCT[,PCT...]   busy part of each period, 0..100, for all vCPUs or one for each (30)\n"
	"  --period-ms P         length of a period (100)\n"
	"  --turn-ms T           all vCPUs follow the list of --busy, each part for T ms, again and again\n"
	"  --idle hlt|mwait|pause  how to spend the rest of a period (hlt); mwait also applies to\n"
	"                        --halts, and KVM must be able to pass it through\n"
	"  --hlt passthrough|exit  HLT, PAUSE and MWAIT without VM exits, or with them (passthrough)\n"
	"  --halts MS:COUNT[,MS:COUNT...]\n"
	"                        instead of the duty: COUNT halts of MS ms each, an exit after each\n"
	"  --vmm-sleep-us N      with --halts: at each of these exits the VMM sleeps N us (0)\n"
	"  --exits cpuid|out|hlt[:COUNT[:ROUNDS]]\n"
	"                        instead of the duty: VM exits in a tight loop, until the end or\n"
	"                        COUNT times, repeated ROUNDS times (1); hlt needs --hlt exit, and\n"
	"                        sleeps for --period-ms each time\n"
	"  --read-msr NUMBER     with --exits and --pin: read /dev/cpu/CPU/msr at each end of a round\n"
	"  --pin CPU[,CPU...]    pin all vCPU threads to a CPU, or each to its own\n"
	"  --seconds S           end after S seconds of duty; also the longest wait for --hold (10)\n"
	"  --name NAME           process name; guest=NAME[,...] as with QEMU is accepted (payload)\n"
	"  --thread-name TEXT    name of vCPU threads; % is the vCPU's number (CPU %/KVM)\n"
	"  --ready FILE          create FILE when all vCPUs are ready or, without --hold, run their\n"
	"                        duty; there is always a message on stderr\n"
	"  --hold                when ready, wait for SIGUSR1 before the duty\n"
	"  --linger              when all --halts or --exits are done, still wait for the end\n"
	"  --report FILE         write the JSON report to FILE instead of stdout\n"
	"  --log-entries N       room for halts in each vCPU's log (65536)\n"
	"\n"
	"SIGINT and SIGTERM end the run; the report is still written. Exit codes: 0 done, 1 failed,\n"
	"2 usage.\n";

static int parse_number(const char **text, double min, double max, double *value)
{
	char *end;

	/* strtod() would also accept signs, spaces, hexadecimals, "inf" and "nan". */
	if (**text < '0' || **text > '9' || (*text)[1] == 'x' || (*text)[1] == 'X')
		return -EINVAL;
	errno = 0;
	*value = strtod(*text, &end);
	if (errno || !(*value >= min && *value <= max))
		return -ERANGE;
	*text = end;
	return 0;
}

static int parse_whole(const char **text, uint64_t min, uint64_t max, uint64_t *value)
{
	unsigned long long number;
	char *end;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(*text, &end, 0);
	if (errno || number < min || number > max)
		return -ERANGE;
	*value = number;
	*text = end;
	return 0;
}

static int only_whole(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t number;
	int err = parse_whole(&text, min, max, &number);

	if (err || *text)
		return err ? err : -EINVAL;
	*value = number;
	return 0;
}

static int only_thousandths(const char *text, double min, double max, uint64_t *value)
{
	double number;
	int err = parse_number(&text, min, max, &number);

	if (err || *text)
		return err ? err : -EINVAL;
	*value = llround(number * 1000);
	return 0;
}

static int one_of(const char *text, const char *zero, const char *one, unsigned int *value)
{
	if (strcmp(text, zero) && strcmp(text, one))
		return -EINVAL;
	*value = !strcmp(text, one);
	return 0;
}

static int parse_idle(const char *text, enum guest_idle *idle)
{
	static const char *const names[] = {
		[GUEST_IDLE_HLT] = "hlt",
		[GUEST_IDLE_MWAIT] = "mwait",
		[GUEST_IDLE_PAUSE] = "pause",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*idle = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_list(const char *text, double max, double *list, unsigned int *cnt)
{
	unsigned int n = 0;

	for (;; text++) {
		int err;

		if (n == MAX_TOTAL)
			return -E2BIG;
		err = parse_number(&text, 0, max, &list[n]);
		if (err)
			return err;
		n++;
		if (!*text)
			break;
		if (*text != ',')
			return -EINVAL;
	}
	*cnt = n;
	return 0;
}

static int parse_halts(const char *text, struct options *opts)
{
	unsigned int n = 0;

	for (;; text++) {
		double ms;
		int err;

		if (n == MAX_HALT_GROUPS)
			return -E2BIG;
		err = parse_number(&text, 0.001, 10000, &ms);
		if (err || *text++ != ':')
			return -EINVAL;
		err = parse_whole(&text, 1, 1000000, &opts->halts[n].count);
		if (err)
			return err;
		opts->halts[n++].us = llround(ms * 1000);
		if (!*text)
			break;
		if (*text != ',')
			return -EINVAL;
	}
	opts->halt_groups = n;
	return 0;
}

static int parse_exits(const char *text, struct options *opts)
{
	size_t kind_sz = strcspn(text, ":");
	int err = 0;

	if (kind_sz == 3 && !strncmp(text, "out", 3))
		opts->exit_kind = GUEST_EXIT_OUT;
	else if (kind_sz == 3 && !strncmp(text, "hlt", 3))
		opts->exit_kind = GUEST_EXIT_HLT;
	else if (kind_sz == 5 && !strncmp(text, "cpuid", 5))
		opts->exit_kind = GUEST_EXIT_CPUID;
	else
		return -EINVAL;
	text += kind_sz;
	if (*text == ':') {
		text++;
		err = parse_whole(&text, 1, UINT64_MAX, &opts->exit_count);
	}
	if (!err && *text == ':') {
		text++;
		err = parse_whole(&text, 1, MAX_MARKS - 1, &opts->exit_rounds);
	}
	return err ? err : *text ? -EINVAL : 0;
}

/* Lists as given; they can be assigned to vCPUs only when all options are known. */
struct lists {
	double busy[MAX_TOTAL], pin[MAX_TOTAL];
	unsigned int busy_cnt, pin_cnt;
	bool halts, exits;
};

static int parse_option(int opt, const char *arg, struct options *opts, struct lists *lists)
{
	unsigned int second = 0;
	uint64_t number = 0;
	int err = 0;

	switch (opt) {
	case OPT_VMS:
		err = only_whole(arg, 1, MAX_VMS, &number);
		opts->vms = number;
		break;
	case OPT_IN_TURN:
		opts->in_turn = true;
		break;
	case OPT_VCPUS:
		err = only_whole(arg, 1, GUEST_MAX_VCPUS, &number);
		opts->vcpus = number;
		break;
	case OPT_BUSY:
		err = parse_list(arg, 100, lists->busy, &lists->busy_cnt);
		break;
	case OPT_PERIOD_MS:
		err = only_thousandths(arg, 0.1, 10000, &opts->period_us);
		break;
	case OPT_TURN_MS:
		err = only_thousandths(arg, 1, 1000000, &opts->turn_us);
		break;
	case OPT_IDLE:
		err = parse_idle(arg, &opts->idle);
		break;
	case OPT_HLT:
		err = one_of(arg, "exit", "passthrough", &second);
		opts->passthrough = second;
		break;
	case OPT_PIN:
		err = parse_list(arg, 1023, lists->pin, &lists->pin_cnt);
		break;
	case OPT_SECONDS:
		err = only_thousandths(arg, 0.1, 3600, &opts->seconds_ms);
		break;
	case OPT_NAME:
		opts->name = arg;
		break;
	case OPT_THREAD_NAME:
		opts->thread_name = arg;
		break;
	case OPT_HALTS:
		err = parse_halts(arg, opts);
		lists->halts = true;
		break;
	case OPT_VMM_SLEEP_US:
		err = only_whole(arg, 1, 1000000, &opts->vmm_sleep_us);
		break;
	case OPT_EXITS:
		err = parse_exits(arg, opts);
		lists->exits = true;
		break;
	case OPT_READ_MSR:
		err = only_whole(arg, 0, INT32_MAX, &number);
		opts->read_msr = number;
		break;
	case OPT_REPORT:
		opts->report = arg;
		break;
	case OPT_READY:
		opts->ready = arg;
		break;
	case OPT_HOLD:
		opts->hold = true;
		break;
	case OPT_LINGER:
		opts->linger = true;
		break;
	case OPT_LOG_ENTRIES:
		err = only_whole(arg, 1, 1 << 22, &opts->log_entries);
		break;
	}
	return err;
}

/* Checks rules between options, and assigns lists to vCPUs. Returns NULL, or what is wrong. */
static const char *settle(struct options *opts, const struct lists *lists)
{
	unsigned int total = opts->vms * opts->vcpus;

	if (total > MAX_TOTAL)
		return "too many vCPUs in total";
	if (opts->turn_us && (!lists->busy_cnt || lists->busy_cnt > GUEST_MAX_TURNS))
		return "--turn-ms needs --busy with up to 8 numbers";
	if (!opts->turn_us && lists->busy_cnt > 1 && lists->busy_cnt != total)
		return "--busy needs one number, or one for each vCPU";
	if (lists->pin_cnt > 1 && lists->pin_cnt != total)
		return "--pin needs one CPU, or one for each vCPU";
	if (opts->in_turn && (opts->vcpus > 1 || lists->halts || lists->exits || opts->hold))
		return "--in-turn needs a duty and one vCPU per VM, and excludes --hold";
	if (lists->halts && lists->exits)
		return "--halts excludes --exits";
	if (lists->halts || lists->exits)
		opts->mode = lists->halts ? GUEST_HALTS : GUEST_EXITS;
	if (opts->mode != GUEST_DUTY && (lists->busy_cnt || opts->idle == GUEST_IDLE_PAUSE))
		return "--halts and --exits exclude a duty";
	if (opts->vmm_sleep_us && !lists->halts)
		return "--vmm-sleep-us needs --halts";
	if (opts->idle == GUEST_IDLE_MWAIT && (lists->exits || !opts->passthrough))
		return "--idle mwait excludes --exits and --hlt exit";
	if (lists->exits && opts->exit_kind == GUEST_EXIT_HLT && opts->passthrough)
		return "--exits hlt needs --hlt exit";
	if (opts->read_msr >= 0 && (!lists->pin_cnt || opts->mode != GUEST_EXITS))
		return "--read-msr needs --exits and --pin";
	opts->turn_cnt = opts->turn_us ? lists->busy_cnt : 0;
	for (unsigned int i = 0; i < total; i++) {
		if (lists->busy_cnt)
			opts->busy_pct[i] =
				lists->busy[lists->busy_cnt > 1 && !opts->turn_us ? i : 0];
		else
			opts->busy_pct[i] = 30;
		opts->pin[i] = lists->pin_cnt ? lists->pin[lists->pin_cnt > 1 ? i : 0] : -1;
		if (lists->pin_cnt && opts->pin[i] != lists->pin[lists->pin_cnt > 1 ? i : 0])
			return "--pin needs whole numbers";
	}
	for (unsigned int i = 0; i < opts->turn_cnt; i++)
		opts->busy_pct[i] = lists->busy[i];
	/* The logs must fit into the GiB that the guest maps. */
	if (opts->log_entries * sizeof(struct halt_segment) * opts->vcpus > 900UL << 20)
		return "--log-entries is too large for this number of vCPUs";
	return NULL;
}

/* Returns an exit code; sets *leave if the program must exit with it. */
static enum exit_code parse_options(int argc, char **argv, struct options *opts, bool *leave)
{
	struct lists lists = { .busy_cnt = 0 };
	const char *wrong;
	int opt, idx;

	*leave = true;
	/* getopt_long_only(), because QEMU's options have one dash, as in -name. */
	while ((opt = getopt_long_only(argc, argv, "", long_options, &idx)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage, stdout);
			return EXIT_OK;
		}
		if (opt == '?')
			return EXIT_USAGE;
		if (parse_option(opt, optarg, opts, &lists)) {
			fprintf(stderr, "payload: --%s: bad value '%s'\n", long_options[idx].name,
				optarg);
			return EXIT_USAGE;
		}
	}
	wrong = optind < argc ? "takes no arguments" : settle(opts, &lists);
	if (wrong) {
		fprintf(stderr, "payload: %s\n", wrong);
		return EXIT_USAGE;
	}
	*leave = false;
	return EXIT_OK;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Returns 0 when the time is over, a signal's number, or -1 if the vCPUs' progress has changed. */
static int wait_for_event(struct session *s, int signal_fd, int64_t until_ms)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = s->event_fd, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	uint64_t events;
	int64_t left;

	for (;;) {
		left = until_ms - monotonic_ms();
		if (left <= 0)
			return 0;
		if (poll(fds, 2, left) <= 0)
			continue;
		if (fds[0].revents && read(signal_fd, &info, sizeof(info)) == sizeof(info))
			return info.ssi_signo;
		if (fds[1].revents && read(s->event_fd, &events, sizeof(events)) == sizeof(events))
			return -1;
	}
}

static int say_ready(const struct options *opts)
{
	FILE *file;

	fprintf(stderr, "payload: ready, pid %d\n", getpid());
	if (!opts->ready)
		return 0;
	file = fopen(opts->ready, "we");
	if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file)) {
		perror(opts->ready);
		return -1;
	}
	return 0;
}

static unsigned int turn_cnt(const struct options *opts)
{
	return opts->in_turn ? opts->vms : 1;
}

/* Waits for the end of the run. Returns 0, or -1 if the run has failed. */
static int wait_for_end(struct session *s, int signal_fd)
{
	int64_t until_ms = monotonic_ms() + s->opts->seconds_ms;
	unsigned int turn = 0; /* the current turn */
	bool ready = false, go = false;

	for (;;) {
		int event = wait_for_event(s, signal_fd, until_ms);
		struct progress progress = session__progress(s);

		if (progress.failed)
			return -1;
		if (event == SIGINT || event == SIGTERM)
			return 0;
		if (event == 0 && !go) {
			fprintf(stderr, "payload: %s\n",
				ready ? "SIGUSR1 did not come in time"
				      : "the vCPUs were not ready in time");
			return -1;
		}
		if (event == 0 && turn + 1 < turn_cnt(s->opts)) {
			session__end_turn(s, turn++);
			until_ms = monotonic_ms() + s->opts->seconds_ms;
			continue;
		}
		if (event == 0)
			return 0;
		if (!ready && progress.ready == s->thread_cnt) {
			ready = true;
			if (s->opts->hold && say_ready(s->opts))
				return -1;
		}
		if (ready && !go && (!s->opts->hold || event == SIGUSR1)) {
			go = true;
			until_ms = monotonic_ms() + s->opts->seconds_ms;
			session__go(s);
			if (!s->opts->hold && say_ready(s->opts))
				return -1;
		}
		if (progress.done == s->thread_cnt && !s->opts->linger)
			return 0;
	}
}

static int write_report(const struct session *s)
{
	FILE *file = stdout;
	int err;

	if (s->opts->report)
		file = fopen(s->opts->report, "we");
	if (!file) {
		perror(s->opts->report);
		return -1;
	}
	err = report__write(s, file);
	if (s->opts->report && fclose(file))
		err = -1;
	if (err)
		fprintf(stderr, "payload: cannot write the report\n");
	return err;
}

static int run_session(const struct options *opts, int signal_fd)
{
	static struct session session; /* too large for a stack */
	int err = session__open(&session, opts);

	if (!err)
		err = session__start(&session);
	if (!err)
		err = wait_for_end(&session, signal_fd);
	session__stop(&session);
	session__join(&session);
	if (!err)
		err = write_report(&session);
	session__close(&session);
	return err;
}

static void set_process_name(const char *name)
{
	char comm[16];

	if (!strncmp(name, "guest=", 6))
		name += 6;
	snprintf(comm, sizeof(comm), "%.*s", (int)strcspn(name, ","), name);
	prctl(PR_SET_NAME, comm);
}

int main(int argc, char **argv)
{
	struct options opts = {
		.vms = 1,
		.vcpus = 1,
		.period_us = 100000,
		.passthrough = true,
		.exit_count = UINT64_MAX,
		.exit_rounds = 1,
		.read_msr = -1,
		.seconds_ms = 10000,
		.name = "payload",
		.thread_name = "CPU %/KVM",
		.log_entries = 65536,
	};
	enum exit_code code;
	sigset_t signals;
	int signal_fd;
	bool leave;

	code = parse_options(argc, argv, &opts, &leave);
	if (leave)
		return code;
	set_process_name(opts.name);

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	/* The vCPU threads inherit this mask, so that signals are read from the signalfd only. */
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (signal_fd < 0) {
		perror("signalfd");
		return EXIT_FAILED;
	}
	return run_session(&opts, signal_fd) ? EXIT_FAILED : EXIT_OK;
}
