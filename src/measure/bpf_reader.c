// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "measure/bpf_reader.h"
#include "measure/calibration.h"
#include "measure/forced_read.h"
#include "measure/heartbeat.h"
#include "measure/perf_events.h"
#include "measure/sched_clock.h"
#include "measure/vcpu_map.h"

/* Maximum number of processes with refused windows that are named in the log. */
#define REFUSED_PIDS_MAX 64

struct bpf_reader {
	struct bpf_reader_opts opts;
	__s64 sched_offset_ns; /* at the last snapshot */
	bool may_force;
	bool has_read;
	__u64 hooked_ns; /* snapshot.hooked_ns */
	/* The following arrays have one element for each CPU. */
	struct cpu_health *healths;
	__u64 *mperf_error_cnts; /* as of the last check of the CPU's event */
	bool *stopped;           /* MPERF has stopped on the CPU, and this was logged */
	struct vcpu_map *sums;
	pid_t refused_pids[REFUSED_PIDS_MAX];
	size_t refused_pid_cnt;
};

static int copy_shared(const struct bpf_reader *r)
{
	const __u32 key = 0;

	if (r->opts.shared_fd < 0)
		return 0;
	return bpf_map_lookup_elem(r->opts.shared_fd, &key, r->opts.shared);
}

static int copy_healths(struct bpf_reader *r)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 cnt = (__u32)r->opts.cpu_cnt, position;
	__u32 *cpus = calloc(cnt, sizeof(*cpus));
	int err;

	if (!cpus)
		return -ENOMEM;
	err = bpf_map_lookup_batch(r->opts.healths_fd, NULL, &position, cpus, r->healths, &cnt,
				   &opts);
	free(cpus);
	return err == -ENOENT ? 0 : err;
}

int bpf_reader__new(const struct bpf_reader_opts *opts, struct bpf_reader **out)
{
	struct bpf_reader *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		return log__failure("prepare to read the vCPUs", err);
	r->opts = *opts;
	r->may_force = opts->forced_read_fd >= 0 && opts->slots;
	r->healths = calloc((size_t)opts->cpu_cnt, sizeof(*r->healths));
	r->mperf_error_cnts = calloc((size_t)opts->cpu_cnt, sizeof(*r->mperf_error_cnts));
	r->stopped = calloc((size_t)opts->cpu_cnt, sizeof(*r->stopped));
	if (r->healths && r->mperf_error_cnts && r->stopped)
		err = vcpu_map__new(&opts->sums, opts->ns_per_tsc_cycle, &r->sums);
	if (!err)
		err = copy_shared(r);
	if (!err)
		err = copy_healths(r);
	if (err) {
		bpf_reader__free(r);
		return log__failure("prepare to read the vCPUs", err);
	}
	/* Failures before the start are not news: a pinned measurement may have some. */
	for (int cpu = 0; cpu < opts->cpu_cnt; cpu++)
		r->mperf_error_cnts[cpu] = r->healths[cpu].mperf_error_cnt;
	*out = r;
	return 0;
}

void bpf_reader__free(struct bpf_reader *r)
{
	if (!r)
		return;
	vcpu_map__free(r->sums);
	free(r->healths);
	free(r->mperf_error_cnts);
	free(r->stopped);
	free(r);
}

static void sum_health(const struct bpf_reader *r, struct health *health)
{
	for (int cpu = 0; cpu < r->opts.cpu_cnt; cpu++) {
		health->lost_window_cnt += r->healths[cpu].lost_window_cnt;
		health->mperf_error_cnt += r->healths[cpu].mperf_error_cnt;
		health->map_full_cnt += r->healths[cpu].map_full_cnt;
	}
}

static void report_stopped(struct bpf_reader *r, int cpu, bool stopped)
{
	if (stopped && !r->stopped[cpu])
		pr_warn("MPERF has stopped on CPU %d: vCPUs are not measured while they run there",
			cpu);
	if (!stopped && r->stopped[cpu])
		pr_warn("MPERF counts again on CPU %d", cpu);
	r->stopped[cpu] = stopped;
}

/*
 * Forces a read of the CPU if a window is open on it. Does nothing with --check, which reads whole
 * CPUs.
 */
