// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "measure/calibration.h"
#include "measure/forced_read.h"
#include "measure/heartbeat.h"
#include "measure/meter.h"
#include "measure/perf_events.h"
#include "measure/sched_clock.h"
#include "measure/vcpu_map.h"

/* Maximum number of processes with refused windows that are named in the log. */
#define REFUSED_PIDS_MAX 64

struct meter {
	struct meter_opts opts;
	__s64 sched_offset_ns; /* at the last snapshot */
	bool may_force;
	bool has_read;
	__u64 hooked_ns; /* snapshot.hooked_ns */
	/* The following arrays have one element for each CPU. */
	struct cpu_health *healths;
	__u64 *mperf_error_cnts; /* as of the last check of the CPU's event */
	bool *stands;            /* MPERF has stopped on the CPU, and this was logged */
	struct vcpu_map *sums;
	pid_t refused_pids[REFUSED_PIDS_MAX];
	size_t refused_pid_cnt;
};

static int failed(int err, const char *what)
{
	pr_err("cannot %s: %s", what, strerror(-err));
	return err;
}

static int copy_shared(const struct meter *m)
{
	const __u32 key = 0;

	if (m->opts.shared_fd < 0)
		return 0;
	return bpf_map_lookup_elem(m->opts.shared_fd, &key, m->opts.shared);
}

static int copy_healths(struct meter *m)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 cnt = (__u32)m->opts.cpu_cnt, position;
	__u32 *cpus = calloc(cnt, sizeof(*cpus));
	int err;

	if (!cpus)
		return -ENOMEM;
	err = bpf_map_lookup_batch(m->opts.healths_fd, NULL, &position, cpus, m->healths, &cnt,
				   &opts);
	free(cpus);
	return err == -ENOENT ? 0 : err;
}

int meter__new(const struct meter_opts *opts, struct meter **out)
{
	struct meter *m = calloc(1, sizeof(*m));
	int err = -ENOMEM;

	if (!m)
		return failed(err, "prepare to read the vCPUs");
	m->opts = *opts;
	m->may_force = opts->reader_fd >= 0 && opts->slots;
	m->healths = calloc((size_t)opts->cpu_cnt, sizeof(*m->healths));
	m->mperf_error_cnts = calloc((size_t)opts->cpu_cnt, sizeof(*m->mperf_error_cnts));
	m->stands = calloc((size_t)opts->cpu_cnt, sizeof(*m->stands));
	if (m->healths && m->mperf_error_cnts && m->stands)
		err = vcpu_map__new(&opts->sums, opts->ns_per_tsc_cycle, &m->sums);
	if (!err)
		err = copy_shared(m);
	if (!err)
		err = copy_healths(m);
	if (err) {
		meter__free(m);
		return failed(err, "prepare to read the vCPUs");
	}
	/* Failures before the start are not news: a pinned measurement may have some. */
	for (int cpu = 0; cpu < opts->cpu_cnt; cpu++)
		m->mperf_error_cnts[cpu] = m->healths[cpu].mperf_error_cnt;
	*out = m;
	return 0;
}

void meter__free(struct meter *m)
{
	if (!m)
		return;
	vcpu_map__free(m->sums);
	free(m->healths);
	free(m->mperf_error_cnts);
	free(m->stands);
	free(m);
}

static void sum_health(const struct meter *m, struct health *health)
{
	for (int cpu = 0; cpu < m->opts.cpu_cnt; cpu++) {
		health->lost_window_cnt += m->healths[cpu].lost_window_cnt;
		health->mperf_error_cnt += m->healths[cpu].mperf_error_cnt;
		health->map_full_cnt += m->healths[cpu].map_full_cnt;
	}
}

static void say_stands(struct meter *m, int cpu, bool stands)
{
	if (stands && !m->stands[cpu])
		pr_warn("MPERF has stopped on CPU %d: vCPUs are not measured while they run there",
			cpu);
	if (!stands && m->stands[cpu])
		pr_warn("MPERF counts again on CPU %d", cpu);
	m->stands[cpu] = stands;
}

