// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Converts guest TSC to CLOCK_MONOTONIC, and prints the JSON document.
 *
 * A guest's TSC is the host's plus an offset. There is no KVM interface for the offset that works
 * on all kernels from 5.10 to 7.x, and KVM_GET_MSRS of IA32_TSC has changed its meaning under
 * nesting. Therefore the offset is measured: the guest reads its TSC around OUTs at both ends of
 * its run, and the VMM reads the host's TSC in between. Each such probe gives a lower and an upper
 * bound of the offset, and the tightest bounds are used. The remaining uncertainty is shorter than
 * one exit, and shifts segments without changing their length. If the bounds contradict each other,
 * the TSCs do not run alike (scaled, or not synchronous between CPUs), and the report says that
 * there is no mapping.
 */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "payload.h"

#define CLOCK_TRIES 100

struct tsc_map {
	const struct session *s;
	int64_t offset;    /* guest TSC - host TSC */
	int64_t uncertain; /* half of the range of possible offsets, in cycles */
	double ns_per_tick;
	bool valid;
};

struct clock_pair clock_pair__now(void)
{
	struct clock_pair best = { 0 };
	uint64_t best_width = UINT64_MAX;

	for (int i = 0; i < CLOCK_TRIES; i++) {
		struct timespec now;
		uint64_t before = __rdtsc(), width;

		clock_gettime(CLOCK_MONOTONIC, &now);
		width = __rdtsc() - before;
		if (width >= best_width)
			continue;
		best_width = width;
		best.tsc = before + width / 2;
		best.ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	}
	return best;
}

static struct tsc_map tsc_map__make(const struct vcpu *vcpu)
{
	const struct session *s = vcpu->session;
	int64_t low = INT64_MIN, high = INT64_MAX;
	struct tsc_map map = { .s = s };

	for (unsigned int end = 0; end < 2; end++) {
		for (unsigned int i = 0; i < vcpu->probes[end]; i++) {
			const struct sync_probe *probe = &vcpu->guest->sync[end][i];
			int64_t least = probe->before - vcpu->host_tsc[end][i];
			int64_t most = probe->after - vcpu->host_tsc[end][i];

			/* The run was stopped before the guest could read its TSC after the OUT. */
			if (!probe->after)
				continue;
			if (least > low)
				low = least;
			if (most < high)
				high = most;
		}
	}
	if (low == INT64_MIN || s->end.tsc <= s->begin.tsc)
		return map;
	map.offset = low + (high - low) / 2;
	map.uncertain = (high - low) / 2;
	map.ns_per_tick = (double)(s->end.ns - s->begin.ns) / (s->end.tsc - s->begin.tsc);
	map.valid = low <= high;
	return map;
}

static uint64_t tsc_map__ns(const struct tsc_map *map, uint64_t guest_tsc)
{
	int64_t since = guest_tsc - map->offset - map->s->begin.tsc;

	return map->s->begin.ns + (int64_t)(since * map->ns_per_tick);
}

static uint64_t cycles_to_ns(const struct tsc_map *map, uint64_t cycles)
{
	return cycles * map->ns_per_tick;
}

/* Replaces characters that JSON would have to escape, because names come from the command line. */
static void print_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = *text;

		fputc(c < 0x20 || c >= 0x7f || c == '"' || c == '\\' ? '?' : c, out);
	}
	fputc('"', out);
}

static void print_segments(const struct guest_cpu *guest, const struct tsc_map *map, FILE *out)
{
	fputs(",\"segments\":[", out);
	for (uint64_t i = 0; i < guest->log_cnt; i++)
		fprintf(out, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "",
			tsc_map__ns(map, guest->log[i].start), tsc_map__ns(map, guest->log[i].end));
	fputc(']', out);
}

static void print_halts(const struct vcpu *vcpu, FILE *out)
{
	const struct options *opts = vcpu->session->opts;

	fputs(",\"halts\":[", out);
	for (unsigned int i = 0; i < opts->halt_groups; i++)
		fprintf(out,
			"%s{\"length_ns\":%" PRIu64 ",\"count\":%" PRIu64 ",\"done\":%" PRIu64 "}",
			i ? "," : "", opts->halts[i].us * 1000, opts->halts[i].count,
			vcpu->guest->halts[i].done);
	fputc(']', out);
}

