/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bpf_log - passes libbpf's messages to log. */
#ifndef BPF_LOG_H
#define BPF_LOG_H

/* libbpf's warnings are for -v from now on, and its other messages for -vv. */
void bpf_log__enable(void);

#endif /* BPF_LOG_H */
