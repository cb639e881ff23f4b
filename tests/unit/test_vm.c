// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include "capture.h"
#include "proc_tree.h"
#include "vm/kvm_debugfs.h"
#include "vm/vm.h"

/* The most that vm.c reads of a command line. */
#define CMDLINE_MAX (64 * 1024 - 1)

/* debugfs is not available. */
static const struct kvm_dirs no_dirs;

/* Replaces a directory by a file, so that not even root can list it. */
static void spoil_dir(const struct tree *tree, pid_t pid, const char *dir)
{
	char name[256];

	tree__remove(tree, proc_tree__path(name, "proc/%d/%s", pid, dir));
	proc_tree__write(tree, name, "");
}

/*
 * Adds threads, one of which has an unreadable name. In any order of reading it is probably not the
 * first thread, so that others have to be freed when the error occurs.
 */
static void add_threads_and_spoil_one(const struct tree *tree, pid_t pid)
{
	const pid_t tid = pid + 20;
	char name[256];

	for (unsigned int i = 10; i < 40; i++) {
		snprintf(name, sizeof(name), "CPU %u/KVM", i);
		proc_tree__add_thread(tree, pid, pid + (pid_t)i, name);
	}

	tree__remove(tree, proc_tree__path(name, "proc/%d/task/%d/comm", pid, tid));
	tree__mkdir(tree, name);
}

static int setup(void **state)
{
	tree__setup(state);
	tree__mkdir(*state, "proc");
	return 0;
}

static void check_tells_vms_from_others(void **state)
{
	const struct tree *tree = *state;
	char name[256];

	proc_tree__add_vm(tree, 100, "qemu");
	assert_int_equal(vm__check(&tree->fs, 100), 0);
	assert_int_equal(vm__check(&tree->fs, 99), -ESRCH);
	assert_int_equal(vm__check(&tree->fs, 0), -ESRCH);
	assert_int_equal(vm__check(&tree->fs, -1), -ESRCH);

	proc_tree__add_process(tree, 200, "bash");
	assert_int_equal(vm__check(&tree->fs, 200), -ENODEV);
	proc_tree__add_fd(tree, 200, 3, "anon_inode:kvm-vcpu:0");
	proc_tree__add_fd(tree, 200, 4, "anon_inode:kvm-v");
	proc_tree__add_fd(tree, 200, 5, KVM_VM "x");
	proc_tree__add_fd(tree, 200, 6, "/tmp/" KVM_VM);
	assert_int_equal(vm__check(&tree->fs, 200), -ENODEV);
	/* Names in /proc/PID/fd that are not numbers are ignored. */
	tree__symlink(tree, proc_tree__path(name, "proc/200/fd/x"), KVM_VM);
	assert_int_equal(vm__check(&tree->fs, 200), -ENODEV);
	proc_tree__add_fd(tree, 200, 1048575, KVM_VM);
	assert_int_equal(vm__check(&tree->fs, 200), 0);
}

static void check_knows_no_threads(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_vm(tree, 100, "qemu");
	proc_tree__write(tree, "proc/100/status",
			 "Name:\tCPU 0/KVM\nUmask:\t0022\nTgid:\t90\nPid:\t100\n");
	assert_int_equal(vm__check(&tree->fs, 100), -ESRCH);
	/* "Tgid:" must be at the beginning of a line. */
	proc_tree__write(tree, "proc/100/status", "Name:\tTgid:\t90\nTgid:\t100\n");
	assert_int_equal(vm__check(&tree->fs, 100), 0);
	/* Without a Tgid line the process is accepted. */
	proc_tree__write(tree, "proc/100/status", "Name:\tqemu\n");
	assert_int_equal(vm__check(&tree->fs, 100), 0);
	tree__remove(tree, "proc/100/status");
	assert_int_equal(vm__check(&tree->fs, 100), 0);
}

