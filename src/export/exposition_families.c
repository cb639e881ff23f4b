// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/exposition_families.h"

const struct level_def level_defs[LEVEL_CNT] = {
	[LEVEL_VCPU] = { "gtimehalt_vcpu_", ", of a vCPU." },
	[LEVEL_VM] = { "gtimehalt_vm_", ", of all vCPUs of a VM." },
	[LEVEL_NODE] = { "gtimehalt_node_", ", of all vCPUs of the host since the start." },
};

const struct metric_def metric_defs[METRIC_DEF_CNT] = {
	{ "loaded_seconds", "seconds", "Time loaded on a CPU", METRIC_LOADED_NS, false },
	{ "idle_seconds", "seconds", "Time halted inside the guest or asleep in the host",
	  METRIC_IDLE_NS, false },
	{ "halted_seconds", "seconds", "Time halted inside the guest", METRIC_HALTED_NS, false },
	{ "guest_seconds", "seconds", "Time in guest mode", METRIC_GUEST_NS, false },
	{ "busy_seconds", "seconds", "Time in guest mode and not halted", METRIC_BUSY_NS, false },
	{ "host_seconds", "seconds", "Time loaded while the host handled an exit", METRIC_HOST_NS,
	  false },
	{ "wait_seconds", "seconds",
	  "Time runnable while another thread had the CPU, which the guest sees as steal",
	  METRIC_WAIT_NS, false },
	{ "blocked_seconds", "seconds", "Time asleep in the host", METRIC_BLOCKED_NS, false },
	{ "entries", "", "VM entries", METRIC_ENTRY_CNT, false },
	{ "unmeasured_seconds", "seconds",
	  "Time loaded without MPERF, whose halted part is unknown", METRIC_UNMEASURED_NS, false },
	{ "clamped_seconds", "seconds", "Time added or removed to make the sums close",
	  METRIC_CLAMPED_NS, true },
};

const struct family vm_info_family = {
	"gtimehalt_", "vm", "", { "A VM: its process and its name.", NULL }, FAMILY_INFO
};
const struct family vcpus_family = {
	"gtimehalt_", "vm_vcpus", "", { "Number of vCPUs of a VM.", NULL }, FAMILY_GAUGE
};
const struct family vms_family = {
	"gtimehalt_", "vms", "", { "Number of VMs.", NULL }, FAMILY_GAUGE
};
const struct family stints_family = {
	"gtimehalt_",
	"vm_stint_halted_seconds",
	"seconds",
	{ "Halted time of stints, from a VM entry to its exit, that halted for 1.024 us or more.",
	  NULL },
	FAMILY_HISTOGRAM,
};
const struct family info_family = {
	"", "gtimehalt", "", { "Version and configuration of the measurement.", NULL }, FAMILY_INFO
};
const struct family ratio_family = { "gtimehalt_",
				     "mperf_ratio",
				     "ratio",
				     { "Rate of MPERF over that of TSC.", NULL },
				     FAMILY_GAUGE };
const struct family scrapes_family = {
	"gtimehalt_", "scrapes", "", { "Answers to requests for metrics.", NULL }, FAMILY_COUNTER
};
const struct family run_family = { "gtimehalt_",
				   "bpf_run_seconds",
				   "seconds",
				   { "Time that a BPF program ran.", NULL },
				   FAMILY_COUNTER };
const struct family runs_family = {
	"gtimehalt_", "bpf_runs", "", { "Runs of a BPF program.", NULL }, FAMILY_COUNTER
};

const struct family failure_families[FAILURE_CNT] = {
	{ "gtimehalt_",
	  "lost_windows",
	  "",
	  { "Windows whose end was not seen: their time is missing.", NULL },
	  FAMILY_COUNTER },
	{ "gtimehalt_",
	  "mperf_errors",
	  "",
	  { "Reads of MPERF that failed.", NULL },
	  FAMILY_COUNTER },
	{ "gtimehalt_",
	  "map_full",
	  "",
	  { "Windows of threads for which the map of vCPUs had no room.", NULL },
	  FAMILY_COUNTER },
	{ "gtimehalt_",
	  "hooks_off",
	  "",
	  { "Snapshots before which the hooks did not run, or may not have: the time since "
	    "the previous snapshot is missing.",
	    NULL },
	  FAMILY_COUNTER },
	{ "gtimehalt_",
	  "refused_windows",
	  "",
	  { "Windows of processes that had used up their share of the room.", NULL },
	  FAMILY_COUNTER },
};

const struct family scalar_families[SCALAR_CNT] = {
	[SCALAR_SNAPSHOT_CNT] = { "gtimehalt_",
				  "snapshots",
				  "",
				  { "Snapshots taken.", NULL },
				  FAMILY_COUNTER },
	[SCALAR_SNAPSHOT_FAILURE_CNT] = { "gtimehalt_",
					  "snapshot_failures",
					  "",
					  { "Snapshots that failed.", NULL },
					  FAMILY_COUNTER },
	[SCALAR_SNAPSHOT_NS] = { "gtimehalt_",
				 "snapshot_seconds",
				 "seconds",
				 { "Time spent taking snapshots.", NULL },
				 FAMILY_COUNTER },
	[SCALAR_DROPPED_SERIES_CNT] = { "gtimehalt_",
					"dropped_series",
					"",
					{ "VMs and vCPUs that ended and whose series were dropped "
					  "early, because there were too many.",
					  NULL },
					FAMILY_COUNTER },
	[SCALAR_CONNECTION_CNT] = { "gtimehalt_",
				    "connections",
				    "",
				    { "Open connections.", NULL },
				    FAMILY_GAUGE },
	[SCALAR_DROPPED_CONNECTION_CNT] = { "gtimehalt_",
					    "dropped_connections",
					    "",
					    { "Connections closed because a request or its answer "
					      "took too long.",
					      NULL },
					    FAMILY_COUNTER },
	[SCALAR_PROCESS_CPU_NS] = { "process_",
				    "cpu_seconds",
				    "seconds",
				    { "User and system CPU time of the process.", NULL },
				    FAMILY_COUNTER },
	[SCALAR_PROCESS_RESIDENT_BYTES] = { "process_",
					    "resident_memory_bytes",
					    "bytes",
					    { "Resident memory of the process.", NULL },
					    FAMILY_GAUGE },
	[SCALAR_PROCESS_OPEN_FD_CNT] = { "process_",
					 "open_fds",
					 "",
					 { "Open file descriptors.", NULL },
					 FAMILY_GAUGE },
	[SCALAR_PROCESS_MAX_FD_CNT] = { "process_",
					"max_fds",
					"",
					{ "Limit on open file descriptors.", NULL },
					FAMILY_GAUGE },
	[SCALAR_PROCESS_START_NS] = { "process_",
				      "start_time_seconds",
				      "seconds",
				      { "Start time of the process since 1970.", NULL },
				      FAMILY_GAUGE },
};
