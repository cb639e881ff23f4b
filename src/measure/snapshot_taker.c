// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "measure/acpi_pad.h"
#include "measure/bpf_reader.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "vm/pid_space.h"
#include "vm/roster.h"
#include "report/snapshot.h"
#include "measure/snapshot_taker.h"

/*
 * How many threads one snapshot checks for their end, in rotation. The exit hook reports the end of
 * a thread; this check finds the threads that exited while hooks were switched off.
 */
#define EXIT_CHECK_MAX 256

struct snapshot_taker {
	struct bpf_reader *reader;
	struct roster *roster;
	const struct hostfs *fs;
	size_t check_turn; /* index of the first vCPU that the next snapshot checks */
	bool host_halts;   /* at the last snapshot */
	/* system calls use the same thread numbers as BPF (same PID namespace) */
	bool takes_pids;
};

int snapshot_taker__new(const struct snapshot_taker_opts *opts, struct snapshot_taker **out)
{
	struct snapshot_taker *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->reader = opts->reader;
	t->fs = opts->fs;
	t->takes_pids = pid_space__is_ours(opts->fs);
	err = roster__new(opts->fs, opts->pids, opts->pid_cnt, &t->roster);
	if (err) {
		pr_err("cannot look for VMs in /proc: %s", strerror(-err));
		snapshot_taker__free(t);
		return err;
	}
	*out = t;
	return 0;
}

void snapshot_taker__free(struct snapshot_taker *t)
{
	if (!t)
		return;
	roster__free(t->roster);
	free(t);
}

size_t snapshot_taker__vm_cnt(const struct snapshot_taker *t)
{
	return roster__vm_cnt(t->roster);
}

/* Returns whether a thread has exited. tgkill(2) takes a tenth of the time of a lookup in /proc. */
static bool has_ended(const struct snapshot_taker *t, const struct vcpu_reading *vcpu)
{
	if (!t->takes_pids)
		return !hostfs__exists(t->fs, "proc/%d/task/%d", vcpu->pid, vcpu->tid);
	return syscall(SYS_tgkill, vcpu->pid, vcpu->tid, 0) < 0 && errno == ESRCH;
}

/*
 * Drops the sums of threads that have exited: this snapshot has their final sums. Returns 0 or
 * -errno, logged.
 */
static int forget_ended(struct snapshot_taker *t, struct snapshot *snap)
{
	int err = 0;
	size_t cnt = snap->vcpu_cnt < EXIT_CHECK_MAX ? snap->vcpu_cnt : EXIT_CHECK_MAX;

	for (size_t n = 0; !err && n < cnt; n++) {
		struct vcpu_reading *vcpu = &snap->vcpus[(t->check_turn + n) % snap->vcpu_cnt];

		if (vcpu->seen && has_ended(t, vcpu))
			err = bpf_reader__forget(t->reader, snap, vcpu);
	}
	t->check_turn = snap->vcpu_cnt ? (t->check_turn + cnt) % snap->vcpu_cnt : 0;
	return err;
}

/* Sets snap->host_halts, and logs when acpi_pad starts to halt CPUs. */
static void look_for_host_halts(struct snapshot_taker *t, struct snapshot *snap)
{
	snap->host_halts = acpi_pad__halts(t->fs);
	if (snap->host_halts && !t->host_halts)
		pr_warn("acpi_pad halts CPUs of this host: halted time is unmeasured meanwhile");
	t->host_halts = snap->host_halts;
}

int snapshot_taker__take(struct snapshot_taker *t, struct snapshot *snap)
{
	int err;

	snapshot__clear(snap);
	err = bpf_reader__read(t->reader, snap);
	if (err)
		return err;
	look_for_host_halts(t, snap);
	err = forget_ended(t, snap);
	if (err)
		return err;
	err = roster__complete(t->roster, snap);
	if (err)
		return log__failure("list the VMs", err);
	snapshot__sort(snap);
	return 0;
}
