// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files about the host in /proc and /sys, in the form that tree_text.h describes. A file "cpus" at
 * the top contains a list of CPUs.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "export/self.h"
#include "measure/core_kinds.h"
#include "measure/hooks.h"
#include "measure/host.h"
#include "measure/perf_events.h"
#include "measure/program_stats.h"
#include "tree_text.h"

/*
 * Checks lists in the kernel's format: ascending numbers, and ranges of two numbers with a hyphen.
 */
static void check_cpu_list(const struct hostfs *fs)
{
	char list[256], made[64];

	if (hostfs__read(fs, list, sizeof(list), "cpus") < 0)
		return;
	for (int cpu = -1; cpu < 70; cpu++) {
		int has = cpulist__has(list, cpu);

		FUZZ_ASSERT(has == 0 || has == 1);
		snprintf(made, sizeof(made), "0-1,%d,%d-%d\n", cpu + 10, cpu + 20, cpu + 30);
		FUZZ_ASSERT(cpulist__has(made, cpu + 10) && cpulist__has(made, cpu + 25));
		FUZZ_ASSERT(!cpulist__has(made, cpu + 31) && !cpulist__has(made, cpu + 19));
	}
}

static void check_host(const struct hostfs *fs)
{
	struct host host = { 0 };
	struct hook_plan plan;

	host__missing_kvm(fs);
	host__check_rest(fs);
	host__find_functions(fs, &host);
	FUZZ_ASSERT(strnlen(host.enter_guest, sizeof(host.enter_guest)) < sizeof(host.enter_guest));
	FUZZ_ASSERT(!*host.enter_guest || !strncmp(host.enter_guest, "vcpu_enter_guest", 16));
	if (host__probe(fs, &host))
		return;
	FUZZ_ASSERT(host.run_function);
	for (enum hook hook = HOOK_AUTO; hook < HOOK_CNT; hook++) {
		hooks__plan(&host, MODE_ENTRY, hook, &plan);
		hooks__plan(&host, MODE_SWITCH, hook, &plan);
	}
}

static void check_counters(const struct hostfs *fs)
{
	struct perf_events *perf_events;

	if (!perf_events__new_closed(fs, 4, &perf_events))
		perf_events__free(perf_events);
}

static void check_self(const struct hostfs *fs)
{
	__u64 scalars[SCALAR_CNT];
	struct program_clock clock;
	char path[32];

	/* No input can know the PID of this process. */
	snprintf(path, sizeof(path), "proc/%d", getpid());
	(void)!symlinkat("self", fs->root_fd, path);
	self__start_ns(fs);
	self__read(fs, scalars);
	FUZZ_ASSERT(!program_clock__start(&clock, fs, false));
	program_clock__runs(&clock);
	program_clock__stop(&clock);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes rest = { data, size };
	struct fuzz_said said;
	struct tree_text tree;

	tree_text__open(&tree);
	fuzz_said__begin(&said);
	while (tree_text__make(&tree, &rest)) {
		check_cpu_list(&tree.fs);
		check_host(&tree.fs);
		check_counters(&tree.fs);
		check_self(&tree.fs);
	}
	fuzz_said__end(&said);
	fuzz_said__free(&said);
	tree_text__close(&tree);
	return 0;
}
