// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "steer/policy.h"

#define NS_PER_S 1000000000ULL

/*
 * A vCPU that was loaded for less time than this in an interval does not show whether it is busy.
 */
#define EVIDENCE_NS 1000000

struct cpu_state {
	bool known;
	bool halted;
	double busy_share;      /* in the last interval with enough loaded time */
	__u64 below_since_ns;   /* start of the time known and below halted_share; 0: not below */
	__u64 last_evidence_ns; /* end of the last interval with enough loaded time; 0: none */
};

struct policy {
	struct policy_opts opts;
	int cpu_cnt;
	int *core_of;
	struct cpu_state *cpus;
	bool *core_is_busy; /* indexed by core_of[cpu] */
};

int policy__new(const struct policy_opts *opts, const int *core_of, int cpu_cnt,
		struct policy **policy)
{
	struct policy *p = calloc(1, sizeof(*p));
	size_t cnt = (size_t)cpu_cnt;

	if (!p)
		return -ENOMEM;
	p->opts = *opts;
	p->cpu_cnt = cpu_cnt;
	p->core_of = calloc(cnt, sizeof(*p->core_of));
	p->cpus = calloc(cnt, sizeof(*p->cpus));
	p->core_is_busy = calloc(cnt, sizeof(*p->core_is_busy));
	if (!p->core_of || !p->cpus || !p->core_is_busy) {
		policy__free(p);
		return -ENOMEM;
	}
	memcpy(p->core_of, core_of, cnt * sizeof(*core_of));
	*policy = p;
	return 0;
}

void policy__free(struct policy *p)
{
	if (!p)
		return;
	free(p->core_of);
	free(p->cpus);
	free(p->core_is_busy);
	free(p);
}

/*
 * Updates the share. The last share holds until no vCPU was loaded for dwell_ns, because a vCPU
 * that other tasks kept off its CPU for a whole interval looks like no vCPU.
 */
static void take_share(const struct policy *p, struct cpu_state *cpu, const struct cpu_load *load,
		       __u64 now_ns)
{
	if (load->loaded_ns >= EVIDENCE_NS) {
		cpu->busy_share = (double)load->busy_ns / (double)load->loaded_ns;
		cpu->last_evidence_ns = now_ns;
	} else if (!cpu->last_evidence_ns || now_ns - cpu->last_evidence_ns >= p->opts.dwell_ns) {
		cpu->busy_share = 0;
	}
}

static void feed_cpu(const struct policy *p, struct cpu_state *cpu, const struct cpu_load *load,
		     __u64 now_ns)
{
	cpu->known = load && load->known;
	if (!cpu->known) {
		cpu->halted = false;
		cpu->below_since_ns = 0;
		return;
	}
	take_share(p, cpu, load, now_ns);
	if (cpu->busy_share >= p->opts.halted_share)
		cpu->below_since_ns = 0;
	else if (!cpu->below_since_ns)
		cpu->below_since_ns = now_ns;
	if (cpu->busy_share >= p->opts.busy_share)
		cpu->halted = false;
	else if (cpu->below_since_ns && now_ns - cpu->below_since_ns >= p->opts.dwell_ns)
		cpu->halted = true;
}

void policy__feed(struct policy *p, __u64 now_ns, const struct cpu_load *loads)
{
	memset(p->core_is_busy, 0, (size_t)p->cpu_cnt * sizeof(*p->core_is_busy));
	for (int cpu = 0; cpu < p->cpu_cnt; cpu++) {
		feed_cpu(p, &p->cpus[cpu], loads ? &loads[cpu] : NULL, now_ns);
		p->core_is_busy[p->core_of[cpu]] |= !p->cpus[cpu].halted;
	}
}

/* In the order in which CPUs are given to housekeeping; CPUs of TIER_NONE are not given. */
enum tier {
	TIER_HALTED,
	TIER_HALTED_BESIDE_BUSY,
	TIER_BELOW_NOW,
	TIER_NOT_BUSY,
	TIER_NONE,
};

static enum tier tier_of(const struct policy *p, int number)
{
	const struct cpu_state *cpu = &p->cpus[number];

	if (!cpu->known)
		return TIER_NONE;
	if (cpu->halted)
		return p->core_is_busy[p->core_of[number]] ? TIER_HALTED_BESIDE_BUSY : TIER_HALTED;
	if (cpu->busy_share < p->opts.halted_share)
		return TIER_BELOW_NOW;
	return cpu->busy_share < p->opts.busy_share ? TIER_NOT_BUSY : TIER_NONE;
}

/* Adds the allowed CPUs of a tier to *chosen. Returns their number. */
static int add_tier(const struct policy *p, enum tier tier, const struct cpus *allowed,
		    struct cpus *chosen)
{
	int cnt = 0;

	for (int cpu = 0; cpu < p->cpu_cnt; cpu++) {
		if (!cpus__has(allowed, cpu) || tier_of(p, cpu) != tier)
			continue;
		cpus__add(chosen, cpu);
		cnt++;
	}
	return cnt;
}

/*
 * Adds the least busy CPU of TIER_NOT_BUSY that is allowed and not chosen yet. Returns whether
 * there was one.
 */
static bool add_least_busy(const struct policy *p, const struct cpus *allowed, struct cpus *chosen)
{
	int best = -1;

	for (int cpu = 0; cpu < p->cpu_cnt; cpu++) {
		if (!cpus__has(allowed, cpu) || cpus__has(chosen, cpu) ||
		    tier_of(p, cpu) != TIER_NOT_BUSY)
			continue;
		if (best < 0 || p->cpus[cpu].busy_share < p->cpus[best].busy_share)
			best = cpu;
	}
	if (best >= 0)
		cpus__add(chosen, best);
	return best >= 0;
}

bool policy__choose(const struct policy *p, const struct cpus *allowed, struct cpus *chosen)
{
	int cnt = 0;

	*chosen = (struct cpus){ 0 };
	for (enum tier tier = TIER_HALTED; tier < TIER_NOT_BUSY && cnt < p->opts.min_cnt; tier++)
		cnt += add_tier(p, tier, allowed, chosen);
	while (cnt < p->opts.min_cnt && add_least_busy(p, allowed, chosen))
		cnt++;
	if (cnt >= p->opts.min_cnt && !cpus__equal(chosen, allowed))
		return true;
	*chosen = *allowed;
	return false;
}

void policy__busy(const struct policy *p, struct cpus *busy)
{
	*busy = (struct cpus){ 0 };
	for (int cpu = 0; cpu < p->cpu_cnt; cpu++)
		if (!p->cpus[cpu].halted)
			cpus__add(busy, cpu);
}

bool write_budget__has(const struct write_budget *budget, __u64 now_ns)
{
	/* The next entry to be overwritten is the oldest of the last cnt writes. */
	__u64 at_ns = budget->at_ns[budget->next];

	return !at_ns || now_ns - at_ns >= NS_PER_S;
}

void write_budget__take(struct write_budget *budget, __u64 now_ns)
{
	budget->at_ns[budget->next] = now_ns;
	budget->next = (budget->next + 1) % budget->cnt;
}