static void check_reports_what_it_cannot_read(void **state)
{
	const struct tree *tree = *state;
	int before = tree__next_fd(tree);
	rlim_t limit;

	proc_tree__add_process(tree, 100, "qemu");
	spoil_dir(tree, 100, "fd");
	assert_int_equal(vm__check(&tree->fs, 100), -ENOTDIR);

	/*
	 * An unreadable descriptor is an error, because it might be the VM, unless another
	 * descriptor is one.
	 */
	proc_tree__add_process(tree, 200, "qemu");
	proc_tree__write(tree, "proc/200/fd/3", "");
	assert_int_equal(vm__check(&tree->fs, 200), -EINVAL);
	proc_tree__add_fd(tree, 200, 4, "/dev/null");
	assert_int_equal(vm__check(&tree->fs, 200), -EINVAL);
	proc_tree__add_fd(tree, 200, 5, KVM_VM);
	assert_int_equal(vm__check(&tree->fs, 200), 0);

	limit = tree__limit_files(3);
	assert_int_equal(vm__check(&tree->fs, 200), -EMFILE);
	tree__limit_files(limit);
	assert_int_equal(tree__next_fd(tree), before);
}

struct real_thread {
	const struct hostfs *fs;
	int err;
};

static void *check_own_tid(void *arg)
{
	struct real_thread *thread = arg;

	thread->err = vm__check(thread->fs, (pid_t)syscall(SYS_gettid));
	return NULL;
}

/* The formats of the real /proc are understood; the test's own process has no VM. */
static void host_is_understood(void **state)
{
	struct real_thread thread;
	char comm[32] = "";
	struct hostfs fs;
	pthread_t id;
	struct vm vm;

	(void)state;
	assert_int_equal(hostfs__open(&fs, "/"), 0);
	thread.fs = &fs;
	assert_int_equal(pthread_create(&id, NULL, check_own_tid, &thread), 0);
	pthread_join(id, NULL);
	assert_int_equal(thread.err, -ESRCH);
	assert_int_equal(vm__check(&fs, getpid()), -ENODEV);

	assert_int_equal(vm__read(&fs, getpid(), &no_dirs, &vm), 0);
	assert_true(hostfs__read(&fs, comm, sizeof(comm), "proc/self/comm") > 0);
	comm[strcspn(comm, "\n")] = '\0';
	/* Or the container or the service, if this test runs in one. */
	assert_true(!strcmp(vm.name, comm) || strpbrk(vm.name, "0123456789."));
	assert_true(vm.start_ticks > 0);
	assert_int_equal(vm.vcpus.cnt, 0);
	vm__free(&vm);

	hostfs__close(&fs);
}

static void read_fills_vm(void **state)
{
	const struct tree *tree = *state;
	struct vm vm;

	memset(&vm, 0xa5, sizeof(vm));
	proc_tree__add_vm(tree, 100, "qemu-system-x86");
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), 0);
	assert_int_equal(vm.pid, 100);
	assert_int_equal(vm.start_ticks, 1100);
	assert_string_equal(vm.name, "qemu-system-x86");
	assert_int_equal(vm.vcpus.cnt, 1);
	assert_int_equal(vm.vcpus.threads[0].tid, 101);
	assert_int_equal(vm.vcpus.threads[0].vcpu_id, 0);
	vm__free(&vm);
	assert_null(vm.vcpus.threads);
	assert_int_equal(vm.vcpus.cnt, 0);
}

static void read_needs_no_check(void **state)
{
	const struct tree *tree = *state;
	struct vm vm;

	proc_tree__add_process(tree, 100, "bash");
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), 0);
	assert_string_equal(vm.name, "bash");
	assert_int_equal(vm.vcpus.cnt, 0);
	assert_null(vm.vcpus.threads);
	vm__free(&vm);
}

static void start_ticks_are_behind_any_comm(void **state)
{
	static const char *const comms[] = {
		"a b",   "a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22",
		"((",    "))",
		") R 1", "",
		" ",     "0123456789 123456789 123456789 123456789 123456789 123456789 123",
	};
	const struct tree *tree = *state;
	struct vm vm;

	proc_tree__add_process(tree, 100, "x");
	for (size_t i = 0; i < sizeof(comms) / sizeof(*comms); i++) {
		proc_tree__write_stat(tree, 100, comms[i], 4711);
		assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), 0);
		assert_int_equal(vm.start_ticks, 4711);
		vm__free(&vm);
	}
	proc_tree__write(tree, "proc/100/stat",
			 "100 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 "
			 "18446744073709551615");
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), 0);
	assert_true(vm.start_ticks == UINT64_MAX);
	vm__free(&vm);
}

