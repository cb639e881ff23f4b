// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What it costs to know a large host: 1000 QEMUs of 8 vCPUs each, 60 descriptors and 4 other threads, among
 * 1000 processes that are no VMs. Figures are CPU time, so that a busy machine does not change them much; the
 * tree lies in memory, as /proc does.
 */
#include <time.h>
#include "proc_tree.h"
#include "vm/roster.h"
#include "report/snapshot.h"

enum {
	VM_CNT = 1000,
	VCPU_CNT = 8,
	FD_CNT = 60,
	VM_FD = 13,
	PID_STEP = 20,
	FIRST_PID = 10000,
	ROUND_CNT = 9,
};

/* What the sanitizers add is not the tool's. */
#ifdef __SANITIZE_ADDRESS__
#define SLOWER 4
#else
#define SLOWER 1
#endif

#define DISCOVERY_MAX_MS (300 * SLOWER)
#define STEADY_MAX_MS    (20 * SLOWER)

static pid_t pid_of(int vm)
{
	return FIRST_PID + vm * PID_STEP;
}

static void add_qemu(const struct tree *tree, int vm, bool debugfs)
{
	static const char *const others[] = { "call_rcu", "IO mon_iothread", "vnc_worker" };
	char name[256], text[512];
	pid_t pid = pid_of(vm);
	int len;

	proc_tree__add_process(tree, pid, "qemu-system-x86");
	proc_tree__write_stat_of(tree, pid, "qemu-system-x86", 4 + VCPU_CNT, 1000);
	len = snprintf(text, sizeof(text),
		       "/usr/bin/qemu-system-x86_64%c-name%cguest=vm-%d,debug-threads=on%c-m%c4096",
		       0, 0, vm, 0, 0);
	tree__write(tree, proc_tree__path(name, "proc/%d/cmdline", pid), text, (size_t)len + 1);
	tree__symlink(tree, proc_tree__path(name, "proc/%d/exe", pid),
		      "/usr/bin/qemu-system-x86_64");
	/* In reverse: /proc lists the lowest first, a file system in memory the newest. */
	for (int fd = FD_CNT - 1; fd >= 0; fd--) {
		snprintf(text, sizeof(text), "anon_inode:kvm-vcpu:%d", fd - VM_FD - 1);
		proc_tree__add_fd(tree, pid, fd,
				  fd == VM_FD                            ? KVM_VM
				  : fd > VM_FD && fd <= VM_FD + VCPU_CNT ? text
									 : "anon_inode:[eventfd]");
	}
	for (int i = 0; i < 3; i++)
		proc_tree__add_thread(tree, pid, pid + 1 + i, others[i]);
	if (debugfs)
		proc_tree__add_kvm(tree, pid, VM_FD);
	for (int i = 0; i < VCPU_CNT; i++) {
		pid_t tid = pid + 4 + i;

		snprintf(text, sizeof(text), "CPU %d/KVM", i);
		proc_tree__add_thread(tree, pid, tid, text);
		proc_tree__write(tree, proc_tree__path(name, "proc/%d/task/%d/schedstat", pid, tid),
				 "1000000 2000 30\n");
		proc_tree__wait_in_kvm(tree, pid, tid, VM_FD + 1 + i);
		if (debugfs)
			proc_tree__add_kvm_vcpu(tree, pid, VM_FD, (unsigned int)i, tid);
	}
}

static int set_up(void **state, bool debugfs)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	assert_non_null(tree);
	strcpy(tree->root, access("/dev/shm", W_OK) ? "/tmp/gtimehalt-unit.XXXXXX"
						    : "/dev/shm/gtimehalt-u.XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	assert_int_equal(hostfs__open(&tree->fs, tree->root), 0);
	*state = tree;
	tree__mkdir(tree, "proc");
	for (int i = 0; i < VM_CNT; i++) {
		add_qemu(tree, i, debugfs);
		proc_tree__add_process(tree, FIRST_PID / 2 + i, "bash");
		proc_tree__add_fd(tree, FIRST_PID / 2 + i, 0, "/dev/null");
	}
	return 0;
}

static int setup(void **state)
{
	return set_up(state, true);
}

static int setup_without_debugfs(void **state)
{
	return set_up(state, false);
}

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A snapshot in which of every VM so many vCPUs were seen. */
static double take(struct roster *roster, struct snapshot *snap, int seen_cnt)
{
	double begin_ms;

	snapshot__clear(snap);
	snap->clock.mono_ns = 1;
	for (int vm = 0; vm < VM_CNT; vm++)
		for (int i = 0; i < seen_cnt; i++) {
			struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

			vcpu->pid = pid_of(vm);
			vcpu->tid = pid_of(vm) + 4 + i;
			vcpu->vcpu_id = (__u32)i;
			vcpu->vm_id = (__u64)vm + 1;
			vcpu->seen = true;
			vcpu->start_boottime_ns = 1000000000000000;
		}
	begin_ms = cpu_ms();
	assert_int_equal(roster__complete(roster, snap), 0);
	snapshot__sort(snap);
	return cpu_ms() - begin_ms;
}

static void assert_right(const struct snapshot *snap)
{
	char name[32];

	assert_int_equal(snap->vm_cnt, VM_CNT);
	assert_int_equal(snap->vcpu_cnt, VM_CNT * VCPU_CNT);
	for (int i = 0; i < VM_CNT; i++) {
		snprintf(name, sizeof(name), "vm-%d", i);
		assert_string_equal(snap->vms[i].name, name);
	}
	for (int i = 0; i < VM_CNT * VCPU_CNT; i++) {
		const struct vcpu_reading *vcpu = &snap->vcpus[i];

		assert_int_equal(vcpu->vcpu_id, vcpu->tid - vcpu->pid - 4);
	}
}

static int compare_ms(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median: what another's interrupt adds to one round says nothing of ours. */
static double median_ms(struct roster *roster, struct snapshot *snap, int seen_cnt)
{
	double rounds[ROUND_CNT];

	for (int i = 0; i < ROUND_CNT; i++)
		rounds[i] = take(roster, snap, seen_cnt);
	assert_right(snap);
	qsort(rounds, ROUND_CNT, sizeof(*rounds), compare_ms);
	return rounds[ROUND_CNT / 2];
}

static void cost(void **state)
{
	const struct tree *tree = *state;
	double found_ms, first_ms, seen_ms, unseen_ms;
	struct snapshot snap = { 0 };
	struct roster *roster;

	found_ms = cpu_ms();
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	found_ms = cpu_ms() - found_ms;
	first_ms = take(roster, &snap, 0);
	assert_right(&snap);
	unseen_ms = median_ms(roster, &snap, 0);
	seen_ms = median_ms(roster, &snap, VCPU_CNT);
	print_message("# %d VMs of %d vCPUs: found in %.0f ms of CPU time, first snapshot %.1f ms, "
		      "then %.1f ms each; %.1f ms when none of the vCPUs has run yet\n",
		      VM_CNT, VCPU_CNT, found_ms, first_ms, seen_ms, unseen_ms);
	roster__free(roster);
	snapshot__free(&snap);
	assert_true(found_ms + first_ms < DISCOVERY_MAX_MS);
	assert_true(seen_ms < STEADY_MAX_MS);
	assert_true(unseen_ms < STEADY_MAX_MS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{ "cost with KVM's debugfs", cost, setup, tree__teardown, NULL },
		{ "cost without it", cost, setup_without_debugfs, tree__teardown, NULL },
	};

	return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
