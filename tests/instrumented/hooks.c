// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hooks - lets instruments work in a program that drops its privileges: linked into the sanitized
 * programs, and preloaded into those under valgrind.
 *
 * Nothing of this is in the tool itself. Without INSTRUMENTED_RIGHTS in the environment the system
 * call filters are unchanged, so that their own tests are not affected.
 *
 *	INSTRUMENTED_RIGHTS=1		allow the exporter the system calls that instruments need
 *	INSTRUMENTED_UBSAN_PATH=PATH	write UBSan's reports to PATH.PID
 *	INSTRUMENTED_SKIP=NAME		skip this cmocka test
 */
#include <dlfcn.h>
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Weak, because not every program links libseccomp; those that do not never call this. */
#pragma weak seccomp_rule_add_array
#pragma weak cmocka_set_skip_filter
void cmocka_set_skip_filter(const char *pattern);
#pragma weak __gcov_dump
#pragma weak __gcov_reset
void __gcov_dump(void);
void __gcov_reset(void);

/* Whether a filter forbids the system calls that instruments make at exit. */
static bool confined;

/*
 * Coverage counters are normally written by exit(3), and would be lost in a process that ends
 * otherwise.
 */
static void save_counters(void)
{
	if (!__gcov_dump || confined)
		return;
	__gcov_dump();
	__gcov_reset();
}

/*
 * Reports are files that are created late; LeakSanitizer uses a thread that traces the others;
 * coverage counters are written at exit; valgrind generates code all the time.
 */
static const int instruments[] = {
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(unlink),
	SCMP_SYS(ftruncate),
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(prctl),
	SCMP_SYS(ptrace),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(kill),
	SCMP_SYS(tkill),
	SCMP_SYS(tgkill),
	SCMP_SYS(setsid),
	SCMP_SYS(getcwd),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(getdents),
	SCMP_SYS(rt_sigtimedwait),
};

int seccomp_load(const scmp_filter_ctx filter)
{
	int (*load)(scmp_filter_ctx) = (int (*)(scmp_filter_ctx))dlsym(RTLD_NEXT, "seccomp_load");
	int err = load ? 0 : -ENOSYS;

	save_counters();
	for (size_t i = 0; !err && getenv("INSTRUMENTED_RIGHTS") &&
			   i < sizeof(instruments) / sizeof(instruments[0]);
	     i++) {
		err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, instruments[i], 0, NULL);
		/* The filter allows it already. */
		if (err == -EEXIST)
			err = 0;
	}
	if (!err)
		err = load(filter);
	confined = !err && !getenv("INSTRUMENTED_RIGHTS");
	return err;
}

/* Children of tests end by _exit(). */
void _exit(int status)
{
	save_counters();
	for (;;)
		syscall(SYS_exit_group, status);
}

/*
 * libubsan's constructor sets the path of reports in libasan, which has a function of the same
 * name, so that UBSan's reports would go to stderr, which tests close or discard.
 */
__attribute__((constructor)) static void part_reports(void)
{
	const char *path = getenv("INSTRUMENTED_UBSAN_PATH");
	void *ubsan = path ? dlopen("libubsan.so.1", RTLD_NOLOAD | RTLD_LAZY) : NULL;
	void (*set_path)(const char *) =
		ubsan ? (void (*)(const char *))dlsym(ubsan, "__sanitizer_set_report_path") : NULL;

	if (set_path)
		set_path(path);
}

__attribute__((constructor)) static void leave_out_test(void)
{
	const char *name = getenv("INSTRUMENTED_SKIP");

	if (name && *name && cmocka_set_skip_filter)
		cmocka_set_skip_filter(name);
}

/*
 * When a terminal goes away, the kernel sends SIGCONT to its foreground processes. This cancels the
 * SIGSTOP with which LeakSanitizer stops the threads that it examines at exit, and LeakSanitizer
 * would wait forever.
 */
__attribute__((destructor)) static void leave_terminal(void)
{
	(void)setsid();
}
