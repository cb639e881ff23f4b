/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exporter_syscalls - which system calls the exporter's loop needs.
 *
 * It waits (epoll), serves HTTP on sockets that it accepts, reads /proc and the BPF maps that it holds, has a
 * program run on a CPU, and writes one file if it is told to. It starts no process or thread, binds and connects
 * no socket, loads nothing into the kernel, maps no code, and, without a file to write, opens none for writing.
 * What is not listed fails with EPERM: a library may come to try a system call that it can do without, and an
 * exporter that was ended for it measures nothing.
 */
#ifndef EXPORTER_SYSCALLS_H
#define EXPORTER_SYSCALLS_H

#include <stdbool.h>

struct syscall_list;

/* writes_file: it writes a file (--textfile), by another one that takes its name. The list is constant. */
const struct syscall_list *exporter_syscalls__list(bool writes_file);

#endif /* EXPORTER_SYSCALLS_H */
