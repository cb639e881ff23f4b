// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The payload's VMM: VMs with one memory slot each, in-kernel irqchip, one thread per vCPU, named
 * like QEMU's. It uses only KVM features that exist since about Linux 4.17, so that it runs on 5.10
 * hosts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "payload.h"

#define MAX_CPUID    256
#define KICK_SIGNAL  SIGUSR2
#define JOIN_GRACE_S 3

/* .incbin, so that one file contains both the VMM and its guest. */
asm(".section .rodata\n"
    ".globl guest_image, guest_image_sz\n"
    ".balign 16\n"
    "guest_image: .incbin \"" GUEST_BIN "\"\n"
    "guest_image_end:\n"
    ".balign 8\n"
    "guest_image_sz: .quad guest_image_end - guest_image\n"
    ".previous\n");
extern const uint8_t guest_image[];
extern const uint64_t guest_image_sz;

static size_t align_up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

static int complain(const char *what)
{
	int err = -errno;

	fprintf(stderr, "payload: %s: %s\n", what, strerror(-err));
	return err;
}

static void put64(struct vm *vm, uint64_t gpa, uint64_t value)
{
	memcpy(vm->mem + gpa, &value, sizeof(value));
}

static void put_gate(struct vm *vm, unsigned int vector, uint64_t addr)
{
	uint64_t gate = GUEST_IDT + 16 * vector;

	/* An interrupt gate: present, type 14, interrupts off in the handler. */
	put64(vm, gate,
	      (addr & 0xffff) | GUEST_CS << 16 | 0x8eULL << 40 | (addr >> 16 & 0xffff) << 48);
	put64(vm, gate + 8, addr >> 32);
}

static void lay_out_memory(struct vm *vm)
{
	struct guest_header header;

	memcpy(vm->mem + GUEST_IMAGE, guest_image, guest_image_sz);
	memcpy(&header, guest_image, sizeof(header));

	put64(vm, GUEST_PML4, GUEST_PDPT | 3); /* present, writable */
	put64(vm, GUEST_PDPT, GUEST_PD | 3);
	for (uint64_t i = 0; i < 512; i++)
		put64(vm, GUEST_PD + 8 * i, i << 21 | 0x83); /* the same, 2 MiB pages */

	put64(vm, GUEST_GDT + GUEST_CS, 0x00af9b000000ffffULL);
	put64(vm, GUEST_GDT + GUEST_DS, 0x00cf93000000ffffULL);

	for (unsigned int i = 0; i < VECTOR_FAULTS; i++)
		put_gate(vm, i, header.faults + i * FAULT_STUB_SZ);
	put_gate(vm, VECTOR_TIMER, header.timer);
	put_gate(vm, VECTOR_KICK, header.kick);
	put_gate(vm, VECTOR_SPURIOUS, header.spurious);
}

/*
 * Enables what QEMU's cpu-pm=on enables, as far as this KVM can: HLT is required, MWAIT needs a CPU
 * that supports it. Only exits that KVM reports as supported are requested, because KVM refuses
 * others.
 */
static int pass_halts_through(struct session *s, struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_DISABLE_EXITS };
	int can = ioctl(s->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_DISABLE_EXITS);

	if (can < 0 || !(can & KVM_X86_DISABLE_EXITS_HLT)) {
		fprintf(stderr, "payload: this KVM cannot pass HLT through\n");
		return -EOPNOTSUPP;
	}
	if (s->opts->idle == GUEST_IDLE_MWAIT && !(can & KVM_X86_DISABLE_EXITS_MWAIT)) {
		fprintf(stderr, "payload: this KVM cannot pass MWAIT through\n");
		return -EOPNOTSUPP;
	}
	cap.args[0] = can & (KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE |
			     KVM_X86_DISABLE_EXITS_MWAIT);
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		return complain("KVM_CAP_X86_DISABLE_EXITS");
	s->disabled_exits = cap.args[0];
	return 0;
}

static size_t guest_cpu_stride(const struct options *opts)
{
	return align_up(sizeof(struct guest_cpu) + opts->log_entries * sizeof(struct halt_segment),
			4096);
}

