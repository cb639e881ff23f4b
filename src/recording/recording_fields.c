// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "recording/recording.h"
#include "recording/recording_fields.h"

/* These fail when a struct grows, as a reminder to add the new member below. */
_Static_assert(sizeof(struct clock_reading) == 40, "clock_fields has every member");
_Static_assert(sizeof(struct health) == 40, "health_fields has every member");
_Static_assert(sizeof(struct vm_reading) == 132, "vm_fields has every member");
_Static_assert(sizeof(struct vcpu_reading) == 128, "vcpu_fields has every member but entry");
_Static_assert(sizeof(struct cpu_reading) == 64, "cpu_fields has every member");
_Static_assert(sizeof(struct stint_reading) == 8 + 8 * STINT_BUCKET_CNT,
	       "stint_fields has every member");
_Static_assert(sizeof(struct snapshot) == 216, "recording_snapshot_fields has every member");

#define CLOCK(member) .offset = offsetof(struct clock_reading, member)

static const struct field clock_fields[] = {
	{ "monotonic_ns", FIELD_U64, CLOCK(mono_ns) },
	{ "boottime_ns", FIELD_U64, CLOCK(boot_ns) },
	{ "realtime_ns", FIELD_U64, CLOCK(real_ns) },
	{ "tsc_cycles", FIELD_U64, CLOCK(tsc_cycles) },
	{ "monotonic_raw_ns", FIELD_U64, CLOCK(raw_ns), .optional = true },
	{ 0 },
};

#define HEALTH(member) .offset = offsetof(struct health, member)

static const struct field health_fields[] = {
	{ "lost_windows", FIELD_U64, HEALTH(lost_window_cnt) },
	{ "mperf_errors", FIELD_U64, HEALTH(mperf_error_cnt) },
	{ "map_full", FIELD_U64, HEALTH(map_full_cnt) },
	{ "hooks_off", FIELD_U64, HEALTH(hooks_off_cnt), .optional = true },
	{ "refused_windows", FIELD_U64, HEALTH(refused_window_cnt), .optional = true },
	{ 0 },
};

#define VM(member) .offset = offsetof(struct vm_reading, member)

static const struct field vm_fields[] = {
	{ "pid", FIELD_INT, VM(pid) },
	{ "name", FIELD_TEXT, VM(name), .size = sizeof(((struct vm_reading *)NULL)->name) },
	{ 0 },
};

#define VCPU(member) .offset = offsetof(struct vcpu_reading, member)

static const struct field vcpu_fields[] = {
	{ "pid", FIELD_INT, VCPU(pid) },
	{ "tid", FIELD_INT, VCPU(tid) },
	{ "vcpu", FIELD_U32, VCPU(vcpu_id) },
	{ "seen", FIELD_BOOL, VCPU(seen) },
	{ "vm_id", FIELD_VM_ID, VCPU(vm_id) },
	{ "start_boottime_ns", FIELD_U64, VCPU(start_boottime_ns) },
	{ "at_monotonic_ns", FIELD_U64, VCPU(at_ns) },
	{ "loaded_ns", FIELD_U64, VCPU(loaded_ns) },
	{ "ran_before_ns", FIELD_U64, VCPU(ran_before_ns), .optional = true },
	{ "measured_ns", FIELD_U64, VCPU(measured_ns) },
	{ "mperf_cycles", FIELD_U64, VCPU(mperf_cycles) },
	{ "unmeasured_ns", FIELD_U64, VCPU(unmeasured_ns) },
	{ "guest_ns", FIELD_U64, VCPU(guest_ns) },
	{ "entries", FIELD_U64, VCPU(entry_cnt) },
	{ "wait_ns", FIELD_KNOWN_U64, VCPU(wait_ns),
	  .known_offset = offsetof(struct vcpu_reading, wait_known) },
	{ "stale", FIELD_BOOL, VCPU(stale), .optional = true },
	{ "cannot_halt", FIELD_BOOL, VCPU(cannot_halt), .optional = true },
	{ "sleeps", FIELD_KNOWN_U64, VCPU(sleeps), .optional = true,
	  .known_offset = offsetof(struct vcpu_reading, sleeps_known) },
	{ "stints", FIELD_U32, VCPU(stint_number), .optional = true },
	{ 0 },
};

#define STINT(member) .offset = offsetof(struct stint_reading, member)

static const struct field stint_fields[] = {
	{ "halted_ns", FIELD_U64, STINT(halted_ns) },
	{ "counts", FIELD_BUCKETS, STINT(cnt) },
	{ 0 },
};

#define CPU(member) .offset = offsetof(struct cpu_reading, member)

