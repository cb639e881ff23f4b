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
#include "measure/sched_clock.h"
#include "measure/vcpu_map.h"

/*
 * A copy is torn only while a window is being closed, which takes a microsecond, or longer if a
 * hypervisor takes the closing CPU away meanwhile.
 */
#define TORN_MAX_NS  1000000000ULL
#define TORN_WAIT_US 50

/*
 * Number of entries that are copied at once. From a hash map the kernel copies whole buckets, and
 * no bucket comes near this size: a map has at least as many buckets as entries.
 */
#define CHUNK_CNT 256

struct vcpu_map {
	struct vcpu_map_fds fds;
	double ns_per_tsc_cycle;
	__u64 last_ns; /* when the last snapshot was taken; 0: never */
	__u32 highest_index;
	__u64 lost_cnt; /* entries that could not be read: another CPU was writing to them */
	struct vcpu_sums sums[CHUNK_CNT];
	/* Keys of `vcpus` and of `ended`. */
	__u32 indexes[CHUNK_CNT];
	struct ended_key keys[CHUNK_CNT];
};

int vcpu_map__new(const struct vcpu_map_fds *fds, double ns_per_tsc_cycle, struct vcpu_map **out)
{
	struct vcpu_map *map = calloc(1, sizeof(*map));

	if (!map)
		return -ENOMEM;
	map->fds = *fds;
	map->ns_per_tsc_cycle = ns_per_tsc_cycle;
	*out = map;
	return 0;
}

void vcpu_map__free(struct vcpu_map *map)
{
	free(map);
}

static bool is_equal(const struct write_seq *head, const struct write_seq *tail)
{
	return head->begin == head->end && head->begin == tail->begin && head->begin == tail->end;
}

static bool is_whole(const struct vcpu_sums *sums)
{
	return is_equal(&sums->local_head, &sums->local_tail) &&
	       is_equal(&sums->shared_head, &sums->shared_tail);
}

/*
 * Reads an entry again until the copy is consistent or the entry is free. If all copies are torn
 * for TORN_MAX_NS, counts the entry as lost and sets sums->tid to 0. Returns 0 or -errno.
 */
static int read_whole(struct vcpu_map *map, __u32 index, struct vcpu_sums *sums)
{
	__u64 end_ns = clock__now_ns() + TORN_MAX_NS;

	while (sums->tid && !is_whole(sums)) {
		int err;

		if (clock__now_ns() > end_ns) {
			map->lost_cnt++;
			sums->tid = 0;
			break;
		}
		err = bpf_map_lookup_elem(map->fds.vcpus_fd, &index, sums);
		if (err)
			return err;
		if (!is_whole(sums))
			usleep(TORN_WAIT_US);
	}
	return 0;
}

/*
 * Returns the time up to which the entry is complete, by a clock that stops while the entry is
 * away.
 */
static __u64 complete_ns(const struct vcpu_sums *sums)
{
	return sums->at_ns - sums->away_ns;
}

static void fill_reading(const struct vcpu_map *map, const struct vcpu_sums *sums, __u64 hooked_ns,
			 struct vcpu_reading *vcpu)
{
	const struct window_sums *local = &sums->local, *remote = &sums->remote;

	vcpu->pid = (pid_t)sums->tgid;
	vcpu->tid = (pid_t)sums->tid;
	vcpu->vcpu_id = sums->vcpu_id;
	vcpu->seen = true;
	vcpu->wait_known = true;
	vcpu->stale = sums->window_ns < hooked_ns;
	vcpu->cannot_halt = sums->cannot_halt;
	vcpu->vm_id = sums->vm_id;
	vcpu->start_boottime_ns = sums->start_boottime_ns;
	vcpu->at_ns = complete_ns(sums);
	vcpu->loaded_ns = sums->ran_ns - sums->ran_base_ns;
	vcpu->ran_before_ns = sums->older_cnt ? 0 : sums->first_ran_ns;
	vcpu->wait_ns = sums->wait_ns - sums->wait_base_ns;
	vcpu->sleeps = sums->sleeps;
	vcpu->sleeps_known = true;
	vcpu->measured_ns =
		tsc_cycles_to_ns(local->tsc_cycles + remote->tsc_cycles, map->ns_per_tsc_cycle);
	vcpu->mperf_cycles = local->mperf_cycles + remote->mperf_cycles;
	vcpu->unmeasured_ns = local->unmeasured_ns + remote->unmeasured_ns;
	vcpu->guest_ns = local->guest_ns + remote->guest_ns;
	vcpu->entry_cnt = local->entry_cnt + remote->entry_cnt;
}