static int vm__open(struct session *s, struct vm *vm)
{
	struct kvm_userspace_memory_region slot = { 0 };
	int err;

	vm->fd = ioctl(s->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return complain("KVM_CREATE_VM");
	if (s->opts->passthrough) {
		err = pass_halts_through(s, vm);
		if (err)
			return err;
	}
	/*
	 * VMX without unrestricted guest needs an address for a TSS; on other CPUs this does no
	 * harm.
	 */
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL))
		return complain("KVM_SET_TSS_ADDR");
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return complain("KVM_CREATE_IRQCHIP");

	vm->mem_sz = align_up(GUEST_CPUS + s->opts->vcpus * guest_cpu_stride(s->opts), 1UL << 21);
	vm->mem = mmap(NULL, vm->mem_sz, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm->mem == MAP_FAILED) {
		vm->mem = NULL;
		return complain("guest memory");
	}
	/* Populate the memory, because page faults during the duty would be additional exits. */
	memset(vm->mem, 0, vm->mem_sz);
	slot.memory_size = vm->mem_sz;
	slot.userspace_addr = (uintptr_t)vm->mem;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot))
		return complain("KVM_SET_USER_MEMORY_REGION");
	lay_out_memory(vm);
	return 0;
}

static int set_cpuid(struct session *s, struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid;
	int err = 0;

	cpuid = calloc(1, sizeof(*cpuid) + MAX_CPUID * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = MAX_CPUID;
	if (ioctl(s->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		err = complain("KVM_GET_SUPPORTED_CPUID");
		goto out;
	}
	for (unsigned int i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 1) {
			/*
			 * x2APIC, and TSC-deadline mode, which KVM supports but leaves to the VMM
			 * to announce.
			 */
			e->ecx |= 1 << 21 | 1 << 24;
			e->ebx = (e->ebx & 0x00ffffff) | vcpu->id << 24;
		} else if (e->function == 0xb) {
			e->edx = vcpu->id;
		}
	}
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		err = complain("KVM_SET_CPUID2");
out:
	free(cpuid);
	return err;
}

/*
 * All vCPUs start directly in long mode at guest_main(), application processors too, because nobody
 * sends them a SIPI.
 */
static int set_registers(struct vcpu *vcpu)
{
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	uint64_t guest = GUEST_CPUS + vcpu->id * guest_cpu_stride(vcpu->session->opts);
	struct kvm_segment seg = {
		.limit = 0xffffffff,
		.present = 1,
		.s = 1,
		.g = 1,
		.type = 11,
		.selector = GUEST_CS,
		.l = 1,
	};
	struct kvm_regs regs = { 0 };
	struct kvm_sregs sregs;
	struct guest_header header;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return complain("KVM_GET_SREGS");
	sregs.cs = seg;
	seg.type = 3;
	seg.selector = GUEST_DS;
	seg.l = 0;
	seg.db = 1;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = seg;
	sregs.gs.base = guest;
	sregs.gdt.base = GUEST_GDT;
	sregs.gdt.limit = 3 * 8 - 1;
	sregs.idt.base = GUEST_IDT;
	sregs.idt.limit = 256 * 16 - 1;
	sregs.cr0 = 0x80000031; /* PG NE ET PE */
	sregs.cr3 = GUEST_PML4;
	sregs.cr4 = 0x20;   /* PAE */
	sregs.efer = 0x500; /* LME LMA */
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return complain("KVM_SET_SREGS");

	memcpy(&header, guest_image, sizeof(header));
	regs.rip = header.entry;
	regs.rdi = guest;
	/* The ABI requires RSP to be 8 modulo 16 at the first instruction of a function. */
	regs.rsp = GUEST_STACKS + (vcpu->id + 1) * GUEST_STACK_SZ - 8;
	regs.rflags = 2;
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return complain("KVM_SET_REGS");
	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable))
		return complain("KVM_SET_MP_STATE");
	return 0;
}

static uint64_t us_to_cycles(const struct session *s, uint64_t us)
{
	return us * s->tsc_khz / 1000;
}