static void stat_of_another_form(void **state)
{
	static const char *const stats[] = {
		"",
		"\n",
		"100",
		"100 (x",
		"100 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21",
		"100 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 ",
		"100 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 y 23\n",
		"100 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 -22 23\n",
		"100 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 18446744073709551616 23",
	};
	const struct tree *tree = *state;
	struct vm vm, untouched;

	memset(&vm, 0xa5, sizeof(vm));
	untouched = vm;
	proc_tree__add_process(tree, 100, "x");
	for (size_t i = 0; i < sizeof(stats) / sizeof(*stats); i++) {
		proc_tree__write(tree, "proc/100/stat", stats[i]);
		assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), -EPROTO);
	}
	assert_memory_equal(&vm, &untouched, sizeof(vm));
}

static void read_of_a_process_that_ends(void **state)
{
	const struct tree *tree = *state;
	struct vm vm;

	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), -ESRCH);

	proc_tree__add_vm(tree, 100, "qemu");
	tree__remove(tree, "proc/100/task");
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), -ESRCH);
	tree__remove(tree, "proc/100/comm");
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), -ESRCH);
	tree__remove(tree, "proc/100/stat");
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), -ESRCH);

	/* A thread that exits or a command line that vanishes is not an error. */
	proc_tree__add_vm(tree, 200, "qemu");
	tree__remove(tree, "proc/200/task/201/comm");
	tree__remove(tree, "proc/200/cmdline");
	assert_int_equal(vm__read(&tree->fs, 200, &no_dirs, &vm), 0);
	assert_string_equal(vm.name, "qemu");
	assert_int_equal(vm.vcpus.cnt, 0);
	vm__free(&vm);
}

static void read_errors(void **state)
{
	const struct tree *tree = *state;
	int before = tree__next_fd(tree);
	rlim_t limit;
	struct vm vm;

	proc_tree__add_vm(tree, 100, "qemu");
	add_threads_and_spoil_one(tree, 100);
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), -EISDIR);
	spoil_dir(tree, 100, "task");
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), -ENOTDIR);
	proc_tree__add_vm(tree, 150, "qemu");
	tree__remove(tree, "proc/150/comm");
	tree__mkdir(tree, "proc/150/comm");
	assert_int_equal(vm__read(&tree->fs, 150, &no_dirs, &vm), -EISDIR);

	proc_tree__add_vm(tree, 200, "qemu");
	limit = tree__limit_files(3);
	assert_int_equal(vm__read(&tree->fs, 200, &no_dirs, &vm), -EMFILE);
	/* Two descriptors are enough: one that the VM keeps, and one for each file in turn. */
	tree__limit_files((rlim_t)before + 2);
	assert_int_equal(vm__read(&tree->fs, 200, &no_dirs, &vm), 0);
	vm__free(&vm);
	tree__limit_files(limit);
	assert_int_equal(tree__next_fd(tree), before);
}

static void only_vcpu_threads_count(void **state)
{
	static const char *const others[] = {
		"CPU /KVM",      "CPU x/KVM",    "CPU 1/TCG",          "CPU 1/KVM2",
		"CPU 1/KVM/KVM", "CPU 1",        "CPU  1/KVM",         "CPU -1/KVM",
		"xCPU 1/KVM",    "cpu 1/KVM",    "CPU 4294967296/KVM", "",
		"CPU 1 /KVM",    "IO iothread1", "vhost-100",          "CPU",
	};
	const struct tree *tree = *state;
	struct vm vm;

	proc_tree__add_process(tree, 100, "qemu");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		proc_tree__add_thread(tree, 100, 200 + (pid_t)i, others[i]);
	proc_tree__add_thread(tree, 100, 101, "CPU 4294967295/KVM");
	tree__mkdir(tree, "proc/100/task/x");
	proc_tree__write(tree, "proc/100/task/x/comm", "CPU 1/KVM\n");
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), 0);
	assert_int_equal(vm.vcpus.cnt, 1);
	assert_int_equal(vm.vcpus.threads[0].tid, 101);
	assert_true(vm.vcpus.threads[0].vcpu_id == UINT32_MAX);
	vm__free(&vm);
}

