// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "gtimehalt.h"
#include "report/snapshot.h"
#include "measure/sums_reader.h"

/*
 * A copy is torn only while a window closes, which takes a microsecond; longer when the CPU of the one
 * that closes it is taken away meanwhile. A copy that stays torn for so long is not whole at all.
 */
#define TORN_MAX_NS  1000000000ULL
#define TORN_WAIT_US 50

/*
 * Entries copied at once. Room for a whole map would be touched further and further as a pinned measurement remembers
 * more threads that have ended. The kernel copies hash buckets whole, and none comes near to this: a map has as
 * many as it has room for entries, at least.
 */
#define CHUNK_CNT 256

struct sums_reader {
	int vcpus_fd, stints_fd, ended_fd;
	__u64 last_ns;  /* when the last snapshot was taken; 0: there was none */
	__u64 lost_cnt; /* entries of threads that ended while another CPU was writing to them */
	/* Of either map. */
	__u32 keys[CHUNK_CNT];
	struct vcpu_sums sums[CHUNK_CNT];
};

int sums_reader__new(int vcpus_fd, int stints_fd, int ended_fd, struct sums_reader **out)
{
	struct sums_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->vcpus_fd = vcpus_fd;
	r->stints_fd = stints_fd;
	r->ended_fd = ended_fd;
	*out = r;
	return 0;
}

void sums_reader__free(struct sums_reader *r)
{
	free(r);
}

static bool is_whole(const struct vcpu_sums *sums)
{
	return sums->begun_head == sums->done_head && sums->begun_head == sums->begun_tail &&
	       sums->begun_head == sums->done_tail;
}

/* Reads an entry again until the copy is whole. -ENOENT: it is gone. */
static int read_whole(const struct sums_reader *r, __u32 tid, struct vcpu_sums *sums)
{
	__u64 end_ns = clock__now_ns() + TORN_MAX_NS;

	while (!is_whole(sums)) {
		int err;

		if (clock__now_ns() > end_ns)
			return -EIO;
		err = bpf_map_lookup_elem(r->vcpus_fd, &tid, sums);
		if (err)
			return err;
		if (!is_whole(sums))
			usleep(TORN_WAIT_US);
	}
	return 0;
}

/* The window has ended, and its thread has not been back to add it up: it will add the same. */
static bool is_unsettled(const struct vcpu_sums *sums)
{
	return sums->open_ns && sums->put_ns >= sums->open_ns;
}

/*
 * Up to when the sums are complete. Of a window that is open they are as old as its last reading; all others
 * have not grown since, nor has one that was open and was read by force.
 */
static __u64 complete_ns(const struct vcpu_sums *sums, const struct snapshot *snap, bool forced)
{
	if (sums->ended_ns)
		return sums->ended_ns;
	if (!forced && sums->open_ns && !is_unsettled(sums))
		return sums->updated_ns;
	return sums->updated_ns > snap->clock.mono_ns ? sums->updated_ns : snap->clock.mono_ns;
}

static void fill_reading(const struct vcpu_sums *sums, __u32 tid, const struct snapshot *snap,
			 bool forced, struct vcpu_reading *vcpu)
{
	const struct window_sums *own = &sums->own, *others = &sums->others;

	vcpu->pid = (pid_t)sums->tgid;
	vcpu->tid = (pid_t)tid;
	vcpu->vcpu_id = sums->vcpu_id;
	vcpu->seen = true;
	vcpu->wait_known = true;
	vcpu->stale = sums->updated_ns < snap->hooked_ns;
	vcpu->vm_id = sums->vm_id;
	vcpu->start_boottime_ns = sums->start_boottime_ns;
	vcpu->at_ns = complete_ns(sums, snap, forced);
	vcpu->loaded_ns = sums->loaded_ns;
	vcpu->wait_ns = sums->wait_ns;
	vcpu->measured_ns = own->measured_ns + others->measured_ns;
	vcpu->mperf_cycles = own->mperf_cycles + others->mperf_cycles;
	vcpu->unmeasured_ns = own->unmeasured_ns + others->unmeasured_ns;
	vcpu->guest_ns = own->guest_ns + others->guest_ns;
	vcpu->entry_cnt = own->entry_cnt + others->entry_cnt;
	if (!is_unsettled(sums))
		return;
	vcpu->loaded_ns += sums->put_ns - sums->open_ns;
	/* The window may have ended since the snapshot began. */
	if (sums->put_ns > vcpu->at_ns)
		vcpu->at_ns = sums->put_ns;
	if (sums->put_preempted)
		vcpu->wait_ns += vcpu->at_ns - sums->put_ns;
}

static int add_stints(const struct sums_reader *r, struct snapshot *snap, struct vcpu_reading *vcpu)
{
	__u32 tid = (__u32)vcpu->tid;
	struct stint_reading *reading;
	struct stint_sums sums;
	int err = bpf_map_lookup_elem(r->stints_fd, &tid, &sums);

	/* Not yet halted for long enough, or an entry that a dead thread has left behind. */
	if (err == -ENOENT || (!err && sums.start_boottime_ns != vcpu->start_boottime_ns))
		return 0;
	if (err)
		return err;
	reading = snapshot__add_stints(snap, vcpu);
	if (!reading)
		return -ENOMEM;
	reading->halted_ns = sums.halted_ns;
	memcpy(reading->cnt, sums.cnt, sizeof(reading->cnt));
	return 0;
}

