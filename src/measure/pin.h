/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pin - puts a measurement into bpffs, where it goes on without a process, keeps it whole there, and takes it
 * out again. Readers find it by `pinned`.
 *
 * Below PIN_DIR lie the maps, the programs that are run on demand, `stat`, which prints the sums, and in
 * links/ what holds every hook attached and every CPU's timer. Links of kprobes and of timers can be pinned
 * since Linux 5.15 (b89fbfbb854c "bpf: Implement minimal BPF perf link").
 */
#ifndef PIN_H
#define PIN_H

#include <stdbool.h>
#include <sys/types.h>

struct collector;
struct hostfs;
struct pin_dir;

/*
 * Whether a --pin or an --unpin that was killed has left part of a measurement there: programs that run, but nobody
 * can read. False for whoever may not lock PIN_DIR.
 */
bool pin__is_left_over(void);

/*
 * Pins what collector_opts.pinned has made in the directory, which is locked, so that it survives the collector, and
 * starts the timer of each CPU. What a killed run has left there is removed first. gid: the group that may read,
 * -1: root alone.
 * Returns 0; -EOPNOTSUPP (Linux before 5.15); or another -errno: logged. Then part of it may be there, for
 * pin__remove(), which would wait in vain for links that the collector holds: free that first.
 */
int pin__create(const struct pin_dir *dir, const struct collector *collector, gid_t gid);

/*
 * Opens the events and starts the timers of CPUs that have come online since, or have been offline in between,
 * of a measurement that is pinned in the directory, which is locked. Returns how many there were, or -errno, logged.
 */
int pin__renew(const struct pin_dir *dir, const struct hostfs *fs);

/*
 * Takes all objects out of the directory, which is locked, also what was left half done, and tells readers. The
 * kernel detaches behind it; this waits until it has. What no gtimehalt has made there stays, with a warning.
 * Returns 0, -ENOENT (nothing was pinned), or -errno, logged.
 */
int pin__remove(const struct pin_dir *dir);

#endif /* PIN_H */
