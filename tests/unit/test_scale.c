// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The cost of knowing all VMs of a large host: 1000 QEMUs with 8 vCPUs, 60 descriptors and 4 other
 * threads each, among 1000 processes without VMs. The limits do not depend on the machine: the
 * number of file accesses, and the growth of CPU time from a quarter of the VMs to all of them. The
 * two are measured alternately, and the best of several rounds counts.
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

/*
 * Limits on file accesses: per VM of 8 vCPUs when the VMs are found; per VM in a snapshot that
 * brings nothing new; and per snapshot for the VMs that are reread in turn.
 */
#define FIND_LOOKS_PER_VM   60
#define STEADY_LOOKS_PER_VM 2
#define TURN_LOOKS          1024

/*
 * Four times as many VMs take four times as long if the cost is linear, and 16 times as long if it
 * is quadratic.
 */
#define FEW_CNT    (VM_CNT / 4)
#define GROWTH_MAX 8.0

/* The number of files opened or looked up, and of links read. */
static long look_cnt;

int __real_openat(int dir_fd, const char *path, int flags, ...);
int __wrap_openat(int dir_fd, const char *path, int flags, ...);
ssize_t __real_readlinkat(int dir_fd, const char *path, char *buf, size_t size);
ssize_t __wrap_readlinkat(int dir_fd, const char *path, char *buf, size_t size);
int __real_faccessat(int dir_fd, const char *path, int mode, int flags);
int __wrap_faccessat(int dir_fd, const char *path, int mode, int flags);

/* No caller creates a file, so there is no mode argument. */
int __wrap_openat(int dir_fd, const char *path, int flags, ...)
{
	look_cnt++;
	return __real_openat(dir_fd, path, flags);
}

ssize_t __wrap_readlinkat(int dir_fd, const char *path, char *buf, size_t size)
{
	look_cnt++;
	return __real_readlinkat(dir_fd, path, buf, size);
}

int __wrap_faccessat(int dir_fd, const char *path, int mode, int flags)
{
	look_cnt++;
	return __real_faccessat(dir_fd, path, mode, flags);
}

static pid_t pid_of(int vm)
{
	return FIRST_PID + vm * PID_STEP;
}

/* All QEMUs share one directory of descriptors, because theirs would be identical. */
static void add_fds(const struct tree *tree)
{
	char name[64], text[64];

	tree__mkdir(tree, "fds");
	/*
	 * Created in reverse, because tmpfs lists the newest entry first, and /proc lists the
	 * lowest descriptor first.
	 */
	for (int fd = FD_CNT - 1; fd >= 0; fd--) {
		snprintf(name, sizeof(name), "fds/%d", fd);
		snprintf(text, sizeof(text), "anon_inode:kvm-vcpu:%d", fd - VM_FD - 1);
		tree__symlink(tree, name,
			      fd == VM_FD                            ? KVM_VM
			      : fd > VM_FD && fd <= VM_FD + VCPU_CNT ? text
								     : "anon_inode:[eventfd]");
	}
}

static void add_qemu(const struct tree *tree, int vm)
{
	static const char *const others[] = { "call_rcu", "IO mon_iothread", "vnc_worker" };
	char name[256], text[512];
	pid_t pid = pid_of(vm);
	int len;

	proc_tree__add_process(tree, pid, "qemu-system-x86");
	proc_tree__write_stat(tree, pid, "qemu-system-x86", 1000);
	len = snprintf(text, sizeof(text),
		       "/usr/bin/qemu-system-x86_64%c-name%cguest=vm-%d,debug-threads=on%c-m%c4096",
		       0, 0, vm, 0, 0);
	tree__write(tree, proc_tree__path(name, "proc/%d/cmdline", pid), text, (size_t)len + 1);
	tree__symlink(tree, proc_tree__path(name, "proc/%d/exe", pid),
		      "/usr/bin/qemu-system-x86_64");
	tree__remove(tree, proc_tree__path(name, "proc/%d/fd", pid));
	tree__symlink(tree, proc_tree__path(name, "proc/%d/fd", pid), "../../fds");
	for (int i = 0; i < 3; i++)
		proc_tree__add_thread(tree, pid, pid + 1 + i, others[i]);
	for (int i = 0; i < VCPU_CNT; i++) {
		pid_t tid = pid + 4 + i;

		snprintf(text, sizeof(text), "CPU %d/KVM", i);
		proc_tree__add_thread(tree, pid, tid, text);
		proc_tree__write(tree, proc_tree__path(name, "proc/%d/task/%d/schedstat", pid, tid),
				 "1000000 2000 30\n");
		proc_tree__wait_in_kvm(tree, pid, tid, VM_FD + 1 + i);
	}
}

static void add_debugfs(const struct tree *tree, int vm)
{
	pid_t pid = pid_of(vm);

	proc_tree__add_kvm(tree, pid, VM_FD);
	for (int i = 0; i < VCPU_CNT; i++)
		proc_tree__add_kvm_vcpu(tree, pid, VM_FD, (unsigned int)i, pid + 4 + i);
}