static void threads_are_sorted(void **state)
{
	enum {
		CNT = 70
	};
	const struct tree *tree = *state;
	char comm[32];
	struct vm vm;

	proc_tree__add_process(tree, 100, "qemu");
	/* The thread IDs are in the order neither of creation nor of the vCPU numbers. */
	for (unsigned int i = 0; i < CNT; i++) {
		unsigned int id = i * 37 % CNT;

		snprintf(comm, sizeof(comm), "CPU %u/KVM", id);
		proc_tree__add_thread(tree, 100, (pid_t)(1000 - id), comm);
	}
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), 0);
	assert_int_equal(vm.vcpus.cnt, CNT);
	for (unsigned int i = 0; i < CNT; i++) {
		assert_int_equal(vm.vcpus.threads[i].tid, 1000 - CNT + 1 + i);
		assert_int_equal(vm.vcpus.threads[i].vcpu_id, CNT - 1 - i);
	}
	vm__free(&vm);
}

/* Process 100, with the comm "fallback" and this command line, must get the expected name. */
static void assert_name(const struct tree *tree, const char *cmdline, size_t size,
			const char *expected)
{
	struct vm vm;

	tree__write(tree, "proc/100/cmdline", cmdline, size);
	assert_int_equal(vm__read(&tree->fs, 100, &no_dirs, &vm), 0);
	assert_string_equal(vm.name, expected);
	vm__free(&vm);
}

/* A string literal with its NULs, including the terminating one. */
#define CMDLINE(literal) (literal), sizeof(literal)

static void name_of_qemu(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_process(tree, 100, "fallback");
	assert_name(tree, CMDLINE("qemu\0-name\0foo\0-m\0001G"), "foo");
	assert_name(tree, CMDLINE("qemu\0-name\0guest=foo,debug-threads=on"), "foo");
	assert_name(tree, CMDLINE("qemu\0-name\0debug-threads=on,guest=foo"), "foo");
	assert_name(tree, CMDLINE("qemu\0--name\0guest=foo"), "foo");
	assert_name(tree, CMDLINE("qemu\0-name\0foo,process=bar,debug-threads=on"), "foo");
	assert_name(tree, CMDLINE("qemu\0-name\0process=bar,guest=foo"), "foo");
	assert_name(tree, CMDLINE("qemu\0-name\0guest=a=b"), "a=b");
	assert_name(tree, CMDLINE("qemu\0-name\0a b"), "a b");
	assert_name(tree, CMDLINE("-name\0foo"), "foo");
}

static void name_with_commas(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_process(tree, 100, "fallback");
	assert_name(tree, CMDLINE("q\0-name\0guest=a,,b,debug-threads=on"), "a,b");
	assert_name(tree, CMDLINE("q\0-name\0a,,b"), "a,b");
	assert_name(tree, CMDLINE("q\0-name\0a,,b,process=x"), "a,b");
	assert_name(tree, CMDLINE("q\0-name\0a,,guest=b"), "a,guest=b");
	assert_name(tree, CMDLINE("q\0-name\0process=x,,guest=no,guest=yes"), "yes");
	assert_name(tree, CMDLINE("q\0-name\0guest=,,,,"), ",,");
	assert_name(tree, CMDLINE("q\0-name\0guest=a,,,debug-threads=on"), "a,");
	assert_name(tree, CMDLINE("q\0-name\0guest=a,"), "a");
}

static void last_name_counts(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_process(tree, 100, "fallback");
	assert_name(tree, CMDLINE("q\0-name\0a\0-name\0b"), "b");
	assert_name(tree, CMDLINE("q\0-name\0guest=a,guest=b"), "b");
	assert_name(tree, CMDLINE("q\0-name\0a\0-name\0debug-threads=on"), "a");
	assert_name(tree, CMDLINE("q\0-name\0-name\0b"), "-name");
}

