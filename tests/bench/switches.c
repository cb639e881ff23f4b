// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes context switches for the benchmark, and prints how many instructions they took.
 *
 *	switches pair CPU MSR SHORT LONG ROUNDS
 *		two threads that pass a byte back and forth: a round trip is two switches
 *	switches preempt CPU MSR SHORT LONG ROUNDS US
 *		a thread that preempts the running one every US us: there and back is one switch
 *
 * All threads use SCHED_FIFO, the preempting one with a higher priority, because a fair scheduler
 * decides at each wake-up by how long each thread has run, so that results would vary. The caller
 * lifts the limit on real-time threads.
 *
 * Stretches alternate between SHORT and LONG switches, ROUNDS of each. Each prints a line
 * "INSTRUCTIONS SWITCHES"; the instructions are the growth of the CPU's MSR. Reading the MSR costs
 * the same in both kinds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC  1000000000L
#define NSEC_PER_USEC 1000L

struct order {
	long cpu, msr, stretch[2], rounds, us;
};

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

static void pass_on(const struct baton *baton)
{
	char byte;

	if (read(baton->from, &byte, 1) != 1 || write(baton->to, &byte, 1) != 1)
		die("passing a byte on");
}

static void *second_thread(void *arg)
{
	for (;;)
		pass_on(arg);
	return NULL;
}

static uint64_t switches_so_far(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		die("getrusage");
	return (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
}

static uint64_t read_msr(int fd, long msr)
{
	uint64_t value;

	if (pread(fd, &value, sizeof(value), msr) != sizeof(value))
		die("reading the MSR");
	return value;
}

/*
 * Runs stretches of both lengths in turn; prints them at the end, because printing takes
 * instructions as well.
 */
static void run_stretches(const struct order *order, void (*one)(void *arg), void *arg,
			  unsigned int switches_of_one)
{
	uint64_t *insns = calloc((size_t)order->rounds * 2, sizeof(*insns)), before, expected = 0;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/cpu/%ld/msr", order->cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!insns || fd < 0)
		die(path);
	before = switches_so_far();
	for (long i = 0; i < order->rounds * 2; i++) {
		insns[i] = read_msr(fd, order->msr);
		for (long left = order->stretch[i & 1]; left > 0; left -= switches_of_one)
			one(arg);
		insns[i] = read_msr(fd, order->msr) - insns[i];
		expected += (uint64_t)order->stretch[i & 1];
	}
	before = switches_so_far() - before;
	if (before < expected - expected / 50 || before > expected + expected / 50) {
		fprintf(stderr, "switches: %" PRIu64 " instead of %" PRIu64 "\n", before, expected);
		exit(1);
	}
	for (long i = 0; i < order->rounds * 2; i++)
		printf("%" PRIu64 " %ld\n", insns[i], order->stretch[i & 1]);
	free(insns);
	close(fd);
}

static void one_round_trip(void *arg)
{
	const struct baton *baton = arg;
	char byte;

	if (write(baton->to, "", 1) != 1 || read(baton->from, &byte, 1) != 1)
		die("passing a byte on");
}

static void run_pair(const struct order *order)
{
	int there[2], back[2];
	struct baton first, second;
	pthread_t thread;

	if (pipe(there) || pipe(back))
		die("pipe");
	first = (struct baton){ .from = back[0], .to = there[1] };
	second = (struct baton){ .from = there[0], .to = back[1] };
	if (pthread_create(&thread, NULL, second_thread, &second))
		die("starting a thread");
	run_stretches(order, one_round_trip, &first, 2);
}

struct timer {
	struct timespec next;
	long ns;
};

static void one_sleep(void *arg)
{
	struct timer *timer = arg;

	timer->next.tv_sec += (timer->next.tv_nsec + timer->ns) / NSEC_PER_SEC;
	timer->next.tv_nsec = (timer->next.tv_nsec + timer->ns) % NSEC_PER_SEC;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &timer->next, NULL) == EINTR)
		;
}

static void run_preempt(const struct order *order)
{
	struct timer timer = { .ns = order->us * NSEC_PER_USEC };

	clock_gettime(CLOCK_MONOTONIC, &timer.next);
	run_stretches(order, one_sleep, &timer, 1);
}

int main(int argc, char **argv)
{
	struct sched_param param = { 0 };
	struct order order;
	bool preempt;

	preempt = argc == 8 && !strcmp(argv[1], "preempt");
	if (!preempt && (argc != 7 || strcmp(argv[1], "pair"))) {
		fprintf(stderr, "usage: switches pair CPU MSR SHORT LONG ROUNDS\n"
				"       switches preempt CPU MSR SHORT LONG ROUNDS US\n");
		return 2;
	}
	order = (struct order){
		.cpu = number(argv[2], 0),
		.msr = number(argv[3], 0),
		.stretch = { number(argv[4], 1), number(argv[5], 1) },
		.rounds = number(argv[6], 1),
		.us = preempt ? number(argv[7], 1) : 0,
	};
	pin(order.cpu);
	param.sched_priority = preempt ? 2 : 1;
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("SCHED_FIFO");
	if (preempt)
		run_preempt(&order);
	else
		run_pair(&order);
	return 0;
}
