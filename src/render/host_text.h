/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * host_text - say in one line what all vCPUs of a report add up to.
 */
#ifndef HOST_TEXT_H
#define HOST_TEXT_H

struct report;

#define HOST_TEXT_SIZE 160

/*
 * Formats, for example, "16 vCPUs of 3 VMs on 8 CPUs: idle 9.1, busy 4.3, host 0.4, wait 0.2". The
 * parts are in vCPUs: a vCPU that was halted in half of the interval adds 0.5 to idle. In
 * MODE_SWITCH "busy or host" stands for the two. "unknown" follows if it is 0.05 or more; CPUs are
 * left out if their number is unknown, and the parts if there is no vCPU.
 */
void host_text__format(const struct report *report, char text[static HOST_TEXT_SIZE]);

#endif /* HOST_TEXT_H */
