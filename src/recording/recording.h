/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recording - snapshots as text, to be shown later or elsewhere: --record and --replay.
 *
 * A recording is NDJSON: UTF-8, one JSON object per line, each line terminated by a newline.
 * Integers are exact up to 2^64-1. The first line is the header:
 *
 *	{"format":"gtimehalt-recording","version":1,
 *	 "gtimehalt_version":"0.1.0",		optional, like all texts of the header
 *	 "kernel_release":"6.12.0",
 *	 "mode":"entry",			or "switch"
 *	 "window_hook":"fentry","stint_hook":"fentry",
 *	 "mperf_ratio":0.97}			optional; reports use that of the snapshot
 *
 * Every other line is a snapshot, which must be later than the previous one by CLOCK_MONOTONIC and,
 * unless there was a suspend, by TSC (span__clock_problem()):
 *
 *	{"clock":{"monotonic_ns":N,"boottime_ns":N,"realtime_ns":N,"tsc_cycles":N},
 *	 "mode":"entry","mperf_ratio":0.97,
 *	 "pinned":true,"host_halts":true,	optional
 *	 "online_cpus":N,			optional
 *	 "health":{"lost_windows":N,"mperf_errors":N,"map_full":N,
 *		   "hooks_off":N,"refused_windows":N},	optional
 *	 "vms":[{"pid":N,"name":"demo"}],	sorted by pid
 *	 "vcpus":[{"pid":N,"tid":N,"vcpu":N,"seen":true,"vm_id":N,"start_boottime_ns":N,
 *		   "at_monotonic_ns":N,"loaded_ns":N,"measured_ns":N,"mperf_cycles":N,
 *		   "unmeasured_ns":N,"guest_ns":N,"entries":N,
 *		   "wait_ns":N,			null if unknown
 *		   "stale":true,		optional
 *		   "stints":N}],		optional: index + 1 into the stints below
 *						sorted by pid, vm_id, vcpu, tid, start_boottime_ns
 *	 "cpus":[{"cpu":N,"mperf_ratio":0.97,"at_monotonic_ns":N,"mperf_cycles":N,"window_ns":N,
 *		  "window_mperf_cycles":N,"idle_ns":N,"idle_mperf_cycles":N}],
 *						optional; sorted by cpu
 *	 "has_stints":true,			optional: stints were counted
 *	 "stints":[{"halted_ns":N,
 *		    "counts":[BUCKET,N,BUCKET,N]}]}	optional; empty buckets are omitted
 *
 * snapshot.h explains the members. Sorted lists have no two elements with equal keys. Buckets are
 * numbered from 0, with eight per power of two, from 1024 ns (histogram.h). A vm_id only
 * distinguishes VMs; its value has no meaning: see recording_writer__new().
 *
 * A reader ignores unknown members, so that members can be added. "version" is incremented when a
 * member changes its meaning or is removed, and a reader rejects unknown versions. Only the members
 * in src/recording/recording_fields.c are recorded.
 *
 * If the recorder is killed, the last line may be incomplete. A reader therefore ignores a last
 * line that is not valid JSON; any other such line is an error.
 */
#ifndef RECORDING_H
#define RECORDING_H

#include <stdio.h>
#include <linux/types.h>
#include "report/snapshot.h"

/*
 * Limits of a reader: bytes of a line without its newline, elements of a list, JSON values of a
 * line, objects and lists among these, and nesting depth. Together they keep the memory for a
 * hostile line below 1 GiB. A snapshot of 8192 vCPUs uses an eighth of the elements and a twentieth
 * of the bytes and values, or a quarter of these with stints in a third of all buckets.
 */
#define RECORDING_LINE_MAX       (64 << 20)
#define RECORDING_ELEMENTS_MAX   (64 << 10)
#define RECORDING_VALUES_MAX     (4 << 20)
#define RECORDING_CONTAINERS_MAX (256 << 10)
#define RECORDING_DEPTH_MAX      16