static const struct field cpu_fields[] = {
	{ "cpu", FIELD_INT, CPU(cpu) },
	{ "mperf_ratio", FIELD_RATIO, CPU(mperf_ratio) },
	{ "at_monotonic_ns", FIELD_U64, CPU(at_ns) },
	{ "mperf_cycles", FIELD_U64, CPU(mperf_cycles) },
	{ "window_ns", FIELD_U64, CPU(window_ns) },
	{ "window_mperf_cycles", FIELD_U64, CPU(window_mperf_cycles) },
	{ "idle_ns", FIELD_U64, CPU(idle_ns) },
	{ "idle_mperf_cycles", FIELD_U64, CPU(idle_mperf_cycles) },
	{ 0 },
};

static void *add_vm(struct snapshot *snap)
{
	return snapshot__add_vm(snap);
}

static void *add_vcpu(struct snapshot *snap)
{
	return snapshot__add_vcpu(snap);
}

static void *add_cpu(struct snapshot *snap)
{
	return snapshot__add_cpu(snap);
}

/* The vCPU of the stints is in its own member, so the reference made here is dropped. */
static void *add_stints(struct snapshot *snap)
{
	struct vcpu_reading unused;

	return snapshot__add_stints(snap, &unused);
}

static int compare_vms(const void *left, const void *right)
{
	const struct vm_reading *a = left, *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static int compare_vcpus(const void *left, const void *right)
{
	return vcpu_reading__compare(left, right);
}

static int compare_cpus(const void *left, const void *right)
{
	const struct cpu_reading *a = left, *b = right;

	return (a->cpu > b->cpu) - (a->cpu < b->cpu);
}

static const struct field_list vm_list = {
	.members = vm_fields,
	.element_size = sizeof(struct vm_reading),
	.cnt_offset = offsetof(struct snapshot, vm_cnt),
	.add = add_vm,
	.compare = compare_vms,
};

static const struct field_list vcpu_list = {
	.members = vcpu_fields,
	.element_size = sizeof(struct vcpu_reading),
	.cnt_offset = offsetof(struct snapshot, vcpu_cnt),
	.add = add_vcpu,
	.compare = compare_vcpus,
};

static const struct field_list cpu_list = {
	.members = cpu_fields,
	.element_size = sizeof(struct cpu_reading),
	.cnt_offset = offsetof(struct snapshot, cpu_cnt),
	.add = add_cpu,
	.compare = compare_cpus,
};

static const struct field_list stint_list = {
	.members = stint_fields,
	.element_size = sizeof(struct stint_reading),
	.cnt_offset = offsetof(struct snapshot, stint_cnt),
	.add = add_stints,
};

#define SNAPSHOT(member) .offset = offsetof(struct snapshot, member)

const struct field recording_snapshot_fields[] = {
	{ "clock", FIELD_OBJECT, SNAPSHOT(clock), .members = clock_fields },
	{ "mode", FIELD_MODE, SNAPSHOT(mode) },
	{ "mperf_ratio", FIELD_RATIO, SNAPSHOT(mperf_ratio) },
	{ "pinned", FIELD_BOOL, SNAPSHOT(pinned), .optional = true },
	{ "host_halts", FIELD_BOOL, SNAPSHOT(host_halts), .optional = true },
	{ "online_cpus", FIELD_U32, SNAPSHOT(online_cpu_cnt), .optional = true },
	{ "health", FIELD_OBJECT, SNAPSHOT(health), .members = health_fields },
	{ "vms", FIELD_LIST, SNAPSHOT(vms), .list = &vm_list },
	{ "vcpus", FIELD_LIST, SNAPSHOT(vcpus), .list = &vcpu_list },
	{ "cpus", FIELD_LIST, SNAPSHOT(cpus), .list = &cpu_list, .optional = true },
	{ "has_stints", FIELD_BOOL, SNAPSHOT(has_stints), .optional = true },
	{ "stints", FIELD_LIST, SNAPSHOT(stints), .list = &stint_list, .optional = true },
	{ 0 },
};

#define HEADER_TEXT(member)                                                                        \
	FIELD_TEXT, .offset = offsetof(struct recording_header, member), .optional = true,         \
		    .size = sizeof(((struct recording_header *)NULL)->member)

const struct field recording_header_fields[] = {
	{ "gtimehalt_version", HEADER_TEXT(gtimehalt_version) },
	{ "kernel_release", HEADER_TEXT(kernel_release) },
	{ "mode", FIELD_MODE, .offset = offsetof(struct recording_header, mode) },
	{ "window_hook", HEADER_TEXT(window_hook) },
	{ "stint_hook", HEADER_TEXT(stint_hook) },
	{ "mperf_ratio", FIELD_RATIO, .offset = offsetof(struct recording_header, mperf_ratio),
	  .optional = true },
	{ 0 },
};