static void copy_stints(const struct stint_sums *sums, struct stint_reading *reading)
{
	reading->halted_ns = sums->halted_ns;
	memcpy(reading->cnt, sums->cnt, sizeof(reading->cnt));
}

static int add_stints(const struct vcpu_map *map, struct snapshot *snap, __u32 index,
		      struct vcpu_reading *vcpu)
{
	struct stint_reading *reading;
	struct stint_sums sums;
	int err = bpf_map_lookup_elem(map->fds.stints_fd, &index, &sums);

	if (err || sums.start_boottime_ns != vcpu->start_boottime_ns)
		return err;
	reading = snapshot__add_stints(snap, vcpu);
	if (!reading)
		return -ENOMEM;
	copy_stints(&sums, reading);
	return 0;
}

/* Returns the reading, or NULL when memory is short. */
static struct vcpu_reading *add_reading(const struct vcpu_map *map, struct snapshot *snap,
					const struct vcpu_sums *sums)
{
	struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

	if (vcpu)
		fill_reading(map, sums, snap->hooked_ns, vcpu);
	return vcpu;
}

static bool has_reading(const struct snapshot *snap, const struct vcpu_sums *sums)
{
	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		if (snap->vcpus[i].tid == (pid_t)sums->tid &&
		    snap->vcpus[i].start_boottime_ns == sums->start_boottime_ns)
			return true;
	return false;
}

/* Frees an entry of a thread that no longer exists. */
static int drop(const struct vcpu_map *map, __u32 index, __u32 tid)
{
	__u64 args[] = { index, tid };
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = args, .ctx_size_in = sizeof(args));

	return bpf_prog_test_run_opts(map->fds.drop_fd, &run);
}

/*
 * Reads an entry. Drops the entry of an exited thread afterwards; a pinned measurement drops it
 * itself.
 */
static int read_entry(struct vcpu_map *map, struct snapshot *snap, __u32 index,
		      struct vcpu_sums *sums)
{
	struct vcpu_reading *vcpu;
	int err;

	if (!sums->tid)
		return 0;
	err = read_whole(map, index, sums);
	if (err || !sums->tid)
		return err;
	if (index > map->highest_index)
		map->highest_index = index;
	vcpu = add_reading(map, snap, sums);
	if (!vcpu)
		return -ENOMEM;
	vcpu->entry = index;
	if (map->fds.stints_fd >= 0)
		err = add_stints(map, snap, index, vcpu);
	if (!err && sums->ended_ns && map->fds.ended_fd < 0)
		err = drop(map, index, sums->tid);
	return err;
}

/* Reads an element of `ended` if the thread has exited since the last snapshot. */
static int read_ended_entry(struct vcpu_map *map, struct snapshot *snap,
			    const struct vcpu_sums *sums)
{
	__u64 since_ns = map->last_ns ? map->last_ns : snap->clock.mono_ns;

	if (sums->ended_ns <= since_ns || has_reading(snap, sums))
		return 0;
	if (!is_whole(sums)) {
		map->lost_cnt++;
		return 0;
	}
	return add_reading(map, snap, sums) ? 0 : -ENOMEM;
}

/*
 * Copies the next chunk of a map. *position is kept from one call to the next; `begun` is false for
 * the first call.
 * Returns how many elements were copied, or -errno; sets *at_end after the last element.
 */
static int read_chunk(struct vcpu_map *map, int map_fd, void *keys, __u32 *position, bool begun,
		      bool *at_end)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 cnt = CHUNK_CNT;
	int err = bpf_map_lookup_batch(map_fd, begun ? position : NULL, position, keys, map->sums,
				       &cnt, &opts);

	*at_end = err == -ENOENT;
	/* At the end of the map elements may have been copied; after any other error none were. */
	return err && err != -ENOENT ? err : (int)cnt;
}