static int force_read(struct bpf_reader *r, int cpu)
{
	int err;

	if (!r->may_force || r->opts.cpu_accounts_fd >= 0 || !r->opts.slots[cpu].tid)
		return 0;
	err = forced_read__run(r->opts.forced_read_fd, cpu, r->sched_offset_ns);
	return err == -ENXIO ? 0 : err;
}

/*
 * Reopens the event of a CPU whose reads failed, because the CPU came online after its event was
 * opened, or was offline meanwhile; or reports that MPERF has stopped on the CPU. An event that
 * counts is left alone: a reopened event would count from zero in the middle of a window.
 */
static void mend_event(struct bpf_reader *r, int cpu)
{
	int stopped = perf_events__have_stopped(r->opts.perf_events, cpu);

	if (stopped) {
		if (!perf_events__reopen(r->opts.perf_events, cpu)) {
			perf_events__hand_over(r->opts.perf_events, cpu, r->opts.events_fd);
			/*
			 * Read now, while the count of the reopened event is still below its old
			 * value: BPF detects the reopened event by a count that went back.
			 */
			force_read(r, cpu);
		}
		stopped = perf_events__have_stopped(r->opts.perf_events, cpu);
		if (!stopped)
			pr_info("MPERF could not be read on CPU %d: reopened", cpu);
	}
	/*
	 * The state of an offline CPU is unknown: if MPERF has stopped when the CPU is back online,
	 * report it again.
	 */
	if (stopped < 0)
		r->stopped[cpu] = false;
	else
		report_stopped(r, cpu, stopped);
}

static void mend_events(struct bpf_reader *r)
{
	for (int cpu = 0; cpu < r->opts.cpu_cnt; cpu++) {
		__u64 error_cnt = r->healths[cpu].mperf_error_cnt;

		if (error_cnt == r->mperf_error_cnts[cpu] && !r->stopped[cpu])
			continue;
		r->mperf_error_cnts[cpu] = error_cnt;
		mend_event(r, cpu);
	}
}

int bpf_reader__find_loaded(struct bpf_reader *r, __u64 since_ns)
{
	if (!r->may_force && clock__now_ns() - since_ns < 2 * HEARTBEAT_NS)
		return 0;
	for (int cpu = 0; r->may_force && cpu < r->opts.cpu_cnt; cpu++) {
		int err = forced_read__run(r->opts.forced_read_fd, cpu, r->sched_offset_ns);

		if (err < 0 && err != -ENXIO)
			return log__failure("read a CPU's counters from BPF", err);
	}
	r->hooked_ns = since_ns;
	return 1;
}

static double ratio_of(const struct bpf_reader *r, int cpu)
{
	const struct calibration *calibration = r->opts.calibration;

	if (!calibration || calibration->kinds.cnt < 2)
		return r->opts.mperf_ratio;
	return calibration->ratio[core_kinds__of(&calibration->kinds, cpu)];
}

static int read_account(const struct bpf_reader *r, int cpu, struct snapshot *snap)
{
	double ns_per_cycle = r->opts.ns_per_tsc_cycle;
	struct cpu_account account;
	struct cpu_reading *reading;
	int answer = forced_read__account(r->opts.forced_read_fd, r->opts.cpu_accounts_fd, cpu,
					  r->sched_offset_ns, &account);

	if (answer <= 0)
		return answer;
	reading = snapshot__add_cpu(snap);
	if (!reading)
		return -ENOMEM;
	*reading = (struct cpu_reading){
		.cpu = cpu,
		.mperf_ratio = ratio_of(r, cpu),
		.at_ns = tsc_cycles_to_ns(account.read.tsc_cycles, ns_per_cycle),
		.mperf_cycles = account.read.mperf_cycles,
		.window_ns = tsc_cycles_to_ns(account.read_sums.window_tsc_cycles, ns_per_cycle),
		.window_mperf_cycles = account.read_sums.window_mperf_cycles,
		.idle_ns = tsc_cycles_to_ns(account.read_sums.idle_tsc_cycles, ns_per_cycle),
		.idle_mperf_cycles = account.read_sums.idle_mperf_cycles,
	};
	return 0;
}

struct refused {
	struct bpf_reader *reader;
	struct health *health;
};

