// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "top/top_help.h"

const char *const top_help_lines[] = {
	"Where the time of each VM and vCPU went, in per cent of wall time:",
	"  idle     halted or blocked: what the guest did not use",
	"  halted   inside the guest, which the host does not see",
	"  busy     in the guest, and not halted",
	"  host     loaded, but not in the guest: exits handled for this vCPU",
	"  wait     runnable, but another thread had the CPU",
	"  blocked  the rest: the thread slept, as it does when HLT exits",
	"Values of a VM are the mean over its vCPUs. - stands for not measured.",
	"",
	"  Up Down PgUp PgDn Home End  move; k j g G too",
	"  Enter   Right Left          unfold or fold a VM into its vCPUs",
	"  a                           ... all VMs",
	"  v                           one list of all vCPUs, and back",
	"  s S                         sort by the next column, by the one before",
	"  I H B O W K E L P           by idle, halted, busy, host, wait, blocked,",
	"                              entries, loaded, PID",
	"  /                           show only VMs with this in their name; Esc: all",
	"  i                           change the interval",
	"  p Space                     pause the display, not the measurement; resume",
	"  n                           all notes of the interval",
	"  Ctrl-L                      redraw the screen",
	"  q                           quit",
};

const size_t top_help_line_cnt = sizeof(top_help_lines) / sizeof(top_help_lines[0]);
