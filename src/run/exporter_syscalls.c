// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "rights/syscall_filter.h"
#include "run/exporter_syscalls.h"

/* Flags of open() that create or modify a file. */
#define OPEN_WRITES (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

/* Short names, because what follows is a list of names. */
#define ALLOW    SYSCALL_ALLOW
#define ALLOW_IF SYSCALL_ALLOW_IF
#define BITS     SYSCALL_ALLOW_BITS

/* clang-format off */
static const struct syscall_rule always[] = {
	/* Files of /proc and /sys; how they may be opened is below. */
	ALLOW(read), ALLOW(readv), ALLOW(pread64), ALLOW(lseek), ALLOW(close), ALLOW(fstat), ALLOW(newfstatat),
	ALLOW(stat), ALLOW(lstat), ALLOW(statx), ALLOW(access), ALLOW(faccessat), ALLOW(faccessat2),
	ALLOW(readlink), ALLOW(readlinkat), ALLOW(getdents64), ALLOW(fcntl), ALLOW(dup),
	/*
	 * Sockets, and the log. sd_notify() makes its own AF_UNIX socket and sends datagrams,
	 * without connect().
	 */
	ALLOW(write), ALLOW(writev), ALLOW(accept), ALLOW(accept4), ALLOW(recvfrom), ALLOW(recvmsg),
	ALLOW(sendto), ALLOW(sendmsg), ALLOW(sendfile), ALLOW(shutdown), ALLOW(getsockopt), ALLOW(setsockopt),
	ALLOW(getsockname), ALLOW(getpeername), ALLOW_IF(socket, 0, AF_UNIX), ALLOW_IF(ioctl, 1, TCGETS),
	/* The heap. No new executable mappings. */
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), BITS(mmap, 2, PROT_EXEC, 0),
	BITS(mprotect, 2, PROT_EXEC, 0),
	/* Time and events. */
	ALLOW(clock_gettime), ALLOW(clock_getres), ALLOW(gettimeofday), ALLOW(time), ALLOW(nanosleep),
	ALLOW(clock_nanosleep), ALLOW(timerfd_settime), ALLOW(timerfd_gettime), ALLOW(poll), ALLOW(ppoll),
	ALLOW(select), ALLOW(pselect6), ALLOW(epoll_create1), ALLOW(epoll_ctl), ALLOW(epoll_wait),
	ALLOW(epoll_pwait), ALLOW(epoll_pwait2), ALLOW(signalfd4), ALLOW(restart_syscall),
	/*
	 * Measuring, through open descriptors only: TEST_RUN forces reads of the counters, UPDATE
	 * puts a perf event into its map, and libbpf disables events with IOC_DISABLE when it
	 * closes them.
	 */
	ALLOW_IF(bpf, 0, BPF_MAP_LOOKUP_ELEM), ALLOW_IF(bpf, 0, BPF_MAP_LOOKUP_BATCH),
	ALLOW_IF(bpf, 0, BPF_MAP_UPDATE_ELEM), ALLOW_IF(bpf, 0, BPF_MAP_DELETE_ELEM),
	ALLOW_IF(bpf, 0, BPF_MAP_GET_NEXT_KEY), ALLOW_IF(bpf, 0, BPF_PROG_TEST_RUN),
	ALLOW_IF(bpf, 0, BPF_OBJ_GET_INFO_BY_FD), ALLOW_IF(ioctl, 1, PERF_EVENT_IOC_DISABLE),
	/* Checking whether a thread exists (signal 0), and abort(3). */
	ALLOW_IF(tgkill, 2, 0), ALLOW_IF(tgkill, 2, SIGABRT),
	/* The process itself; prlimit64 only for reading limits (the new limit is NULL). */
	ALLOW(exit), ALLOW(exit_group), ALLOW(getpid), ALLOW(getppid), ALLOW(gettid), ALLOW(getuid),
	ALLOW(geteuid), ALLOW(getgid), ALLOW(getegid), ALLOW(getrusage), ALLOW(times), ALLOW(uname),
	ALLOW(sysinfo), ALLOW(getrandom), ALLOW(sched_yield), ALLOW(sched_getaffinity), ALLOW(getcpu),
	ALLOW(getrlimit), BITS(prlimit64, 2, UINT64_MAX, 0), ALLOW(futex), ALLOW(set_robust_list), ALLOW(rseq),
	ALLOW(wait4), ALLOW(waitid), ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn),
	ALLOW(rt_sigpending), ALLOW(sigaltstack),
};

static const struct syscall_rule reading[] = {
	BITS(open, 1, OPEN_WRITES, O_RDONLY), BITS(openat, 2, OPEN_WRITES, O_RDONLY),
};

static const struct syscall_rule writing[] = {
	ALLOW(open), ALLOW(openat), ALLOW(rename), ALLOW(renameat), ALLOW(renameat2), ALLOW(unlink),
	ALLOW(unlinkat), ALLOW(fchmod), ALLOW(fchmodat), ALLOW(ftruncate), ALLOW(fsync), ALLOW(fdatasync),
	ALLOW(umask),
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct syscall_list *exporter_syscalls__list(bool writes_file)
{
	static const struct syscall_list all = { .rules = always, .cnt = COUNT(always) },
					 reads = { .rules = reading,
						   .cnt = COUNT(reading),
						   .more = &all },
					 writes = { .rules = writing,
						    .cnt = COUNT(writing),
						    .more = &all };

	return writes_file ? &writes : &reads;
}