static void give_orders(struct session *s, struct vcpu *vcpu)
{
	const struct options *opts = s->opts;
	struct guest_cpu *guest = vcpu->guest;

	guest->mode = opts->mode;
	guest->idle = opts->idle;
	guest->exit_kind = opts->exit_kind;
	guest->period_cycles = us_to_cycles(s, opts->period_us);
	guest->busy_cycles = guest->period_cycles * vcpu->busy_pct / 100;
	guest->turn_cycles = us_to_cycles(s, opts->turn_us);
	guest->turn_cnt = opts->turn_cnt;
	for (unsigned int i = 0; i < opts->turn_cnt; i++)
		guest->turn_busy_cycles[i] = guest->period_cycles * opts->busy_pct[i] / 100;
	guest->exit_count = opts->exit_count;
	guest->exit_rounds = opts->exit_rounds;
	guest->halt_groups = opts->halt_groups;
	for (unsigned int i = 0; i < opts->halt_groups; i++) {
		guest->halts[i].cycles = us_to_cycles(s, opts->halts[i].us);
		guest->halts[i].count = opts->halts[i].count;
	}
	guest->log_cap = opts->log_entries;
}

static int vcpu__open(struct session *s, struct vcpu *vcpu)
{
	int khz, err;

	vcpu->fd = ioctl(vcpu->vm->fd, KVM_CREATE_VCPU, (unsigned long)vcpu->id);
	if (vcpu->fd < 0)
		return complain("KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, vcpu->run_sz, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return complain("mmap of struct kvm_run");
	}
	err = set_cpuid(s, vcpu);
	if (!err)
		err = set_registers(vcpu);
	if (err)
		return err;

	khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	if (khz <= 0)
		return complain("KVM_GET_TSC_KHZ");
	s->tsc_khz = khz;
	vcpu->guest = (void *)(vcpu->vm->mem + GUEST_CPUS + vcpu->id * guest_cpu_stride(s->opts));
	give_orders(s, vcpu);

	if (s->opts->read_msr >= 0) {
		char path[64];

		snprintf(path, sizeof(path), "/dev/cpu/%d/msr", vcpu->pin);
		vcpu->msr_fd = open(path, O_RDONLY | O_CLOEXEC);
		if (vcpu->msr_fd < 0)
			return complain(path);
	}
	return 0;
}

