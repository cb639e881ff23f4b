/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * syscall_filter - a list of the system calls that a process still needs; all others are refused by seccomp.
 *
 * A list of what is allowed, not of what is not: a system call that a later kernel brings is refused too.
 */
#ifndef SYSCALL_FILTER_H
#define SYSCALL_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <seccomp.h>

/* One that is allowed: always, or where its arguments compare so (all of them). Several may name the same. */
struct syscall_rule {
	int number; /* SCMP_SYS(...) */
	unsigned int cmp_cnt;
	struct scmp_arg_cmp cmps[4];
};

/*
 * A rule: always; where argument n, an int, is this; where it has these of the bits in a mask. Of an
 * int the kernel takes the lower half of the register, and the upper one may hold anything.
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
	const struct syscall_list *more; /* what these allow too; NULL: nothing */
	/*
	 * What becomes of a system call that is not listed. False: it fails with EPERM, for a program whose
	 * libraries may try something new and can do without. True: the process is ended, for one so small that
	 * whatever else it calls is not its own wish.
	 */
	bool kills;
};

/*
 * Loads it for this thread, and those that it will start, for good. Sets no_new_privs.
 * Returns 0; or -errno (-EINVAL: the kernel has no seccomp filters), and nothing is filtered.
 */
int syscall_filter__load(const struct syscall_list *list);

#endif /* SYSCALL_FILTER_H */