/*
 * Forces a read of the CPU if a window is open on it. Does nothing with --check, which reads whole
 * CPUs.
 */
static int force_read(struct meter *m, int cpu)
{
	int err;

	if (!m->may_force || m->opts.cpu_accounts_fd >= 0 || !m->opts.slots[cpu].tid)
		return 0;
	err = forced_read__run(m->opts.reader_fd, cpu, m->sched_offset_ns);
	return err == -ENXIO ? 0 : err;
}

/*
 * Reopens the event of a CPU whose reads failed, because the CPU came online after its event was
 * opened, or was offline meanwhile; or reports that MPERF has stopped on the CPU. An event that
 * counts is left alone: a reopened event would count from zero in the middle of a window.
 */
static void mend_event(struct meter *m, int cpu)
{
	int stands = perf_events__have_stopped(m->opts.perf_events, cpu);

	if (stands) {
		if (!perf_events__reopen(m->opts.perf_events, cpu)) {
			perf_events__hand_over(m->opts.perf_events, cpu, m->opts.events_fd);
			/*
			 * Read now, while the count of the reopened event is still below its old
			 * value: BPF detects the reopened event by a count that went back.
			 */
			force_read(m, cpu);
		}
		stands = perf_events__have_stopped(m->opts.perf_events, cpu);
		if (!stands)
			pr_info("MPERF could not be read on CPU %d: reopened", cpu);
	}
	/*
	 * The state of an offline CPU is unknown: if MPERF has stopped when the CPU is back online,
	 * report it again.
	 */
	if (stands < 0)
		m->stands[cpu] = false;
	else
		say_stands(m, cpu, stands);
}

static void mend_events(struct meter *m)
{
	for (int cpu = 0; cpu < m->opts.cpu_cnt; cpu++) {
		__u64 error_cnt = m->healths[cpu].mperf_error_cnt;

		if (error_cnt == m->mperf_error_cnts[cpu] && !m->stands[cpu])
			continue;
		m->mperf_error_cnts[cpu] = error_cnt;
		mend_event(m, cpu);
	}
}

int meter__find_loaded(struct meter *m, __u64 since_ns)
{
	if (!m->may_force && clock__now_ns() - since_ns < 2 * HEARTBEAT_NS)
		return 0;
	for (int cpu = 0; m->may_force && cpu < m->opts.cpu_cnt; cpu++) {
		int err = forced_read__run(m->opts.reader_fd, cpu, m->sched_offset_ns);

		if (err < 0 && err != -ENXIO)
			return failed(err, "read a CPU's counters from BPF");
	}
	m->hooked_ns = since_ns;
	return 1;
}

static double ratio_of(const struct meter *m, int cpu)
{
	const struct calibration *calibration = m->opts.calibration;

	if (!calibration || calibration->kinds.cnt < 2)
		return m->opts.mperf_ratio;
	return calibration->ratio[core_kinds__of(&calibration->kinds, cpu)];
}