static int setup(void **state)
{
	const struct tree *tree;

	tree__setup(state);
	tree = *state;
	tree__mkdir(tree, "proc");
	add_fds(tree);
	for (int i = 0; i < VM_CNT; i++) {
		add_qemu(tree, i);
		proc_tree__add_process(tree, FIRST_PID / 2 + i, "bash");
		proc_tree__add_fd(tree, FIRST_PID / 2 + i, 0, "/dev/null");
	}
	return 0;
}

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A roster of some of the VMs, the cost of finding them, and the best of several later rounds. */
struct measured {
	struct roster *roster;
	struct snapshot snap;
	int vm_cnt;
	long find_looks, steady_looks;
	double find_ms, steady_ms;
};

/*
 * Completes a snapshot in which `seen_cnt` vCPUs of each VM were seen. Returns the CPU time in
 * milliseconds.
 */
static double take(struct measured *m, int seen_cnt)
{
	struct snapshot *snap = &m->snap;
	double begin_ms;

	snapshot__clear(snap);
	snap->clock.mono_ns = 1;
	for (int vm = 0; vm < m->vm_cnt; vm++)
		for (int i = 0; i < seen_cnt; i++) {
			struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

			vcpu->pid = pid_of(vm);
			vcpu->tid = pid_of(vm) + 4 + i;
			vcpu->vcpu_id = (__u32)i;
			vcpu->vm_id = (__u64)vm + 1;
			vcpu->seen = true;
			vcpu->start_boottime_ns = 1000000000000000;
		}
	look_cnt = 0;
	begin_ms = cpu_ms();
	assert_int_equal(roster__complete(m->roster, snap), 0);
	snapshot__sort(snap);
	return cpu_ms() - begin_ms;
}

static void assert_right(const struct measured *m)
{
	const struct snapshot *snap = &m->snap;
	char name[32];

	assert_int_equal(snap->vm_cnt, m->vm_cnt);
	assert_int_equal(snap->vcpu_cnt, m->vm_cnt * VCPU_CNT);
	for (int i = 0; i < m->vm_cnt; i++) {
		snprintf(name, sizeof(name), "vm-%d", i);
		assert_string_equal(snap->vms[i].name, name);
	}
	for (int i = 0; i < m->vm_cnt * VCPU_CNT; i++) {
		const struct vcpu_reading *vcpu = &snap->vcpus[i];

		assert_int_equal(vcpu->vcpu_id, vcpu->tid - vcpu->pid - 4);
	}
}

static void find(struct measured *m, const struct tree *tree, int vm_cnt)
{
	static pid_t pids[VM_CNT];
	double begin_ms = cpu_ms();

	for (int i = 0; i < vm_cnt; i++)
		pids[i] = pid_of(i);
	m->vm_cnt = vm_cnt;
	look_cnt = 0;
	assert_int_equal(roster__new(&tree->fs, vm_cnt < VM_CNT ? pids : NULL,
				     vm_cnt < VM_CNT ? (size_t)vm_cnt : 0, &m->roster),
			 0);
	m->find_looks = look_cnt;
	take(m, 0);
	m->find_looks += look_cnt;
	m->find_ms = cpu_ms() - begin_ms;
	assert_right(m);
}

/* Keeps the lowest CPU time, because interrupts can only add to it. */
static void go_on(struct measured *m, int seen_cnt)
{
	double ms = take(m, seen_cnt);

	if (!m->steady_ms || ms < m->steady_ms)
		m->steady_ms = ms;
	if (look_cnt > m->steady_looks)
		m->steady_looks = look_cnt;
}

static void assert_steady(struct measured *few, struct measured *all, int seen_cnt)
{
	few->steady_ms = all->steady_ms = 0;
	few->steady_looks = all->steady_looks = 0;
	for (int i = 0; i < ROUND_CNT; i++) {
		go_on(few, seen_cnt);
		go_on(all, seen_cnt);
	}
	assert_right(few);
	assert_right(all);
	print_message("# %d of %d vCPUs seen: %ld file accesses and %.2f ms of CPU time a snapshot "
		      "of %d VMs, %ld and %.2f of %d\n",
		      seen_cnt, VCPU_CNT, few->steady_looks, few->steady_ms, FEW_CNT,
		      all->steady_looks, all->steady_ms, VM_CNT);
	assert_in_range(all->steady_looks, 1, STEADY_LOOKS_PER_VM * VM_CNT + TURN_LOOKS);
	assert_true(all->steady_ms < GROWTH_MAX * few->steady_ms);
}

static void assert_cost(const struct tree *tree)
{
	struct measured few = { 0 }, all = { 0 };

	find(&few, tree, FEW_CNT);
	find(&all, tree, VM_CNT);
	print_message("# found %d VMs with %ld file accesses in %.0f ms of CPU time\n", VM_CNT,
		      all.find_looks, all.find_ms);
	assert_in_range(all.find_looks, VM_CNT, (long)FIND_LOOKS_PER_VM * VM_CNT);
	assert_steady(&few, &all, 0);
	assert_steady(&few, &all, VCPU_CNT);
	roster__free(few.roster);
	snapshot__free(&few.snap);
	roster__free(all.roster);
	snapshot__free(&all.snap);
}

static void cost(void **state)
{
	const struct tree *tree = *state;

	print_message("# without KVM's debugfs\n");
	assert_cost(tree);
	for (int i = 0; i < VM_CNT; i++)
		add_debugfs(tree, i);
	print_message("# with it\n");
	assert_cost(tree);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cost, setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