int session__open(struct session *s, const struct options *opts)
{
	int run_sz, err;

	memset(s, 0, sizeof(*s));
	s->opts = opts;
	s->kvm_fd = s->event_fd = -1;
	for (unsigned int i = 0; i < MAX_VMS; i++)
		s->vms[i].fd = -1;
	for (unsigned int i = 0; i < MAX_TOTAL; i++)
		s->vcpus[i].fd = s->vcpus[i].msr_fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);

	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->event_fd < 0)
		return complain("eventfd");
	s->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (s->kvm_fd < 0)
		return complain("/dev/kvm");
	run_sz = ioctl(s->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_sz < 0)
		return complain("KVM_GET_VCPU_MMAP_SIZE");

	s->thread_cnt = opts->in_turn ? 1 : opts->vms * opts->vcpus;
	for (unsigned int m = 0; m < opts->vms; m++) {
		err = opts->in_turn ? 0 : vm__open(s, &s->vms[m]);
		if (err)
			return err;
		for (unsigned int n = 0; n < opts->vcpus; n++) {
			unsigned int i = s->vcpu_cnt++;
			struct vcpu *vcpu = &s->vcpus[i];

			vcpu->session = s;
			vcpu->vm = &s->vms[m];
			vcpu->vm_idx = m;
			vcpu->id = n;
			vcpu->run_sz = run_sz;
			vcpu->pin = opts->pin[i];
			vcpu->busy_pct = opts->busy_pct[i];
			err = opts->in_turn ? 0 : vcpu__open(s, vcpu);
			if (err)
				return err;
		}
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void add_mark(struct vcpu *vcpu)
{
	struct mark *mark = &vcpu->marks[vcpu->mark_cnt];

	if (vcpu->mark_cnt == MAX_MARKS)
		return;
	vcpu->mark_cnt++;
	mark->ns = now_ns();
	mark->exits = vcpu->guest->exits;
	/*
	 * The thread is pinned to this CPU, so that reading needs no IPI and costs the same each
	 * time.
	 */
	if (vcpu->msr_fd >= 0 && pread(vcpu->msr_fd, &mark->msr, sizeof(mark->msr),
				       vcpu->session->opts->read_msr) != sizeof(mark->msr)) {
		complain("reading the MSR");
		vcpu->mark_cnt--;
	}
}

static void notify(struct session *s)
{
	uint64_t one = 1;

	if (write(s->event_fd, &one, sizeof(one)) != sizeof(one))
		complain("eventfd");
}

static void wait_for_go(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	s->progress.ready++;
	notify(s);
	while (!s->go && !s->stop)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void wait_for_stop(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->stop)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/*
 * Sleeps in user mode, with no vCPU loaded, as a VMM does that waits for a device or a lock.
 */
static void sleep_in_vmm(struct vcpu *vcpu)
{
	uint64_t us = vcpu->session->opts->vmm_sleep_us, begin_ns;
	struct timespec ts = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	if (!us)
		return;
	begin_ns = now_ns();
	nanosleep(&ts, NULL);
	vcpu->slept_ns += now_ns() - begin_ns;
}

/* Handles an OUT of the guest. Sets *done when the guest has finished its log. */
static int handle_port(struct vcpu *vcpu, bool *done)
{
	const struct kvm_run *run = vcpu->run;
	const uint8_t *data = (const uint8_t *)run + run->io.data_offset;

	switch (run->io.port) {
	case PORT_FORCE:
		sleep_in_vmm(vcpu);
		return 0;
	case PORT_SYNC: {
		uint64_t now = __rdtsc();
		unsigned int end = *data;

		if (end < 2 && vcpu->probes[end] < SYNC_PROBES)
			vcpu->host_tsc[end][vcpu->probes[end]++] = now;
		return 0;
	}
	case PORT_READY:
		wait_for_go(vcpu->session);
		return 0;
	case PORT_MARK:
		add_mark(vcpu);
		return 0;
	case PORT_DONE:
		*done = true;
		return 0;
	case PORT_FAULT:
		fprintf(stderr, "payload: vm %u vcpu %u: exception %u\n", vcpu->vm_idx, vcpu->id,
			*data);
		return -EFAULT;
	default:
		fprintf(stderr, "payload: vm %u vcpu %u: port %#x?\n", vcpu->vm_idx, vcpu->id,
			run->io.port);
		return -EPROTO;
	}
}

static int run_guest(struct vcpu *vcpu)
{
	bool done = false;
	int err = 0;

	while (!done && !err) {
		if (ioctl(vcpu->fd, KVM_RUN, 0)) {
			if (errno == EAGAIN || (errno == EINTR && !vcpu->run->immediate_exit))
				continue;
			if (errno == EINTR)
				return 0; /* session__join() has given up waiting: not complete */
			return complain("KVM_RUN");
		}
		if (vcpu->run->exit_reason != KVM_EXIT_IO) {
			fprintf(stderr, "payload: vm %u vcpu %u: exit reason %u\n", vcpu->vm_idx,
				vcpu->id, vcpu->run->exit_reason);
			return -EPROTO;
		}
		err = handle_port(vcpu, &done);
	}
	vcpu->complete = done;
	return err;
}

static void name_thread(const struct vcpu *vcpu)
{
	const char *pattern = vcpu->session->opts->thread_name;
	const char *at = strchr(pattern, '%');
	char name[64];

	if (at)
		snprintf(name, sizeof(name), "%.*s%u%s", (int)(at - pattern), pattern, vcpu->id,
			 at + 1);
	else
		snprintf(name, sizeof(name), "%s", pattern);
	prctl(PR_SET_NAME, name);
}

/*
 * Returns how long this thread had to wait for a CPU, so that the tolerance of a test need not be
 * guessed; -1: unknown.
 */
static int64_t waited_ns(void)
{
	FILE *file = fopen("/proc/thread-self/schedstat", "re");
	long long waited = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%*u %lld", &waited) != 1)
		waited = -1;
	fclose(file);
	return waited;
}

static bool is_stopped(struct session *s)
{
	bool stop;

	pthread_mutex_lock(&s->lock);
	stop = s->stop;
	pthread_mutex_unlock(&s->lock);
	return stop;
}

/* Closes the VM; its memory, which holds the guest's log, stays. */
static void close_turn(struct vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->run_sz);
	vcpu->run = NULL;
	close(vcpu->fd);
	close(vcpu->vm->fd);
	vcpu->fd = vcpu->vm->fd = -1;
}

static int run_in_turn(struct session *s, pid_t tid)
{
	int err = vm__open(s, s->vcpus[0].vm);

	for (unsigned int i = 0; !err && i < s->vcpu_cnt && !is_stopped(s); i++) {
		struct vcpu *vcpu = &s->vcpus[i];

		vcpu->tid = tid;
		err = vcpu__open(s, vcpu);
		/* The request to stop may have come before the guest was ready to be stopped. */
		if (!err && is_stopped(s))
			vcpu->guest->stop = 1;
		if (!err)
			err = run_guest(vcpu);
		/*
		 * Open the next VM first, otherwise the kernel might allocate it at the address of
		 * the closed one.
		 */
		if (!err && i + 1 < s->vcpu_cnt)
			err = vm__open(s, vcpu[1].vm);
		if (!err)
			close_turn(vcpu);
	}
	return err;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct session *s = vcpu->session;
	sigset_t kick;
	int err = 0;

	vcpu->tid = syscall(SYS_gettid);
	name_thread(vcpu);
	sigemptyset(&kick);
	sigaddset(&kick, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	if (vcpu->pin >= 0) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(vcpu->pin, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus))
			err = complain("pinning a vCPU");
	}
	if (!err)
		err = s->opts->in_turn ? run_in_turn(s, vcpu->tid) : run_guest(vcpu);
	vcpu->waited_ns = waited_ns();

	pthread_mutex_lock(&s->lock);
	s->progress.done++;
	if (err)
		s->progress.failed++;
	notify(s);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (!err && s->opts->linger)
		wait_for_stop(s);
	return NULL;
}

