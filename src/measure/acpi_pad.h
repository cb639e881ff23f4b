/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * acpi_pad - detects that the host halts CPUs outside of its idle task.
 *
 * The kernel's processor aggregator driver (drivers/acpi/acpi_pad.c) does so when firmware or root
 * asks for idle CPUs: its kthreads execute MWAIT, with no idle tracepoint. Halts of these kthreads
 * cannot be distinguished from halts of a vCPU that they preempted. Idle injection and
 * intel_powerclamp go through the idle task (play_idle_precise()) and are seen as idle time.
 */
#ifndef ACPI_PAD_H
#define ACPI_PAD_H

#include <stdbool.h>

struct hostfs;

bool acpi_pad__halts(const struct hostfs *fs);

#endif /* ACPI_PAD_H */
