/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pin_writer - pins a measurement in bpffs, where it continues without a process, repairs it there,
 * and removes it. pin_reader opens it.
 *
 * PIN_DIR contains the maps, the programs that are run on demand, `stat`, which prints the sums,
 * and in links/ the links that keep every hook and every CPU's timer attached. Links of kprobes and
 * of timers can be pinned since Linux 5.15 (b89fbfbb854c "bpf: Implement minimal BPF perf link").
 */
#ifndef PIN_WRITER_H
#define PIN_WRITER_H

#include <stdbool.h>
#include <sys/types.h>

struct bpf_loader;
struct hostfs;
struct pin_dir;

/*
 * Returns whether a killed --pin or --unpin has left part of a measurement: programs that run, but
 * that nobody can read. False if this process may not lock PIN_DIR.
 */
bool pin_writer__is_left_over(void);

/*
 * Pins the objects of a loader with bpf_loader_opts.pinned in the locked directory, so that they
 * survive the loader, and starts the timer of each CPU. Removes first what a killed run has left
 * there. gid: the group that may read, -1: only root.
 * Returns 0; -EOPNOTSUPP (Linux before 5.15); or another -errno: logged. After an error part of the
 * objects may be pinned: free the loader, then call pin_writer__remove(), which would otherwise
 * wait in vain for the links that the loader holds.
 */
int pin_writer__create(const struct pin_dir *dir, const struct bpf_loader *loader, gid_t gid);

/*
 * Opens the events and starts the timers of CPUs that came online since the measurement was pinned,
 * or were offline meanwhile. The directory is locked. Returns how many CPUs there were, or -errno,
 * logged.
 */
int pin_writer__renew(const struct pin_dir *dir, const struct hostfs *fs);

/*
 * Removes all objects from the locked directory, including an incomplete measurement, and marks the
 * measurement as ended for readers. The kernel detaches programs asynchronously; this function
 * waits for it. Directories that gtimehalt did not create are kept, with a warning.
 * Returns 0, -ENOENT (nothing was pinned), or -errno, logged.
 */
int pin_writer__remove(const struct pin_dir *dir);

#endif /* PIN_WRITER_H */