static void on_kick(int signo)
{
	(void)signo; /* its only effect is to interrupt KVM_RUN */
}

int session__start(struct session *s)
{
	struct sigaction action = { .sa_handler = on_kick };

	sigaction(KICK_SIGNAL, &action, NULL);
	s->begin = clock_pair__now();
	for (unsigned int i = 0; i < s->thread_cnt; i++) {
		struct vcpu *vcpu = &s->vcpus[i];
		int err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);

		if (err) {
			errno = err;
			return complain("pthread_create");
		}
		vcpu->started = true;
	}
	return 0;
}

void session__go(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	s->go = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

struct progress session__progress(struct session *s)
{
	struct progress progress;

	pthread_mutex_lock(&s->lock);
	progress = s->progress;
	pthread_mutex_unlock(&s->lock);
	return progress;
}

static void stop_guest(struct vcpu *vcpu)
{
	/* An MSI to one local APIC: physical destination mode, fixed delivery. */
	struct kvm_msi msi = { .address_lo = 0xfee00000 | vcpu->id << 12, .data = VECTOR_KICK };

	if (!vcpu->guest)
		return;
	vcpu->guest->stop = 1;
	/* Wakes up a vCPU from its HLT; if this fails, the vCPU's timer does. */
	ioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi);
}

void session__end_turn(struct session *s, unsigned int turn)
{
	stop_guest(&s->vcpus[turn]);
}

void session__stop(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	for (unsigned int i = 0; i < s->vcpu_cnt; i++)
		stop_guest(&s->vcpus[i]);
}

void session__join(struct session *s)
{
	unsigned int started = 0;
	struct timespec until;

	for (unsigned int i = 0; i < s->vcpu_cnt; i++)
		started += s->vcpus[i].started;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JOIN_GRACE_S;
	pthread_mutex_lock(&s->lock);
	while (s->progress.done < started &&
	       pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&s->lock);

	for (unsigned int i = 0; i < s->vcpu_cnt; i++) {
		struct vcpu *vcpu = &s->vcpus[i];

		if (!vcpu->started)
			continue;
		if (vcpu->run)
			vcpu->run->immediate_exit = 1;
		pthread_kill(vcpu->thread, KICK_SIGNAL);
		pthread_join(vcpu->thread, NULL);
		vcpu->started = false;
	}
	s->end = clock_pair__now();
}

void session__close(struct session *s)
{
	for (unsigned int i = 0; i < s->vcpu_cnt; i++) {
		struct vcpu *vcpu = &s->vcpus[i];

		if (vcpu->run)
			munmap(vcpu->run, vcpu->run_sz);
		if (vcpu->msr_fd >= 0)
			close(vcpu->msr_fd);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
	}
	for (unsigned int i = 0; i < MAX_VMS; i++) {
		if (s->vms[i].mem)
			munmap(s->vms[i].mem, s->vms[i].mem_sz);
		if (s->vms[i].fd >= 0)
			close(s->vms[i].fd);
	}
	if (s->kvm_fd >= 0)
		close(s->kvm_fd);
	if (s->event_fd >= 0)
		close(s->event_fd);
}