/*
 * Reads the entries. All entries above the highest index that was ever used are free, because new
 * entries get the lowest free index and only this reader frees entries: reading stops there. A
 * pinned measurement frees entries itself, so all of its entries are read.
 */
static int read_entries(struct vcpu_map *map, struct snapshot *snap)
{
	__u32 position = 0;
	bool begun = false, at_end = false;
	int err = 0;

	while (!at_end && !err) {
		int cnt =
			read_chunk(map, map->fds.vcpus_fd, map->indexes, &position, begun, &at_end);
		bool has_live = false;

		if (cnt < 0)
			return cnt;
		for (int i = 0; i < cnt && !err; i++) {
			has_live |= map->sums[i].tid != 0;
			err = read_entry(map, snap, map->indexes[i], &map->sums[i]);
		}
		if (cnt && !has_live && map->indexes[cnt - 1] > vcpu_map__highest_index(map))
			break;
		begun = true;
	}
	return err;
}

static int read_ended(struct vcpu_map *map, struct snapshot *snap)
{
	__u32 position = 0;
	bool begun = false, at_end = false;
	int err = 0;

	while (!at_end && !err) {
		int cnt = read_chunk(map, map->fds.ended_fd, map->keys, &position, begun, &at_end);

		if (cnt < 0)
			return cnt;
		for (int i = 0; i < cnt && !err; i++)
			err = read_ended_entry(map, snap, &map->sums[i]);
		begun = true;
	}
	return err;
}

int vcpu_map__read(struct vcpu_map *map, struct snapshot *snap)
{
	int err;

	snap->has_stints = map->fds.stints_fd >= 0;
	err = read_entries(map, snap);
	/*
	 * Read `ended` last, because an entry that moves there is in both maps for a moment, and
	 * never in none.
	 */
	if (!err && map->fds.ended_fd >= 0)
		err = read_ended(map, snap);
	if (err)
		return err;
	snap->health.lost_window_cnt += map->lost_cnt;
	map->last_ns = snap->clock.mono_ns;
	return 0;
}

/*
 * Updates a reading from the final sums, because it may have been copied before the thread exited.
 */
static void take_last(const struct vcpu_map *map, struct snapshot *snap, __u32 index,
		      const struct vcpu_sums *sums, struct vcpu_reading *vcpu)
{
	struct stint_sums stints;

	fill_reading(map, sums, snap->hooked_ns, vcpu);
	if (map->fds.stints_fd < 0 || !vcpu->stint_number ||
	    bpf_map_lookup_elem(map->fds.stints_fd, &index, &stints))
		return;
	copy_stints(&stints, &snap->stints[vcpu->stint_number - 1]);
}

int vcpu_map__forget(const struct vcpu_map *map, struct snapshot *snap, struct vcpu_reading *vcpu)
{
	__u32 index = vcpu->entry;
	struct vcpu_sums sums;
	int err = bpf_map_lookup_elem(map->fds.vcpus_fd, &index, &sums);

	if (err)
		return err;
	/* The entry may have been dropped, and may be another thread's by now. */
	if (sums.tid != (__u32)vcpu->tid || sums.start_boottime_ns != vcpu->start_boottime_ns)
		return 0;
	if (is_whole(&sums))
		take_last(map, snap, index, &sums, vcpu);
	return drop(map, index, sums.tid);
}

__u32 vcpu_map__highest_index(const struct vcpu_map *map)
{
	return map->fds.ended_fd >= 0 ? GTIMEHALT_MAX_VCPUS : map->highest_index;
}

void vcpu_map__refused(const struct vcpu_map *map, vcpu_map__refused_fn refused, void *arg)
{
	__u32 *from = NULL, tgid;

	while (!bpf_map_get_next_key(map->fds.processes_fd, from, &tgid)) {
		struct process_entries process;

		if (!bpf_map_lookup_elem(map->fds.processes_fd, &tgid, &process) &&
		    process.refused_cnt)
			refused(arg, (pid_t)tgid, process.refused_cnt);
		from = &tgid;
	}
}
