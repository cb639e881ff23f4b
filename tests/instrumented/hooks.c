// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hooks - what instruments need of a program that gives up its rights: linked into the sanitized programs, and
 * preloaded into those under valgrind.
 *
 * Nothing of it is in the tool. Of the tests of the system call filters themselves nothing changes either: without
 * INSTRUMENTED_RIGHTS in the environment the filters stay what they are.
 *
 *	INSTRUMENTED_RIGHTS=1		the exporter may do what instruments need
 *	INSTRUMENTED_UBSAN_PATH=PATH	where UBSan's reports go: PATH.PID
 *	INSTRUMENTED_SKIP=NAME		a test, of cmocka, that is left out
 */
#include <dlfcn.h>
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not every program has libseccomp; those that have not do not come here. */
#pragma weak seccomp_rule_add_array
#pragma weak cmocka_set_skip_filter
void cmocka_set_skip_filter(const char *pattern);
#pragma weak __gcov_dump
#pragma weak __gcov_reset
void __gcov_dump(void);
void __gcov_reset(void);

/* Whether a filter forbids what instruments do at the end. */
static bool confined;

/* What was counted is written down at exit(3), and would be lost where a process does not get there. */
static void save_counters(void)
{
	if (!__gcov_dump || confined)
		return;
	__gcov_dump();
	__gcov_reset();
}

/*
 * A report is a file that is made late; a leak is looked for by a thread that traces the others; counters of
 * coverage are files that are written at the end; valgrind makes code all the time.
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
		/* It is allowed already. */
		if (err == -EEXIST)
			err = 0;
	}
	if (!err)
		err = load(filter);
	confined = !err && !getenv("INSTRUMENTED_RIGHTS");
	return err;
}

/* How a child of a test ends. */
void _exit(int status)
{
	save_counters();
	for (;;)
		syscall(SYS_exit_group, status);
}

/*
 * libubsan sets the path of its reports in libasan, which has a function of the same name, and would go on with
 * stderr, which the tests of a program close or throw away.
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
 * When a terminal goes away the kernel sends SIGCONT to all that were in its foreground, which discards the SIGSTOP
 * by which LeakSanitizer, at the very end, stops the threads that it looks at: it would wait for ever.
 */
__attribute__((destructor)) static void leave_terminal(void)
{
	(void)setsid();
}
