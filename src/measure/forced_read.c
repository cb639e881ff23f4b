// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>
#include "measure/forced_read.h"
#include "gtimehalt.h"
#include "report/snapshot.h"

/* A program is at work on a CPU for microseconds: whoever is always busy is not, he is stuck. */
#define BUSY_TRIES   100
#define BUSY_WAIT_US 50

int forced_read__run(int prog_fd, int cpu)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = (__u32)cpu);
	int err = bpf_prog_test_run_opts(prog_fd, &run);

	return err ? err : (int)run.retval;
}

int forced_read__accounts(int prog_fd, __u32 highest_index)
{
	for (__u64 index = 0; index < GTIMEHALT_MAX_VCPUS; index += ACCOUNTS_CNT) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &index, .ctx_size_in = sizeof(index));
		int err = bpf_prog_test_run_opts(prog_fd, &run);

		if (err)
			return err;
		if (!run.retval && index > highest_index)
			break;
	}
	return 0;
}

/* A window that is just being closed is complete without us; the account of the CPU is not. */
static int run_when_free(int prog_fd, int cpu)
{
	for (int i = 0; i < BUSY_TRIES; i++) {
		int answer = forced_read__run(prog_fd, cpu);

		if (answer != FORCED_READ_BUSY)
			return answer;
		usleep(BUSY_WAIT_US);
	}
	return -EBUSY;
}

int forced_read__account(int prog_fd, int map_fd, int cpu, double mperf_ratio,
			 struct snapshot *snap)
{
	struct cpu_account account;
	struct cpu_reading *reading;
	__u32 key = (__u32)cpu;
	int err;

	err = run_when_free(prog_fd, cpu);
	if (err < 0)
		return err == -ENXIO ? 0 : err;
	err = bpf_map_lookup_elem(map_fd, &key, &account);
	if (err || !account.read_ns)
		return err;
	reading = snapshot__add_cpu(snap);
	if (!reading)
		return -ENOMEM;
	*reading = (struct cpu_reading){
		.cpu = cpu,
		.mperf_ratio = mperf_ratio,
		.at_ns = account.read_ns,
		.mperf_cycles = account.read_mperf_cycles,
		.window_ns = account.read_sums.window_ns,
		.window_mperf_cycles = account.read_sums.window_mperf_cycles,
		.idle_ns = account.read_sums.idle_ns,
		.idle_mperf_cycles = account.read_sums.idle_mperf_cycles,
	};
	return 0;
}
