/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recording - snapshots as text, to be looked at later or elsewhere: --record and --replay.
 *
 * A recording is NDJSON: UTF-8, one JSON object a line, each line ended by a newline. Integers are
 * exact up to 2^64-1. The first line is the header:
 *
 *	{"format":"gtimehalt-recording","version":1,
 *	 "gtimehalt_version":"0.1.0",		optional, as all texts of the header
 *	 "kernel_release":"6.12.0",
 *	 "mode":"entry",			or "switch"
 *	 "window_hook":"fentry","stint_hook":"fentry",
 *	 "mperf_ratio":0.97}			optional; what counts is the snapshot's own
 *
 * Each line behind it is a snapshot, later than the one before by CLOCK_MONOTONIC and, but for a suspend, by TSC
 * (span__clock_problem()):
 *
 *	{"clock":{"monotonic_ns":N,"boottime_ns":N,"realtime_ns":N,"tsc_cycles":N},
 *	 "mode":"entry","mperf_ratio":0.97,
 *	 "health":{"lost_windows":N,"mperf_errors":N,"map_full":N,
 *		   "hooks_off":N,"refused_windows":N},		optional
 *	 "vms":[{"pid":N,"name":"demo"}],	by pid
 *	 "vcpus":[{"pid":N,"tid":N,"vcpu":N,"seen":true,"vm_id":N,"start_boottime_ns":N,
 *		   "at_monotonic_ns":N,"loaded_ns":N,"measured_ns":N,"mperf_cycles":N,
 *		   "unmeasured_ns":N,"guest_ns":N,"entries":N,
 *		   "wait_ns":N,			null where it is not known
 *		   "stale":true,		optional
 *		   "stints":N}],		optional: which of the stints below are its own, from 1
 *						by pid, vm_id, vcpu, tid, start_boottime_ns
 *	 "cpus":[{"cpu":N,"mperf_ratio":0.97,"at_monotonic_ns":N,"mperf_cycles":N,"window_ns":N,
 *		  "window_mperf_cycles":N,"idle_ns":N,"idle_mperf_cycles":N}],
 *						optional; by cpu
 *	 "has_stints":true,			optional: stints were counted
 *	 "stints":[{"halted_ns":N,
 *		    "counts":[BUCKET,N,BUCKET,N]}]}	optional; buckets with no stint are left out
 *
 * What the members mean, snapshot.h says. No two elements of a list are alike in what it is ordered by.
 * Buckets are numbered from 0: eight to a power of two, the first from 1024 ns on (histogram.h).
 * The vm_id is a number that means nothing but that it tells VMs apart: see recording_writer__new().
 *
 * A reader skips members that it does not know, so that members can be added; "version" goes up when
 * one changes its meaning or is taken away, and a reader refuses a version that it does not know. What
 * src/recording/recording_fields.c has no member for is not recorded.
 *
 * A recorder that is killed leaves part of a line at the end. So the last line is allowed to be no whole
 * JSON, and then it is no snapshot; anywhere else that is an error.
 */
#ifndef RECORDING_H
#define RECORDING_H

#include <stdio.h>
#include <linux/types.h>
#include "report/snapshot.h"

/*
 * What a reader takes, at the most: bytes of a line without its newline, elements of a list, JSON values
 * of a line, objects and lists among them, and how deep they are in each other. Together they keep the
 * memory for a hostile line below 1 GiB. A snapshot of 8192 vCPUs needs an eighth of the elements, a
 * twentieth of the bytes and values and, with stints in a third of all buckets, a quarter of them.
 */
#define RECORDING_LINE_MAX       (64 << 20)
#define RECORDING_ELEMENTS_MAX   (64 << 10)
#define RECORDING_VALUES_MAX     (4 << 20)
#define RECORDING_CONTAINERS_MAX (256 << 10)
#define RECORDING_DEPTH_MAX      16

/* Of the run that is recorded. Texts are empty, and the ratio is 0, where they are not known. */
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
 * Makes the file, or empties the one that is there, and writes the header. "-" is refused: a report goes
 * to stdout. The caller ends the writer with recording_writer__close().
 * Returns 0, -EINVAL (path is "-", or the header's ratio is neither 0 nor a finite number above it), or
 * -errno; no writer is made then, and the file is empty where it was made.
 */
int recording_writer__open(const char *path, const struct recording_header *header,
			   struct recording_writer **out);

/*
 * The same to a descriptor, which the writer owns from here on, even on failure. vm_id_offset is added
 * to each vm_id that is an address in the kernel, which is nobody's business: the upper half of all numbers. Others, of
 * VMs of which no vCPU has been seen, are below 2^56 (vcpu_threads.h).
 * recording_writer__open() takes a random one that keeps the order of all.
 */
int recording_writer__new(int fd, const struct recording_header *header, __u64 vm_id_offset,
			  struct recording_writer **out);

/*
 * Adds a snapshot, by one write(2): whoever is killed meanwhile leaves part of one line.
 * Returns 0; -EINVAL for a snapshot that could not be read back (out of order, a negative PID, a ratio
 * that is not above 0, stints that are not there); -ENOMEM; or -errno of the write, -ENOSPC when the disk is full. On failure the
 * file is cut back to its last whole line, and the writer may be used again; where it cannot be cut
 * back, all further writes fail with -EIO.
 */
int recording_writer__write(struct recording_writer *w, const struct snapshot *snap);

/* Ends the writer, which may be NULL. Returns 0, or -errno when the data may not be in the file. */
int recording_writer__close(struct recording_writer *w);

/*
 * Opens a recording; "-" is stdin. The caller ends the reader with recording_reader__free().
 * Returns 0 or -errno.
 */
int recording_reader__open(const char *path, struct recording_reader **out);

/* The same of a stream, which stays the caller's. The reader's answers depend on nothing but its bytes. */
int recording_reader__new(FILE *in, struct recording_reader **out);

/*
 * Reads the header: once, and before any snapshot. Returns 0, or
 *	-ENODATA		the recording is cut off within its header, or empty
 *	-EBADMSG		this is no recording, or not as it says
 *	-EPROTONOSUPPORT	of a version that is not known here
 *	-EFBIG			a limit is exceeded
 *	-ENOMEM, -errno		of the stream
 * All but the last two are explained by recording_reader__reason().
 */
int recording_reader__header(struct recording_reader *r, struct recording_header *header);

/*
 * Reads the next snapshot into *snap, which is cleared first; sorted, as account__report() wants it, and
 * later than the one before. It waits for nothing but its stream: who replays shows each interval as soon
 * as it is read.
 * Returns 1; 0 at the end; -ENODATA at the end too, when the last line is only part of one; or -EBADMSG,
 * -EFBIG, -ENOMEM, -errno as above. Once it is not 1 it stays the same, and *snap is empty.
 */
int recording_reader__next(struct recording_reader *r, struct snapshot *snap);

/* The number, from 1, of the line that was read last. */
__u64 recording_reader__line(const struct recording_reader *r);

/* What is wrong with it; one printable line, empty when nothing is. */
const char *recording_reader__reason(const struct recording_reader *r);

/* NULL is fine. */
void recording_reader__free(struct recording_reader *r);

#endif /* RECORDING_H */
