// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs of gtimehalt.bpf.c, and raw tracepoint programs that call those parts of it that the
 * kernel cannot test-run: the kprobe at the load of a vCPU, and the hook in the idle task. The vCPU
 * is just memory.
 */
#include "gtimehalt.bpf.c"

#define FAKE_VCPU_SIZE (64 * 1024)

struct fake_vcpu {
	__u8 bytes[FAKE_VCPU_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fake_vcpu);
} fake_vcpus SEC(".maps");

static __always_inline struct fake_vcpu *fake_vcpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&fake_vcpus, &zero);
}

/* The cost of the clock and of calling a program. */
SEC("?raw_tp")
int native_nothing(void *ctx)
{
	return 0;
}

/* Makes the calling thread the one that runs the vCPU. */
SEC("?raw_tp")
int native_adopt(void *ctx)
{
	struct fake_vcpu *vcpu = fake_vcpu();
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 at = bpf_core_field_offset(struct kvm_vcpu, pid);

	if (!vcpu || at > FAKE_VCPU_SIZE - sizeof(__u64))
		return 1;
	*(__u64 *)(vcpu->bytes + at) = (__u64)BPF_CORE_READ(task, thread_pid);
	return 0;
}

SEC("?raw_tp")
int native_load(void *ctx)
{
	struct fake_vcpu *vcpu = fake_vcpu();

	if (vcpu)
		window_load((void *)vcpu, (void *)bpf_get_current_task(), 0);
	return 0;
}

/* Runs in the idle task, on the CPU that the thread has left. */
SEC("?raw_tp")
int native_idle(void *ctx)
{
	struct cpu_slot *slot = this_slot();
	struct counter_reading r;

	if (slot->idle_state != IDLE_WANTED)
		return 0;
	read_counters(&r);
	window_idle(slot, &r);
	/* As if it had slept. */
	slot->switch_cnt--;
	return 0;
}
