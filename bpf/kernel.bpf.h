/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.bpf.h - types of the kernel, and how programs read its objects.
 */
#ifndef KERNEL_BPF_H
#define KERNEL_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "kernel_types.h"

/*
 * Reads a field of a kernel object: a plain load where the verifier knows the type of the pointer
 * (fentry and fexit), a checked copy elsewhere. `typed` is a constant in every caller.
 */
#define FIELD(typed, ptr, field) ((typed) ? (ptr)->field : BPF_CORE_READ(ptr, field))

#endif /* KERNEL_BPF_H */