/* Describes the recorded run. Unknown texts are empty, and an unknown ratio is 0. */
struct recording_header {
	char gtimehalt_version[32];
	char kernel_release[65];
	enum measure_mode mode;
	char window_hook[32];
	char stint_hook[32]; /* empty in MODE_SWITCH */
	double mperf_ratio;
};

struct recording_writer;
struct recording_reader;

/*
 * Creates or truncates the file and writes the header. "-" is rejected, because stdout is for the
 * report. The caller ends the writer with recording_writer__close().
 * Returns 0; -EINVAL if path is "-", or if the header's ratio is not 0 and not finite and positive;
 * or another -errno. After an error *out is unchanged, and the file is empty if it was created.
 */
int recording_writer__open(const char *path, const struct recording_header *header,
			   struct recording_writer **out);

/*
 * The same for a descriptor, which the writer owns from now on, even if this fails.
 *
 * vm_id_offset is added to each vm_id that is a kernel address (upper half of the numbers), so that
 * addresses do not leak. Other vm_ids, of VMs without any vCPU that was seen, are below 2^56
 * (vcpu_threads.h). recording_writer__open() uses a random offset that preserves the order of all
 * vm_ids.
 */
int recording_writer__new(int fd, const struct recording_header *header, __u64 vm_id_offset,
			  struct recording_writer **out);

/*
 * Appends a snapshot with a single write(2), so that a recorder that is killed leaves only one
 * incomplete line. On failure the file is truncated to its last complete line, and the writer may
 * be used again. If truncating fails, all further writes fail with -EIO.
 *
 * Returns 0, or
 *	-EINVAL		the snapshot could not be read back: a list is out of order, a PID is
 *			negative, a ratio is not above 0, or stints do not exist
 *	-ENOMEM
 *	-errno		of the write, such as -ENOSPC
 */
int recording_writer__write(struct recording_writer *w, const struct snapshot *snap);

/*
 * Frees the writer, which may be NULL. Returns 0, or -errno if data may not have reached the file.
 */
int recording_writer__close(struct recording_writer *w);

/*
 * Opens a recording; "-" is stdin. The caller frees the reader with recording_reader__free().
 * Returns 0 or -errno.
 */
int recording_reader__open(const char *path, struct recording_reader **out);

/*
 * The same for a stream, which stays owned by the caller. Results depend on nothing but its bytes.
 */
int recording_reader__new(FILE *in, struct recording_reader **out);

/*
 * Reads the header. Call it once, before reading any snapshot.
 *
 * Returns 0, or
 *	-ENODATA		the recording is empty or truncated within its header
 *	-EBADMSG		not a recording, or malformed
 *	-EPROTONOSUPPORT	unknown version
 *	-EFBIG			a limit is exceeded
 *	-ENOMEM, -errno		of the stream
 *
 * All but the last two are explained by recording_reader__reason().
 */
int recording_reader__header(struct recording_reader *r, struct recording_header *header);

/*
 * Clears *snap and reads the next snapshot into it. The snapshot is sorted, as account__report()
 * requires, and later than the previous one. Reads only as far as the end of the line, so that a
 * recording that arrives through a pipe can be shown as it grows.
 * Returns 1; 0 at the end; -ENODATA at the end if the last line is incomplete;
 * or -EBADMSG, -EFBIG, -ENOMEM, -errno as above. After any result but 1, further
 * calls return the same, with *snap empty.
 */
int recording_reader__next(struct recording_reader *r, struct snapshot *snap);

/* Returns the number, from 1, of the last line read. */
__u64 recording_reader__line(const struct recording_reader *r);

/* Returns the problem of that line as one printable line; empty if there is none. */
const char *recording_reader__reason(const struct recording_reader *r);

/* NULL is ignored. */
void recording_reader__free(struct recording_reader *r);

#endif /* RECORDING_H */
