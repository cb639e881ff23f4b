// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The processes of a host, their threads and KVM's debugfs: names and contents, in the form that
 * tree_text.h describes. The host is read, changes, and is read again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recording/recording.h"
#include "report/filter.h"
#include "shown.h"
#include "tree_text.h"
#include "vm/asked.h"
#include "vm/proc.h"
#include "vm/roster.h"
#include "vm/vm_table.h"

#define PID_CNT 2

/* Two processes, each with a thread that hooks have seen. */
static pid_t pids[PID_CNT] = { 100, 200 };

static void check_snapshot(struct snapshot *snap)
{
	static const struct recording_header header;
	struct recording_writer *w;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < snap->vm_cnt; i++) {
		const char *name = snap->vms[i].name;

		FUZZ_ASSERT(strnlen(name, sizeof(snap->vms[i].name)) < sizeof(snap->vms[i].name));
		FUZZ_ASSERT(*name);
		shown__check_safe(name, strlen(name));
	}
	/*
	 * The snapshot can be recorded, which shows that it has no duplicates and no negative
	 * numbers.
	 */
	snapshot__sort(snap);
	FUZZ_ASSERT(fd >= 0 && !recording_writer__new(fd, &header, 0, &w));
	FUZZ_ASSERT(!recording_writer__write(w, snap));
	FUZZ_ASSERT(!recording_writer__close(w));
}

static void add_seen(struct snapshot *snap, __u64 now_ns)
{
	*snap = (struct snapshot){ .mode = MODE_SWITCH, .mperf_ratio = 1 };
	snap->clock.mono_ns = now_ns;
	snap->clock.tsc_cycles = now_ns;
	for (size_t i = 0; i < PID_CNT; i++) {
		struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

		FUZZ_ASSERT(vcpu);
		*vcpu = (struct vcpu_reading){
			.pid = pids[i],
			.tid = pids[i] + 1,
			.vm_id = i + 1,
			.seen = true,
			.start_boottime_ns = now_ns,
			.at_ns = now_ns,
		};
	}
}

/* Uses the functions that read a single process and its threads. */
static void look_at(const struct hostfs *fs)
{
	const struct filter filter = {
		.pids = pids, .pid_cnt = PID_CNT, .tids = pids, .tid_cnt = 1
	};
	struct vm_table table = { 0 };

	asked__check_ids(&filter, fs);
	for (size_t i = 0; i < PID_CNT; i++)
		vm__check(fs, pids[i]);
	vm_table__update(&table, fs, pids, PID_CNT);
	vm_table__update(&table, fs, pids, PID_CNT - 1);
	vm_table__drop(&table, pids[0]);
	vm_table__free(&table);
}

/* Uses filters on the snapshot. */
static void ask(struct snapshot *snap)
{
	static char any[] = "*", web[] = "web*";
	static __u32 vcpu_ids[] = { 0, 7 };
	char *names[] = { any, web };
	const struct filter filters[] = {
		{ .names = names, .name_cnt = 2 },
		{ .tids = pids, .tid_cnt = PID_CNT },
		{ .vcpu_ids = vcpu_ids, .vcpu_id_cnt = 2 },
		{ .vcpu_ids = vcpu_ids, .vcpu_id_cnt = 1, .names = names + 1, .name_cnt = 1 },
	};

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		asked__check_names(&filters[i], snap);
		asked__check_vcpus(&filters[i], snap);
	}
	filter__apply(&filters[0], snap);
	FUZZ_ASSERT(!snap->vcpu_cnt || snap->vm_cnt);
}

static void run(struct tree_text *tree, struct fuzz_bytes *rest)
{
	struct roster *roster = NULL;
	__u64 now_ns = 1000000000;

	for (int i = 0; i < 3 && tree_text__make(tree, rest); i++) {
		struct snapshot snap;

		now_ns += 1000000000;
		if (!roster && roster__new(&tree->fs, NULL, 0, &roster))
			roster = NULL;
		look_at(&tree->fs);
		if (!roster)
			continue;
		add_seen(&snap, now_ns);
		if (!roster__complete(roster, &snap)) {
			check_snapshot(&snap);
			ask(&snap);
		}
		snapshot__free(&snap);
	}
	roster__free(roster);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes rest = { data, size };
	struct fuzz_said said;
	struct tree_text tree;

	tree_text__open(&tree);
	fuzz_said__begin(&said);
	run(&tree, &rest);
	fuzz_said__end(&said);
	fuzz_said__free(&said);
	tree_text__close(&tree);
	return 0;
}