static int add_reading(const struct sums_reader *r, struct snapshot *snap, bool forced, __u32 tid,
		       const struct vcpu_sums *sums)
{
	struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

	if (!vcpu)
		return -ENOMEM;
	fill_reading(sums, tid, snap, forced, vcpu);
	return r->stints_fd < 0 ? 0 : add_stints(r, snap, vcpu);
}

static bool is_retired(__u32 key)
{
	return key >> RETIRED_SHIFT;
}

static __u32 tid_of(__u32 key)
{
	return key & ((1U << RETIRED_SHIFT) - 1);
}

typedef int (*read_entry_fn)(struct sums_reader *r, struct snapshot *snap, bool forced, __u32 key,
			     struct vcpu_sums *sums);

static int read_chunk(struct sums_reader *r, struct snapshot *snap, bool forced, __u32 cnt,
		      read_entry_fn read_entry)
{
	int err = 0;

	for (__u32 i = 0; i < cnt && !err; i++)
		err = read_entry(r, snap, forced, r->keys[i], &r->sums[i]);
	return err;
}

static int read_map(struct sums_reader *r, struct snapshot *snap, bool forced, int map_fd,
		    read_entry_fn read_entry)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 position, *from = NULL;
	int end, err;

	do {
		__u32 cnt = CHUNK_CNT;

		end = bpf_map_lookup_batch(map_fd, from, &position, r->keys, r->sums, &cnt, &opts);
		/* The end of the map was reached; all other errors have copied nothing. */
		if (end && end != -ENOENT)
			return end;
		err = read_chunk(r, snap, forced, cnt, read_entry);
		from = &position;
	} while (!end && !err);
	return err;
}

static bool has_thread(const struct snapshot *snap, __u32 tid, __u64 start_boottime_ns)
{
	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		if (snap->vcpus[i].tid == (pid_t)tid &&
		    snap->vcpus[i].start_boottime_ns == start_boottime_ns)
			return true;
	return false;
}

static void drop(const struct sums_reader *r, __u32 key)
{
	bpf_map_delete_elem(r->vcpus_fd, &key);
	if (r->stints_fd >= 0 && !is_retired(key))
		bpf_map_delete_elem(r->stints_fd, &key);
}

/* What has ended is read once; a measurement that is pinned drops it itself. */
static int read_vcpu(struct sums_reader *r, struct snapshot *snap, bool forced, __u32 key,
		     struct vcpu_sums *sums)
{
	int err = read_whole(r, key, sums);

	if (!err)
		err = add_reading(r, snap, forced, tid_of(key), sums);
	if (!err && sums->ended_ns && r->ended_fd < 0)
		drop(r, key);
	return err == -ENOENT ? 0 : err;
}

/* Those that have ended since the last snapshot. */
static int read_ended(struct sums_reader *r, struct snapshot *snap, bool forced, __u32 key,
		      struct vcpu_sums *sums)
{
	__u64 since_ns = r->last_ns ? r->last_ns : snap->clock.mono_ns;

	if (sums->ended_ns <= since_ns || has_thread(snap, tid_of(key), sums->start_boottime_ns))
		return 0;
	if (!is_whole(sums)) {
		r->lost_cnt++;
		return 0;
	}
	return add_reading(r, snap, forced, tid_of(key), sums);
}

int sums_reader__read(struct sums_reader *r, struct snapshot *snap, bool forced)
{
	int err;

	snap->has_stints = r->stints_fd >= 0;
	err = read_map(r, snap, forced, r->vcpus_fd, read_vcpu);
	/* Behind the others, for a thread is in both maps for a moment, and never in none. */
	if (!err && r->ended_fd >= 0)
		err = read_map(r, snap, true, r->ended_fd, read_ended);
	if (err)
		return err;
	snap->health.lost_window_cnt += r->lost_cnt;
	r->last_ns = snap->clock.mono_ns;
	return 0;
}

/* What is in the reading was copied before the thread had ended, perhaps. */
static void take_last(const struct sums_reader *r, struct snapshot *snap,
		      const struct vcpu_sums *sums, struct vcpu_reading *vcpu)
{
	struct stint_reading *reading;
	struct stint_sums stints;

	fill_reading(sums, (__u32)vcpu->tid, snap, true, vcpu);
	if (r->stints_fd < 0 || !vcpu->stint_number ||
	    bpf_map_lookup_elem(r->stints_fd, &vcpu->tid, &stints))
		return;
	reading = &snap->stints[vcpu->stint_number - 1];
	reading->halted_ns = stints.halted_ns;
	memcpy(reading->cnt, stints.cnt, sizeof(reading->cnt));
}

void sums_reader__forget(struct sums_reader *r, struct snapshot *snap, struct vcpu_reading *vcpu)
{
	__u32 key = (__u32)vcpu->tid;
	struct vcpu_sums sums;

	/* A tid may be another thread's by now. */
	if (bpf_map_lookup_elem(r->vcpus_fd, &key, &sums) ||
	    sums.start_boottime_ns != vcpu->start_boottime_ns)
		return;
	if (is_whole(&sums))
		take_last(r, snap, &sums, vcpu);
	drop(r, key);
}
