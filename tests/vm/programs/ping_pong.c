// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ping_pong - two processes on CPU 1, each in a cgroup of its own, wake each other endlessly. perf
 * counts an event of each cgroup on that CPU, so that at each switch perf takes all events of the
 * PMU out and puts them back.
 *
 * usage: ping_pong CGROUP CGROUP PMU_TYPE
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CPU 1

static void count_cgroup(const char *cgroup, int type)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .type = (unsigned int)type };
	int fd = open(cgroup, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || syscall(SYS_perf_event_open, &attr, fd, CPU, -1, PERF_FLAG_PID_CGROUP) < 0)
		err(1, "%s", cgroup);
}

static void join(const char *cgroup)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	file = fopen(path, "w");
	if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file))
		err(1, "%s", path);
}

static void play(const char *cgroup, int from, int to, int begins)
{
	cpu_set_t set;
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	join(cgroup);
	CPU_ZERO(&set);
	CPU_SET(CPU, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
	if (begins && write(to, &byte, 1) != 1)
		err(1, "write");
	while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1)
		;
	exit(1);
}

int main(int argc, char **argv)
{
	int there[2], back[2];

	if (argc != 4)
		errx(2, "usage: ping_pong CGROUP CGROUP PMU_TYPE");
	count_cgroup(argv[1], atoi(argv[3]));
	count_cgroup(argv[2], atoi(argv[3]));
	if (pipe(there) || pipe(back))
		err(1, "pipe");
	if (!fork())
		play(argv[1], there[0], back[1], 0);
	if (!fork())
		play(argv[2], back[0], there[1], 1);
	pause();
	return 0;
}