/* Counts refused windows, and logs a warning once for each process. */
static void report_refused(void *arg, pid_t pid, __u64 refused_cnt)
{
	struct refused *refused = arg;
	struct bpf_reader *r = refused->reader;

	refused->health->refused_window_cnt += refused_cnt;
	for (size_t i = 0; i < r->refused_pid_cnt; i++)
		if (r->refused_pids[i] == pid)
			return;
	if (r->refused_pid_cnt == REFUSED_PIDS_MAX)
		return;
	r->refused_pids[r->refused_pid_cnt++] = pid;
	pr_warn("process %d runs more vCPUs, or each of them on more threads, than are measured for one "
		"process: some of its windows are unmeasured (refused_windows)",
		pid);
}

static int check_goes_on(const struct bpf_reader *r)
{
	struct pin_about about;
	const __u32 key = 0;
	int err;

	if (r->opts.about_fd < 0)
		return 0;
	err = bpf_map_lookup_elem(r->opts.about_fd, &key, &about);
	if (err)
		return log__failure("read the parameters of the pinned measurement", err);
	if (about.layout)
		return 0;
	pr_err("the pinned measurement has ended, because it was unpinned");
	return -ESHUTDOWN;
}

int bpf_reader__read(struct bpf_reader *r, struct snapshot *snap)
{
	int err = check_goes_on(r);

	if (err)
		return err;
	err = copy_shared(r);
	if (err)
		return log__failure("read the state of the CPUs", err);
	clock__read(&snap->clock);
	snap->mode = r->opts.mode;
	snap->mperf_ratio = r->opts.mperf_ratio;
	snap->hooked_ns = r->hooked_ns;
	r->sched_offset_ns = sched_clock__offset_ns(r->opts.sched_clock);
	for (int cpu = 0; cpu < r->opts.cpu_cnt; cpu++) {
		if (r->opts.cpu_accounts_fd >= 0)
			err = read_account(r, cpu, snap);
		else
			err = force_read(r, cpu);
		if (err < 0)
			return log__failure("read a CPU's counters from BPF", err);
	}
	/*
	 * Take accounts after the windows were read: the account of a thread with an open window is
	 * taken together with the window, by the read above or by the CPU's timer.
	 */
	if (r->opts.accounts_fd >= 0)
		err = forced_read__accounts(r->opts.accounts_fd, vcpu_map__highest_index(r->sums),
					    snap->clock.mono_ns -
						    (r->may_force ? 0 : ACCOUNT_AGE_MAX_NS),
					    r->sched_offset_ns);
	if (err)
		return log__failure("take the accounts of the vCPUs", err);
	err = vcpu_map__read(r->sums, snap);
	if (err)
		return log__failure("read the vCPUs' sums", err);
	/* Copy the failure counts last, so that they include failures of the reads above. */
	err = copy_healths(r);
	if (err)
		return log__failure("read the state of the CPUs", err);
	sum_health(r, &snap->health);
	/*
	 * Report map-full events from before the first snapshot in the first interval: the vCPUs
	 * without an entry may not be loaded again.
	 */
	if (!r->has_read && r->opts.sums.ended_fd < 0)
		snap->health.map_full_cnt = 0;
	vcpu_map__refused(r->sums, report_refused, &(struct refused){ r, &snap->health });
	r->has_read = true;
	if (r->opts.events_fd >= 0)
		mend_events(r);
	return 0;
}

int bpf_reader__check_rights(const struct bpf_reader *r)
{
	struct vcpu_sums sums;
	__u32 nobody = 0;
	int err = bpf_map_lookup_elem(r->opts.sums.vcpus_fd, &nobody, &sums);

	if (err)
		return err;
	err = r->may_force ? forced_read__run(r->opts.forced_read_fd, 0, r->sched_offset_ns) : 0;
	return err == -EPERM || err == -EACCES ? err : 0;
}

/*
 * Closes the windows that an exited thread left open on CPUs. Otherwise they would stay open until
 * a vCPU is loaded on the CPU or a read is forced there.
 */
static void close_windows(struct bpf_reader *r, pid_t tid)
{
	for (int cpu = 0; r->opts.slots && cpu < r->opts.cpu_cnt; cpu++)
		if (r->opts.slots[cpu].tid == (__u32)tid)
			force_read(r, cpu);
}

int bpf_reader__forget(struct bpf_reader *r, struct snapshot *snap, struct vcpu_reading *vcpu)
{
	int err;

	if (r->opts.sums.ended_fd >= 0)
		return 0;
	close_windows(r, vcpu->tid);
	err = vcpu_map__forget(r->sums, snap, vcpu);
	return log__failure("free the sums of an exited thread", err);
}
