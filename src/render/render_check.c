// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "report/check.h"
#include "render/render_check.h"

static const char *const identities[IDENTITY_CNT] = {
	[IDENTITY_WALL] = "loaded + wait + blocked = wall",
	[IDENTITY_LOADED] = "guest + host = loaded",
	[IDENTITY_GUEST] = "busy + halted = guest",
};

/* In MODE_SWITCH guest time is unknown, and check.c compares with loaded instead. */
static const char *identity_name(const struct check *check, enum identity identity)
{
	if (check->mode == MODE_SWITCH && identity == IDENTITY_GUEST)
		return "busy + halted = loaded";
	return identities[identity];
}

static double ms(__s64 ns)
{
	return (double)ns / 1e6;
}

static double percent(__s64 part_ns, __s64 whole_ns)
{
	return 100.0 * (double)part_ns / (double)whole_ns;
}

static void write_cpus(const struct check *check, FILE *out)
{
	fprintf(out, "%4s  %11s  %7s  %11s  %11s  %10s  %7s\n", "CPU", "HALTED ms", "HALTED%",
		"IN VCPUS ms", "HOST IDLE", "REST ms", "REST%");
	for (size_t i = 0; i < check->cpu_cnt; i++) {
		const struct cpu_check *cpu = &check->cpus[i];

		fprintf(out, "%4d  %11.3f  %7.2f  %11.3f  %11.3f  %+10.3f  %+7.3f\n", cpu->cpu,
			ms(cpu->halted_ns), percent(cpu->halted_ns, cpu->interval_ns),
			ms(cpu->vcpus_ns), ms(cpu->idle_ns), ms(cpu->rest_ns),
			percent(cpu->rest_ns, cpu->interval_ns));
	}
}

static void write_vcpu(const struct check *check, const struct vcpu_check *vcpu, FILE *out)
{
	__s64 off_ns = 0;

	for (int i = 0; i < IDENTITY_CNT; i++)
		off_ns = vcpu->off_ns[i] > off_ns ? vcpu->off_ns[i] : off_ns;
	fprintf(out, "%7d %4u %9.2f %9.2f %9.2f ", vcpu->tid, vcpu->vcpu_id, ms(vcpu->wall_ns),
		ms(vcpu->wait_ns), ms(vcpu->blocked_ns));
	if (check->mode == MODE_SWITCH)
		fprintf(out, "%9s ", "-");
	else
		fprintf(out, "%9.2f ", ms(vcpu->host_ns));
	fprintf(out, "%9.2f %9.2f %6.3f\n", ms(vcpu->busy_ns), ms(vcpu->halted_ns),
		percent(off_ns, vcpu->wall_ns));
}

static void write_vcpus(const struct check *check, FILE *out)
{
	if (check->vcpu_cnt)
		fprintf(out, "\n%7s %4s %9s %9s %9s %9s %9s %9s %6s\n", "TID", "VCPU", "WALL ms",
			"WAIT", "BLOCKED", "HOST", "BUSY", "HALTED", "OFF%");
	for (size_t i = 0; i < check->vcpu_cnt; i++)
		write_vcpu(check, &check->vcpus[i], out);
	if (check->skipped_vcpu_cnt)
		fprintf(out, "# vCPUs seen in only a part of the interval, not checked: %zu\n",
			check->skipped_vcpu_cnt);
}

static void write_verdict(const struct check *check, FILE *out)
{
	if (check->lost_window_cnt)
		fprintf(out, "# windows lost, their time is missing: %llu\n",
			check->lost_window_cnt);
	if (check->off_percent > 0)
		fprintf(out, "# largest error: %s, TID %d\n",
			identity_name(check, check->worst_identity), check->worst_vcpu->tid);
	if (!check->worst_cpu) {
		fprintf(out, "FAIL: no CPU could be read at both ends of the interval\n");
		return;
	}
	fprintf(out, "%s: rest %+.3f %% on CPU %d (limit %g), identities off %.3f %% (limit %g)\n",
		check->passed ? "PASS" : "FAIL", check->rest_percent, check->worst_cpu->cpu,
		CHECK_REST_MAX_PERCENT, check->off_percent, CHECK_IDENTITY_MAX_PERCENT);
}

int render__check(const struct check *check, FILE *out)
{
	write_cpus(check, out);
	write_vcpus(check, out);
	write_verdict(check, out);
	/* The stream keeps the error of any previous write. */
	if (fflush(out))
		return -errno;
	return ferror(out) ? -EIO : 0;
}