static void no_name_but_comm(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_process(tree, 100, "fallback");
	assert_name(tree, "", 0, "fallback");
	assert_name(tree, CMDLINE("q"), "fallback");
	assert_name(tree, CMDLINE("q\0-name"), "fallback");
	assert_name(tree, CMDLINE("q\0-name\0"), "fallback");
	assert_name(tree, CMDLINE("q\0-name\0guest="), "fallback");
	assert_name(tree, CMDLINE("q\0-name\0debug-threads=on"), "fallback");
	assert_name(tree, CMDLINE("q\0-name\0debug-threads=on,foo"), "fallback");
	assert_name(tree, CMDLINE("q\0-name\0guest2=foo,gues=bar,xguest=baz"), "fallback");
	assert_name(tree, CMDLINE("q\0-names\0foo\0name\0bar\0---name\0baz"), "fallback");
	assert_name(tree, CMDLINE("q\0-name=foo"), "fallback");
	proc_tree__write(tree, "proc/100/comm", "\n");
	assert_name(tree, CMDLINE("q"), "?");
	proc_tree__write(tree, "proc/100/comm", "a\x1b[2Jb\n");
	assert_name(tree, CMDLINE("q"), "a?[2Jb");
}

/*
 * The VMM is recognised by its executable, whatever argv[0] is, or by argv[0] if the executable is
 * none that is known.
 */
static void name_by_program(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_process(tree, 100, "fallback");
	tree__symlink(tree, "proc/100/exe", "/usr/bin/firecracker-v1.7 (deleted)");
	assert_name(tree, CMDLINE("q\0--id\0fc-1\0--name\0no"), "fc-1");
	assert_name(tree, CMDLINE("q\0--api-sock\0/run/fc/web.socket"), "web");
	tree__remove(tree, "proc/100/exe");
	tree__symlink(tree, "proc/100/exe", "/usr/lib64/ld-linux-x86-64.so.2");
	assert_name(tree,
		    CMDLINE("/opt/bin/cloud-hypervisor\0--api-socket\0path=/run/vc/vm/5f/"
			    "clh-api.sock"),
		    "5f");
	assert_name(tree, CMDLINE("cloud-hypervisor\0--name\0no"), "fallback");
	assert_name(tree, CMDLINE("lkvm\0run\0--name=tool"), "tool");
}

static void name_of_libvirt(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_process(tree, 100, "fallback");
	proc_tree__write(tree, "proc/100/cgroup",
			 "0::/machine.slice/machine-ch\\x2d7\\x2dweb\\x2d1.scope/libvirt\n");
	assert_name(tree, CMDLINE("cloud-hypervisor\0--api-socket\0/run/ch/other.sock"), "web-1");
	/* The command line is preferred, because cgroup names are mangled. */
	assert_name(tree, CMDLINE("qemu\0-name\0guest=web 1"), "web 1");
}

/* A process that overwrites its own title leaves no NUL at the end. */
static void name_without_last_nul(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_process(tree, 100, "fallback");
	assert_name(tree, "q\0-name\0foo", 11, "foo");
}

static void name_in_a_long_command_line(void **state)
{
	const struct tree *tree = *state;
	static const char option[] = "-name\0guest=foo";
	static char cmdline[2 * CMDLINE_MAX];

	proc_tree__add_process(tree, 100, "fallback");
	memset(cmdline, 'x', sizeof(cmdline));
	memcpy(cmdline, "q", 2);
	memcpy(cmdline + 2, option, sizeof(option));
	assert_name(tree, cmdline, sizeof(cmdline), "foo");

	/*
	 * An incomplete name is ignored: the last NUL is within the limit, or up to three bytes
	 * beyond.
	 */
	for (size_t beyond = 0; beyond < 4; beyond++) {
		size_t pos = CMDLINE_MAX - sizeof(option) + beyond;

		memset(cmdline, 'x', sizeof(cmdline));
		cmdline[pos - 1] = '\0';
		memcpy(cmdline + pos, option, sizeof(option));
		assert_name(tree, cmdline, sizeof(cmdline), beyond ? "fallback" : "foo");
	}
	/* The whole option is beyond the limit. */
	memset(cmdline, 'x', sizeof(cmdline));
	cmdline[CMDLINE_MAX] = '\0';
	memcpy(cmdline + CMDLINE_MAX + 1, option, sizeof(option));
	assert_name(tree, cmdline, sizeof(cmdline), "fallback");
}

