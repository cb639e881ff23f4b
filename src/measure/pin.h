/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pin - puts a measurement into bpffs, where it goes on without a process, keeps it whole there, and takes it
 * out again. Readers find it by `pinned`.
 *
 * Below PIN_DIR lie the maps, the two programs that are run on demand, `stat`, which prints the sums, and in
 * links/ what holds every hook attached and every CPU's timer. Links of kprobes and of timers can be pinned
 * since Linux 5.15 (b89fbfbb854c "bpf: Implement minimal BPF perf link").
 */
#ifndef PIN_H
#define PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct collector;
struct hostfs;

/* bpffs takes no dots in names. */
#define PIN_ROOT "/sys/fs/bpf"
#define PIN_DIR  "/sys/fs/bpf/gtimehalt"

#define PIN_ABOUT        "about"
#define PIN_VCPUS        "vcpus"
#define PIN_ENDED        "ended"
#define PIN_STINTS       "stints"
#define PIN_SHARED       "shared" /* what the programs have in .bss */
#define PIN_MPERF_EVENTS "mperf_events"
#define PIN_TSC_EVENTS   "tsc_events"
#define PIN_CPU_BEATS    "cpu_beats"
#define PIN_FORCED_READ  "forced_read"
#define PIN_HEARTBEAT    "heartbeat"
#define PIN_STAT         "stat"
#define PIN_LINKS        "links"

/*
 * For as long as the descriptor that it returns is open, nobody else pins, renews or removes: udev starts a
 * process for each CPU that comes online. Waits for its turn. Returns it, -EOPNOTSUPP when there is no bpffs, or
 * another -errno, logged.
 */
int pin__lock(void);

/*
 * Whether a --pin or an --unpin that was killed has left part of a measurement there: programs that run, but nobody
 * can read.
 */
bool pin__is_left_over(void);

/*
 * Pins what collector_opts.pinned has made, so that it survives the collector, and starts the timer of each
 * CPU. gid: the group that may read, -1: root alone.
 * Returns 0; -EOPNOTSUPP (no bpffs, Linux before 5.15); or another -errno: logged. Then part of it may be there,
 * for pin__remove(), which would wait in vain for links that the collector holds: free that first.
 */
int pin__create(const struct collector *collector, gid_t gid);

/*
 * Opens the events and starts the timers of CPUs that have come online since, or have been offline in between,
 * of a measurement that is pinned. Returns how many there were, or -errno, logged.
 */
int pin__renew(const struct hostfs *fs);

/*
 * Takes all of it out of bpffs, also what was left half done. The kernel detaches behind it; this waits until
 * it has. Returns 0, -ENOENT (nothing was pinned), or -errno, logged.
 */
int pin__remove(void);

#endif /* PIN_H */
