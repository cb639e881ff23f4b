/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exporter_syscalls - the system calls that the exporter's loop needs.
 *
 * The loop waits (epoll), serves HTTP on sockets that it accepts, reads /proc and the BPF maps that
 * it has open, runs a BPF program on a CPU, and writes one file if asked to. It starts no process
 * or thread, binds and connects no socket, loads nothing into the kernel, maps no code, and without
 * --textfile opens no file for writing.
 *
 * Other system calls fail with EPERM instead of killing the process: a library may try a call that
 * it can do without, and a killed exporter measures nothing.
 */
#ifndef EXPORTER_SYSCALLS_H
#define EXPORTER_SYSCALLS_H

#include <stdbool.h>

struct syscall_list;

/*
 * Returns the constant list. writes_file: --textfile is used, which writes a temporary file and
 * renames it.
 */
const struct syscall_list *exporter_syscalls__list(bool writes_file);

#endif /* EXPORTER_SYSCALLS_H */