static void names_become_printable(void **state)
{
	static const struct {
		const char *raw, *shown;
	} cases[] = {
		{ "b\xc3\xb6se", "b\xc3\xb6se" },
		{ "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac" },
		{ "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7" },
		{ "a\nb\tc\rd", "a?b?c?d" },
		{ "\x1b[31mred", "?[31mred" },
		{ "\x7f", "?" },
		{ "\xc2\x9b"
		  "1m",
		  "?1m" }, /* CSI as a C1 control character */
		{ "\xe2\x80\xae"
		  "abc",
		  "?abc" }, /* right-to-left override */
		{ "\xff\xfe", "??" },
		{ "\x80", "?" },
		{ "a\xc3", "a?" }, /* ends too early */
		{ "\xe6\x97z", "??z" },
		{ "\xc0\xaf", "??" },           /* overlong */
		{ "\xed\xa0\x80", "???" },      /* surrogate */
		{ "\xf4\x90\x80\x80", "????" }, /* above U+10FFFF */
	};
	const struct tree *tree = *state;
	char cmdline[64];

	proc_tree__add_process(tree, 100, "fallback");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int len = snprintf(cmdline, sizeof(cmdline), "q%c-name%c%s", 0, 0, cases[i].raw);

		assert_name(tree, cmdline, (size_t)len + 1, cases[i].shown);
	}
}

/*
 * A name of `prefix` and many times `unit` must be shown as `prefix` and `shown` times
 * `shown_unit`.
 */
static void assert_cut(const struct tree *tree, const char *prefix, const char *unit,
		       const char *shown_unit, size_t shown)
{
	char cmdline[4096] = "q\0-name", expected[256];
	size_t size = 8, len;

	size += (size_t)sprintf(cmdline + size, "%s", prefix);
	for (size_t i = 0; i < 700; i++)
		size += (size_t)sprintf(cmdline + size, "%s", unit);
	len = (size_t)sprintf(expected, "%s", prefix);
	for (size_t i = 0; i < shown; i++)
		len += (size_t)sprintf(expected + len, "%s", shown_unit);
	assert_name(tree, cmdline, size + 1, expected);
}

static void long_names_are_cut_between_characters(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_process(tree, 100, "fallback");
	assert_cut(tree, "", "a", "a", 127);
	assert_cut(tree, "", "\xc3\xb6", "\xc3\xb6", 63);
	assert_cut(tree, "a", "\xc3\xb6", "\xc3\xb6", 63);
	assert_cut(tree, "ab", "\xc3\xb6", "\xc3\xb6", 62);
	assert_cut(tree, "abc", "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7", 31);
	assert_cut(tree, "abcd", "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7", 30);
	/* Bytes that become "?" shrink, and the name must still be filled to its limit. */
	assert_cut(tree, "", "\xf3\xa0\x80\x81", "?", 127);
	assert_cut(tree, "", "\xff", "?", 127);
}

#define tree_test(test) cmocka_unit_test_setup_teardown(test, setup, tree__teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		tree_test(check_tells_vms_from_others),
		tree_test(check_knows_no_threads),
		tree_test(check_reports_what_it_cannot_read),
		cmocka_unit_test(host_is_understood),
		tree_test(read_fills_vm),
		tree_test(read_needs_no_check),
		tree_test(start_ticks_are_behind_any_comm),
		tree_test(stat_of_another_form),
		tree_test(read_of_a_process_that_ends),
		tree_test(read_errors),
		tree_test(only_vcpu_threads_count),
		tree_test(threads_are_sorted),
		tree_test(name_of_qemu),
		tree_test(name_with_commas),
		tree_test(last_name_counts),
		tree_test(no_name_but_comm),
		tree_test(name_by_program),
		tree_test(name_of_libvirt),
		tree_test(name_without_last_nul),
		tree_test(name_in_a_long_command_line),
		tree_test(names_become_printable),
		tree_test(long_names_are_cut_between_characters),
	};

	return cmocka_run_group_tests_name("vm", tests, NULL, NULL);
}
