// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/hostfs.h"
#include "base/number.h"
#include "export/self.h"
#include "vm/proc.h"

#define NS_PER_S 1000000000ULL

__u64 self__start_ns(const struct hostfs *fs)
{
	long ticks_per_s = sysconf(_SC_CLK_TCK);
	struct clock_reading now;
	__u64 start_ticks;

	if (ticks_per_s <= 0 || proc__read_start(fs, getpid(), &start_ticks))
		return SCALAR_UNKNOWN;
	clock__read(&now);
	return now.real_ns - now.boot_ns + start_ticks * (NS_PER_S / (__u64)ticks_per_s);
}

static __u64 read_cpu_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts))
		return SCALAR_UNKNOWN;
	return (__u64)ts.tv_sec * NS_PER_S + (__u64)ts.tv_nsec;
}

/* Reads the second number of statm: resident pages. */
static __u64 read_resident_bytes(const struct hostfs *fs)
{
	long page_size = sysconf(_SC_PAGESIZE);
	char line[256], *rest = line;
	__u64 pages;

	if (hostfs__read_line(fs, line, sizeof(line), "proc/self/statm") < 0 || page_size <= 0)
		return SCALAR_UNKNOWN;
	strsep(&rest, " ");
	if (!rest || number__parse(strsep(&rest, " "), UINT32_MAX, &pages))
		return SCALAR_UNKNOWN;
	return pages * (__u64)page_size;
}

static __u64 count_open_fds(const struct hostfs *fs)
{
	DIR *dir = hostfs__opendir(fs, "proc/self/fd");
	__u64 cnt = 0, number;

	if (!dir)
		return SCALAR_UNKNOWN;
	while (proc__next_number(dir, &number) == 1)
		cnt++;
	closedir(dir);
	/* Do not count the descriptor used for counting. */
	return cnt ? cnt - 1 : SCALAR_UNKNOWN;
}

static __u64 read_max_fds(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) ? SCALAR_UNKNOWN : limit.rlim_cur;
}

void self__read(const struct hostfs *fs, __u64 scalars[static SCALAR_CNT])
{
	scalars[SCALAR_PROCESS_CPU_NS] = read_cpu_ns();
	scalars[SCALAR_PROCESS_RESIDENT_BYTES] = read_resident_bytes(fs);
	scalars[SCALAR_PROCESS_OPEN_FD_CNT] = count_open_fds(fs);
	scalars[SCALAR_PROCESS_MAX_FD_CNT] = read_max_fds();
}