static void print_marks(const struct vcpu *vcpu, FILE *out)
{
	static const char *const kinds[] = {
		[GUEST_EXIT_CPUID] = "cpuid",
		[GUEST_EXIT_OUT] = "out",
		[GUEST_EXIT_HLT] = "hlt",
	};
	const struct options *opts = vcpu->session->opts;

	fprintf(out, ",\"exit_kind\":\"%s\",\"exits\":%" PRIu64 ",\"marks\":[",
		kinds[opts->exit_kind], vcpu->guest->exits);
	for (unsigned int i = 0; i < vcpu->mark_cnt; i++) {
		const struct mark *mark = &vcpu->marks[i];

		fprintf(out, "%s{\"ns\":%" PRIu64 ",\"exits\":%" PRIu64 ",\"msr\":", i ? "," : "",
			mark->ns, mark->exits);
		if (vcpu->msr_fd >= 0)
			fprintf(out, "%" PRIu64 "}", mark->msr);
		else
			fputs("null}", out);
	}
	fputc(']', out);
}

static void print_vcpu(const struct vcpu *vcpu, FILE *out)
{
	const struct guest_cpu *guest = vcpu->guest;
	struct tsc_map map = tsc_map__make(vcpu);

	fprintf(out, "{\"vm\":%u,\"vcpu\":%u,\"tid\":%d,\"cpu\":", vcpu->vm_idx, vcpu->id,
		vcpu->tid);
	if (vcpu->pin >= 0)
		fprintf(out, "%d", vcpu->pin);
	else
		fputs("null", out);
	if (vcpu->session->opts->mode == GUEST_DUTY)
		fprintf(out, ",\"busy_pct\":%g", vcpu->busy_pct);
	fprintf(out, ",\"complete\":%s,\"mapped\":%s,\"tsc_offset\":%" PRId64,
		vcpu->complete ? "true" : "false", map.valid ? "true" : "false", map.offset);
	fprintf(out, ",\"uncertain_ns\":%" PRId64, (int64_t)(map.uncertain * map.ns_per_tick));
	fprintf(out, ",\"start_ns\":%" PRIu64 ",\"end_ns\":%" PRIu64,
		tsc_map__ns(&map, guest->start_tsc), tsc_map__ns(&map, guest->end_tsc));
	fprintf(out, ",\"halted_ns\":%" PRIu64 ",\"busy_ns\":%" PRIu64 ",\"paused_ns\":%" PRIu64,
		cycles_to_ns(&map, guest->halted_cycles),
		cycles_to_ns(&map, guest->busy_cycles_done),
		cycles_to_ns(&map, guest->paused_cycles));
	fprintf(out, ",\"halted_cycles\":%" PRIu64 ",\"wakeups\":%" PRIu64 ",\"broken\":%" PRIu64,
		guest->halted_cycles, guest->wakeups, guest->broken);
	fprintf(out, ",\"dropped\":%" PRIu64 ",\"waited_ns\":", guest->log_dropped);
	if (vcpu->waited_ns >= 0)
		fprintf(out, "%" PRId64, vcpu->waited_ns);
	else
		fputs("null", out);
	if (vcpu->session->opts->mode == GUEST_HALTS) {
		fprintf(out, ",\"slept_ns\":%" PRIu64, vcpu->slept_ns);
		print_halts(vcpu, out);
	}
	if (vcpu->session->opts->mode == GUEST_EXITS)
		print_marks(vcpu, out);
	print_segments(guest, &map, out);
	fputc('}', out);
}

int report__write(const struct session *s, FILE *out)
{
	static const char *const modes[] = {
		[GUEST_DUTY] = "duty",
		[GUEST_HALTS] = "halts",
		[GUEST_EXITS] = "exits",
	};
	const struct options *opts = s->opts;

	fprintf(out, "{\"payload\":1,\"mode\":\"%s\",\"name\":", modes[opts->mode]);
	print_string(out, opts->name);
	fprintf(out,
		",\"pid\":%d,\"hlt\":\"%s\",\"disabled_exits\":%" PRIu64 ",\"tsc_khz\":%" PRIu64,
		getpid(), opts->passthrough ? "passthrough" : "exit", s->disabled_exits,
		s->tsc_khz);
	fprintf(out, ",\"clock\":{\"begin\":{\"tsc\":%" PRIu64 ",\"ns\":%" PRIu64 "}", s->begin.tsc,
		s->begin.ns);
	fprintf(out, ",\"end\":{\"tsc\":%" PRIu64 ",\"ns\":%" PRIu64 "}},\"vcpus\":[", s->end.tsc,
		s->end.ns);
	for (unsigned int i = 0; i < s->vcpu_cnt; i++) {
		if (i)
			fputs(",\n", out);
		print_vcpu(&s->vcpus[i], out);
	}
	fputs("]}\n", out);
	return fflush(out) || ferror(out) ? -1 : 0;
}
