// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>
#include "measure/forced_read.h"
#include "gtimehalt.h"

/* A BPF program sets `busy` for microseconds: a CPU that stays busy for all tries is stuck. */
#define BUSY_TRIES   100
#define BUSY_WAIT_US 50

int forced_read__run(int prog_fd, int cpu, __s64 sched_offset_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = (__u32)cpu,
		    .ctx_in = &sched_offset_ns, .ctx_size_in = sizeof(sched_offset_ns));
	int err = bpf_prog_test_run_opts(prog_fd, &run);

	return err ? err : (int)run.retval;
}

int forced_read__accounts(int prog_fd, __u32 highest_index, __u64 since_ns, __s64 sched_offset_ns)
{
	for (__u64 index = 0; index < GTIMEHALT_MAX_VCPUS; index += ACCOUNTS_CNT) {
		__u64 args[] = { index, since_ns, (__u64)sched_offset_ns };
		LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = args, .ctx_size_in = sizeof(args));
		int err = bpf_prog_test_run_opts(prog_fd, &run);

		if (err)
			return err;
		if (!run.retval && index > highest_index)
			break;
	}
	return 0;
}

/*
 * Runs check_read, again while the CPU is busy: a window that is being closed gets complete without
 * this process, but the account of the CPU does not.
 */
static int run_when_free(int prog_fd, int cpu, __s64 sched_offset_ns)
{
	for (int i = 0; i < BUSY_TRIES; i++) {
		int answer = forced_read__run(prog_fd, cpu, sched_offset_ns);

		if (answer != FORCED_READ_BUSY)
			return answer;
		usleep(BUSY_WAIT_US);
	}
	return -EBUSY;
}

int forced_read__account(int prog_fd, int map_fd, int cpu, __s64 sched_offset_ns,
			 struct cpu_account *account)
{
	__u32 key = (__u32)cpu;
	int err = run_when_free(prog_fd, cpu, sched_offset_ns);

	if (err < 0)
		return err == -ENXIO ? 0 : err;
	err = bpf_map_lookup_elem(map_fd, &key, account);
	return err ? err : account->read.tsc_cycles != 0;
}