static int read_account(const struct meter *m, int cpu, struct snapshot *snap)
{
	double ns_per_cycle = m->opts.ns_per_tsc_cycle;
	struct cpu_account account;
	struct cpu_reading *reading;
	int answer = forced_read__account(m->opts.reader_fd, m->opts.cpu_accounts_fd, cpu,
					  m->sched_offset_ns, &account);

	if (answer <= 0)
		return answer;
	reading = snapshot__add_cpu(snap);
	if (!reading)
		return -ENOMEM;
	*reading = (struct cpu_reading){
		.cpu = cpu,
		.mperf_ratio = ratio_of(m, cpu),
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
	struct meter *meter;
	struct health *health;
};

/* Counts refused windows, and logs a warning once for each process. */
static void report_refused(void *arg, pid_t pid, __u64 refused_cnt)
{
	struct refused *refused = arg;
	struct meter *m = refused->meter;

	refused->health->refused_window_cnt += refused_cnt;
	for (size_t i = 0; i < m->refused_pid_cnt; i++)
		if (m->refused_pids[i] == pid)
			return;
	if (m->refused_pid_cnt == REFUSED_PIDS_MAX)
		return;
	m->refused_pids[m->refused_pid_cnt++] = pid;
	pr_warn("process %d runs more vCPUs, or each of them on more threads, than are measured for one "
		"process: some of its windows are unmeasured (refused_windows)",
		pid);
}

static int check_goes_on(const struct meter *m)
{
	struct pin_about about;
	const __u32 key = 0;
	int err;

	if (m->opts.about_fd < 0)
		return 0;
	err = bpf_map_lookup_elem(m->opts.about_fd, &key, &about);
	if (err)
		return failed(err, "read the parameters of the pinned measurement");
	if (about.layout)
		return 0;
	pr_err("the pinned measurement has ended, because it was unpinned");
	return -ESHUTDOWN;
}

int meter__read(struct meter *m, struct snapshot *snap)
{
	int err = check_goes_on(m);

	if (err)
		return err;
	err = copy_shared(m);
	if (err)
		return failed(err, "read the state of the CPUs");
	clock__read(&snap->clock);
	snap->mode = m->opts.mode;
	snap->mperf_ratio = m->opts.mperf_ratio;
	snap->hooked_ns = m->hooked_ns;
	m->sched_offset_ns = sched_clock__offset_ns(m->opts.sched_clock);
	for (int cpu = 0; cpu < m->opts.cpu_cnt; cpu++) {
		if (m->opts.cpu_accounts_fd >= 0)
			err = read_account(m, cpu, snap);
		else
			err = force_read(m, cpu);
		if (err < 0)
			return failed(err, "read a CPU's counters from BPF");
	}
	/*
	 * Take accounts after the windows were read: the account of a thread with an open window is
	 * taken together with the window, by the read above or by the CPU's timer.
	 */
	if (m->opts.accounts_fd >= 0)
		err = forced_read__accounts(m->opts.accounts_fd, vcpu_map__highest_index(m->sums),
					    snap->clock.mono_ns -
						    (m->may_force ? 0 : ACCOUNT_AGE_MAX_NS),
					    m->sched_offset_ns);
	if (err)
		return failed(err, "take the accounts of the vCPUs");
	err = vcpu_map__read(m->sums, snap);
	if (err)
		return failed(err, "read the vCPUs' sums");
	/* Copy the failure counts last, so that they include failures of the reads above. */
	err = copy_healths(m);
	if (err)
		return failed(err, "read the state of the CPUs");
	sum_health(m, &snap->health);
	/*
	 * Report map-full events from before the first snapshot in the first interval: the vCPUs
	 * without an entry may not be loaded again.
	 */
	if (!m->has_read && m->opts.sums.ended_fd < 0)
		snap->health.map_full_cnt = 0;
	vcpu_map__refused(m->sums, report_refused, &(struct refused){ m, &snap->health });
	m->has_read = true;
	if (m->opts.events_fd >= 0)
		mend_events(m);
	return 0;
}

int meter__check_rights(const struct meter *m)
{
	struct vcpu_sums sums;
	__u32 nobody = 0;
	int err = bpf_map_lookup_elem(m->opts.sums.vcpus_fd, &nobody, &sums);

	if (err)
		return err;
	err = m->may_force ? forced_read__run(m->opts.reader_fd, 0, m->sched_offset_ns) : 0;
	return err == -EPERM || err == -EACCES ? err : 0;
}

/*
 * Closes the windows that an exited thread left open on CPUs. Otherwise they would stay open until
 * a vCPU is loaded on the CPU or a read is forced there.
 */
static void close_windows(struct meter *m, pid_t tid)
{
	for (int cpu = 0; m->opts.slots && cpu < m->opts.cpu_cnt; cpu++)
		if (m->opts.slots[cpu].tid == (__u32)tid)
			force_read(m, cpu);
}

int meter__forget(struct meter *m, struct snapshot *snap, struct vcpu_reading *vcpu)
{
	int err;

	if (m->opts.sums.ended_fd >= 0)
		return 0;
	close_windows(m, vcpu->tid);
	err = vcpu_map__forget(m->sums, snap, vcpu);
	return err ? failed(err, "free the sums of an exited thread") : 0;
}
