/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * syscall_filter - allow only the system calls that a process still needs;
 * seccomp rejects all others.
 *
 * This is an allow list, so that system calls of later kernels are rejected too.
 */
#ifndef SYSCALL_FILTER_H
#define SYSCALL_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <seccomp.h>

/*
 * A system call that is allowed, always or if all comparisons of its arguments hold. Several rules
 * may be for the same system call.
 */
struct syscall_rule {
	int number; /* SCMP_SYS(...) */
	unsigned int cmp_cnt;
	struct scmp_arg_cmp cmps[4];
};

/*
 * Rules that allow a system call always; if argument n, an int, has this value; or if its bits in a
 * mask have this value. For an int only the lower half of the register is compared, because the
 * upper half is undefined.
 */
#define SYSCALL_ALLOW(name)                                                                        \
	{                                                                                          \
		.number = SCMP_SYS(name)                                                           \
	}
#define SYSCALL_ALLOW_IF(name, n, value) SYSCALL_ALLOW_BITS(name, n, 0xffffffff, value)
#define SYSCALL_ALLOW_BITS(name, n, mask, bits)                                                    \
	{                                                                                          \
		.number = SCMP_SYS(name), .cmp_cnt = 1, .cmps = { SYSCALL_BITS(n, mask, bits) }    \
	}
#define SYSCALL_BITS(n, mask, bits)                                                                \
	{                                                                                          \
		n, SCMP_CMP_MASKED_EQ, mask, (__u32)(bits)                                         \
	}

struct syscall_list {
	const struct syscall_rule *rules;
	size_t cnt;
	const struct syscall_list *more; /* further rules; NULL: none */
	/*
	 * Action for a system call that is not listed. False: it fails with EPERM, for a program
	 * whose libraries may try something that they can do without. True: the process is killed,
	 * for a program so small that any other system call is not its own.
	 */
	bool kills;
};

/*
 * Loads the filter for this thread and all threads that it will start,
 * irrevocably. Sets no_new_privs.
 * Returns 0; or -errno, with nothing filtered (-EINVAL: the kernel has no seccomp filters).
 */
int syscall_filter__load(const struct syscall_list *list);

#endif /* SYSCALL_FILTER_H */
