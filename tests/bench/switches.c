// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes context switches for the bench, and reads how many instructions a CPU took for them.
 *
 *	switches pair CPU		two threads that hand a byte to each other, until killed
 *	switches preempt CPU US		takes the CPU from whoever has it, every US microseconds, until killed
 *	switches watch CPU MSR MS ROUNDS TID...
 *					a line "INSTRUCTIONS SWITCHES" a round: by how much the MSR of CPU
 *					grew in MS ms, and how often these threads left a CPU in it
 *
 * The first two print their threads' TIDs when they are at work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC   1000000000L
#define NSEC_PER_MSEC  1000000L
#define NSEC_PER_USEC  1000L
#define MAX_TIDS       8
#define MAX_STILL_READ 50

struct baton {
	int from, to;
};

static void die(const char *what)
{
	fprintf(stderr, "switches: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long number(const char *text, long min)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 0);
	if (errno || end == text || *end || value < min) {
		fprintf(stderr, "switches: '%s' is not a number from %ld\n", text, min);
		exit(2);
	}
	return value;
}

static void pin(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("pinning");
}

static void sleep_until(struct timespec *when, long ns)
{
	when->tv_sec += (when->tv_nsec + ns) / NSEC_PER_SEC;
	when->tv_nsec = (when->tv_nsec + ns) % NSEC_PER_SEC;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL) == EINTR)
		;
}

static void *pass_on(void *arg)
{
	const struct baton *baton = arg;
	char byte;

	for (;;)
		if (read(baton->from, &byte, 1) != 1 || write(baton->to, &byte, 1) != 1)
			die("passing a byte on");
	return NULL;
}

static void *second_thread(void *arg)
{
	printf("%d\n", gettid());
	fflush(stdout);
	return pass_on(arg);
}

static int run_pair(long cpu)
{
	int there[2], back[2];
	struct baton first, second;
	pthread_t thread;

	pin(cpu);
	if (pipe(there) || pipe(back))
		die("pipe");
	first = (struct baton){ .from = back[0], .to = there[1] };
	second = (struct baton){ .from = there[0], .to = back[1] };
	printf("%d ", gettid());
	if (pthread_create(&thread, NULL, second_thread, &second))
		die("starting a thread");
	if (write(there[1], "", 1) != 1)
		die("passing a byte on");
	pass_on(&first);
	return 1;
}

static int run_preempt(long cpu, long us)
{
	struct sched_param param = { .sched_priority = 1 };
	struct timespec when;

	pin(cpu);
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("SCHED_FIFO");
	printf("%d\n", getpid());
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &when);
	for (;;)
		sleep_until(&when, us * NSEC_PER_USEC);
	return 1;
}

static uint64_t switches_of(const int *status, int cnt)
{
	uint64_t sum = 0;

	for (int i = 0; i < cnt; i++) {
		static const char key[] = "voluntary_ctxt_switches:";
		char text[4096];
		ssize_t len = pread(status[i], text, sizeof(text) - 1, 0);
		const char *at = text;

		if (len <= 0)
			die("reading a thread's status");
		text[len] = '\0';
		/* Finds nonvoluntary_ctxt_switches as well. */
		while ((at = strstr(at, key))) {
			at += sizeof(key) - 1;
			sum += strtoull(at, NULL, 10);
		}
	}
	return sum;
}

/* Both at one moment: again as long as there was a switch between the reads, if they leave time. */
static void read_both(int msr_fd, long msr, const int *status, int cnt, uint64_t *insns,
		      uint64_t *switches)
{
	for (int i = 0; i < MAX_STILL_READ; i++) {
		uint64_t before = switches_of(status, cnt);

		if (pread(msr_fd, insns, sizeof(*insns), msr) != sizeof(*insns))
			die("reading the MSR");
		*switches = switches_of(status, cnt);
		if (*switches == before)
			break;
	}
}

static int run_watch(char **argv, int tid_cnt)
{
	long cpu = number(argv[0], 0), msr = number(argv[1], 0);
	long ms = number(argv[2], 1), rounds = number(argv[3], 1);
	uint64_t insns, switches;
	int status[MAX_TIDS], fd;
	struct timespec when;
	char path[64];

	snprintf(path, sizeof(path), "/dev/cpu/%ld/msr", cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	for (int i = 0; i < tid_cnt; i++) {
		snprintf(path, sizeof(path), "/proc/%ld/status", number(argv[4 + i], 1));
		status[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (status[i] < 0)
			die(path);
	}
	clock_gettime(CLOCK_MONOTONIC, &when);
	read_both(fd, msr, status, tid_cnt, &insns, &switches);
	while (rounds--) {
		uint64_t prev_insns = insns, prev_switches = switches;

		sleep_until(&when, ms * NSEC_PER_MSEC);
		read_both(fd, msr, status, tid_cnt, &insns, &switches);
		printf("%" PRIu64 " %" PRIu64 "\n", insns - prev_insns, switches - prev_switches);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "pair"))
		return run_pair(number(argv[2], 0));
	if (argc == 4 && !strcmp(argv[1], "preempt"))
		return run_preempt(number(argv[2], 0), number(argv[3], 1));
	if (argc >= 7 && argc - 6 <= MAX_TIDS && !strcmp(argv[1], "watch"))
		return run_watch(argv + 2, argc - 6);
	fprintf(stderr,
		"usage: switches pair CPU | preempt CPU US | watch CPU MSR MS ROUNDS TID...\n");
	return 2;
}
