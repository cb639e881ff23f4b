/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * acpi_pad - whether the host halts CPUs outside of its idle task.
 *
 * The kernel's processor aggregator (drivers/acpi/acpi_pad.c) does, when firmware or root asks for idle CPUs: kthreads of
 * its own execute MWAIT, with no idle tracepoint. Halts of a vCPU that they have preempted cannot be told from theirs. Idle
 * injection and intel_powerclamp go through the idle task (play_idle_precise()), and are seen as idle time.
 */
#ifndef ACPI_PAD_H
#define ACPI_PAD_H

#include <stdbool.h>

struct hostfs;

bool acpi_pad__halts(const struct hostfs *fs);

#endif /* ACPI_PAD_H */
