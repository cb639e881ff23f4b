// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "recording/recording.h"
#include "recordings.h"

/* Compares member by member, because padding is undefined. */
static void check_vcpu(const struct vcpu_reading *a, const struct vcpu_reading *b)
{
	FUZZ_ASSERT(!vcpu_reading__compare(a, b));
	FUZZ_ASSERT(a->seen == b->seen && a->wait_known == b->wait_known);
	FUZZ_ASSERT(a->at_ns == b->at_ns && a->loaded_ns == b->loaded_ns);
	FUZZ_ASSERT(a->measured_ns == b->measured_ns && a->mperf_cycles == b->mperf_cycles);
	FUZZ_ASSERT(a->unmeasured_ns == b->unmeasured_ns && a->guest_ns == b->guest_ns);
	FUZZ_ASSERT(a->entry_cnt == b->entry_cnt && a->stint_number == b->stint_number);
	FUZZ_ASSERT(!a->wait_known || a->wait_ns == b->wait_ns);
}

static void check_cpu(const struct cpu_reading *a, const struct cpu_reading *b)
{
	FUZZ_ASSERT(a->cpu == b->cpu && a->mperf_ratio == b->mperf_ratio && a->at_ns == b->at_ns);
	FUZZ_ASSERT(a->mperf_cycles == b->mperf_cycles && a->window_ns == b->window_ns);
	FUZZ_ASSERT(a->window_mperf_cycles == b->window_mperf_cycles && a->idle_ns == b->idle_ns);
	FUZZ_ASSERT(a->idle_mperf_cycles == b->idle_mperf_cycles);
}

static void check_snapshot(const struct snapshot *a, const struct snapshot *b)
{
	FUZZ_ASSERT(!memcmp(&a->clock, &b->clock, sizeof(a->clock)));
	FUZZ_ASSERT(a->mode == b->mode && a->mperf_ratio == b->mperf_ratio);
	FUZZ_ASSERT(!memcmp(&a->health, &b->health, sizeof(a->health)));
	FUZZ_ASSERT(a->vm_cnt == b->vm_cnt && a->vcpu_cnt == b->vcpu_cnt &&
		    a->cpu_cnt == b->cpu_cnt);
	FUZZ_ASSERT(a->has_stints == b->has_stints && a->stint_cnt == b->stint_cnt);
	for (size_t i = 0; i < a->vm_cnt; i++)
		FUZZ_ASSERT(a->vms[i].pid == b->vms[i].pid &&
			    !strcmp(a->vms[i].name, b->vms[i].name));
	for (size_t i = 0; i < a->vcpu_cnt; i++)
		check_vcpu(&a->vcpus[i], &b->vcpus[i]);
	for (size_t i = 0; i < a->cpu_cnt; i++)
		check_cpu(&a->cpus[i], &b->cpus[i]);
	for (size_t i = 0; i < a->stint_cnt; i++)
		FUZZ_ASSERT(!memcmp(&a->stints[i], &b->stints[i], sizeof(a->stints[i])));
}

/* Returns a stream that contains the recording. */
static FILE *record(const struct recording_header *header, const struct snapshot *snaps, size_t cnt)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);
	struct recording_writer *w;
	int copy = dup(fd);
	FILE *in;

	FUZZ_ASSERT(fd >= 0 && copy >= 0);
	FUZZ_ASSERT(!recording_writer__new(fd, header, 0, &w));
	for (size_t i = 0; i < cnt; i++)
		FUZZ_ASSERT(!recording_writer__write(w, &snaps[i]));
	FUZZ_ASSERT(!recording_writer__close(w));
	FUZZ_ASSERT(!lseek(copy, 0, SEEK_SET));
	in = fdopen(copy, "r");
	FUZZ_ASSERT(in);
	return in;
}

void recordings__check_round_trip(const struct recording_header *header,
				  const struct snapshot *snaps, size_t cnt)
{
	FILE *in = record(header, snaps, cnt);
	struct recording_header read_header;
	struct snapshot snap = { 0 };
	struct recording_reader *r;

	FUZZ_ASSERT(!recording_reader__new(in, &r));
	FUZZ_ASSERT(!recording_reader__header(r, &read_header));
	FUZZ_ASSERT(!strcmp(header->gtimehalt_version, read_header.gtimehalt_version));
	FUZZ_ASSERT(!strcmp(header->kernel_release, read_header.kernel_release));
	FUZZ_ASSERT(!strcmp(header->window_hook, read_header.window_hook));
	FUZZ_ASSERT(!strcmp(header->stint_hook, read_header.stint_hook));
	FUZZ_ASSERT(header->mode == read_header.mode);
	FUZZ_ASSERT(header->mperf_ratio == read_header.mperf_ratio);
	for (size_t i = 0; i < cnt; i++) {
		FUZZ_ASSERT(recording_reader__next(r, &snap) == 1);
		check_snapshot(&snaps[i], &snap);
	}
	FUZZ_ASSERT(!recording_reader__next(r, &snap));
	recording_reader__free(r);
	snapshot__free(&snap);
	fclose(in);
}
