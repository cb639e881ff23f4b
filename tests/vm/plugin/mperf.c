// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QEMU TCG plugin that gives the test bed's L1 kernel the IA32_MPERF that TCG lacks.
 *
 * TCG implements SVM, so that a stock kernel runs KVM in it, but CPUID.06H:ECX[0] is clear and MSRs
 * 0xE7/0xE8 read as 0. This plugin emulates both: a callback before each CPUID, RDMSR and WRMSR
 * writes the result into the registers and moves the PC past the instruction. Everything above that
 * is unmodified: the kernel's msr PMU, perf, BPF, KVM.
 *
 * MPERF counts while a CPU is in C0. QEMU reports when an L1 CPU's thread goes to sleep in HLT and
 * when it wakes up, so C0 cycles are TSC cycles minus those slept, and MPERF is a configurable
 * fraction of these. A nested guest (L2) halts on the same path if HLT is passed through, and this
 * makes its halts visible to MPERF, as on silicon.
 *
 * Only L1 may see any of this. KVM has to intercept L2's RDMSR and CPUID, but a callback runs
 * before TCG checks intercepts. Therefore `nested` is set before VMRUN, and cleared before the
 * instruction after VMRUN, at which every #VMEXIT resumes L1. That instruction is identified by its
 * location in host memory instead of its address, because L2 may run the same kernel at the same
 * addresses. Limitation: an L2 to which KVM passes MPERF through (KVM_X86_DISABLE_EXITS_APERFMPERF)
 * reads 0.
 *
 * In a virtual VM (-icount) all clocks are QEMU's virtual clock. QEMU then reports neither when a
 * CPU goes idle nor when it resumes; the HLT instruction, and the interrupt or #VMEXIT after it,
 * are used instead.
 *
 * Arguments: count=on      count executed instructions (slower; not in a virtual VM)
 *            where=FILE    also count kernel instructions by address; see MSR_BED_WHERE below
 *            ratio=DECIMAL MPERF rate over TSC rate at boot, 0 to 2; with 0, MPERF does not count
 *            wanted=on     value of MSR_BED_WANTED: an L1 that waits in a snapshot continues
 *
 * Needs QEMU 11.1 or later (plugin API 7). Debian has no package with qemu-plugin.h, so that what
 * is used of it is declared here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define EXPORT                  __attribute__((visibility("default")))
#define PLUGIN_API_VERSION      7
#define PLUGIN_CB_NO_REGS       0
#define PLUGIN_CB_RW_REGS_PC    3
#define PLUGIN_INLINE_ADD_U64   0
#define PLUGIN_DISCON_INTERRUPT 1

#define MSR_IA32_MPERF 0xe7
#define MSR_IA32_APERF 0xe8

/*
 * MSRs of this plugin, for L1 only, per L1 CPU, through /dev/cpu/N/msr. Any other unknown MSR reads
 * as 0 in TCG, so _ID shows whether the plugin is present. tests/vm/lib/msr.bash defines the names
 * for the tests.
 */
#define MSR_BED_ID       0x6d706600 /* MSR_BED_ID_VALUE */
#define MSR_BED_INSNS    0x6d706601 /* instructions executed, including L2's; 0 unless count=on */
#define MSR_BED_STOLEN   0x6d706602 /* TSC cycles in C0 during which the thread waited for a core */
#define MSR_BED_HALTED   0x6d706603 /* TSC cycles halted, independent of _RATE */
#define MSR_BED_RATE     0x6d706604 /* read-write: MPERF over TSC rate in parts per million */
#define MSR_BED_TSC      0x6d706605 /* TSC, because MSR 0x10 reads as 0 in TCG */
#define MSR_BED_WHERE    0x6d706606 /* write 0: reset; 1: write where=FILE, "ADDRESS COUNT" lines */
#define MSR_BED_WANTED   0x6d706607 /* 1: a run has restored this L1, which waits for that */
#define MSR_BED_ID_VALUE 0x6d70657266ULL

#define CPUID_POWER_LEAF           6
#define CPUID_POWER_EAX_ARAT       0x4
#define CPUID_POWER_ECX_APERFMPERF 0x1

#define PPM             1000000U
#define RATE_MAX_PPM    (2 * PPM)
#define NSEC_PER_SEC    1000000000LL
#define GUEST_PAGE_MASK 0xfffULL

/*
 * The number of blocks of kernel code with a counter of their own; further ones are counted at
 * address 0.
 */
#define WHERE_PLACES (1U << 18)
#define KERNEL_BEGIN 0xffff800000000000ULL

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;
struct qemu_plugin_scoreboard;

typedef uint64_t qemu_plugin_id_t;
typedef void (*vcpu_cb_t)(unsigned int vcpu, void *udata);
typedef void (*tb_trans_cb_t)(struct qemu_plugin_tb *tb, void *udata);
typedef void (*discon_cb_t)(unsigned int vcpu, int type, uint64_t from_pc, uint64_t to_pc,
			    void *udata);

typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

struct qemu_plugin_reg_descriptor {
	struct qemu_plugin_register *handle;
	const char *name;
	const char *feature;
	bool is_readonly;
};

struct qemu_info {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus;
		int max_vcpus;
	} system;
};

void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, vcpu_cb_t cb, void *udata);
void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t id, vcpu_cb_t cb, void *udata);
void qemu_plugin_register_vcpu_resume_cb(qemu_plugin_id_t id, vcpu_cb_t cb, void *udata);
void qemu_plugin_register_vcpu_discon_cb(qemu_plugin_id_t id, int type, discon_cb_t cb,
					 void *udata);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb_t cb, void *udata);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, vcpu_cb_t cb, int flags,
					    void *udata);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, int op,
						       qemu_plugin_u64 entry, uint64_t imm);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
uint64_t qemu_plugin_u64_get(qemu_plugin_u64 entry, unsigned int vcpu);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
GArray *qemu_plugin_get_registers(void);
bool qemu_plugin_read_register(struct qemu_plugin_register *handle, GByteArray *buf);
bool qemu_plugin_write_register(struct qemu_plugin_register *handle, GByteArray *buf);
void qemu_plugin_set_pc(uint64_t vaddr);

/*
 * Internal functions of QEMU, not part of the plugin API; Debian's build exports them for QEMU's
 * modules. The virtual clock of -icount is in nanoseconds, and L1's TSC is that clock plus a
 * constant.
 */
struct CPUState;
extern int use_icount;
extern __thread struct CPUState *current_cpu;
void icount_update(struct CPUState *cpu);
int64_t icount_get(void);
void cpu_exit(struct CPUState *cpu);
int64_t qemu_clock_get_ns(int clock);
void timer_init_full(void *timer, void *timer_list_group, int clock, int scale, int attributes,
		     void (*cb)(void *opaque), void *opaque);
void timer_mod_ns(void *timer, int64_t expire_ns);

#define QEMU_CLOCK_VIRTUAL 1
#define QEMU_TIMER_SIZE    256 /* more than sizeof(QEMUTimer) */

/*
 * With -icount, QEMU runs the CPUs in turns. Each turn lasts until the next timer is due, which can
 * be milliseconds. For the waiting CPUs, the clock then jumps by that time between two
 * instructions, such as reads of TSC and MPERF. While several CPUs are busy, a timer of this plugin
 * limits the turns.
 */
#define TURNS_NS 100000

EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

enum reg_id {
	GUEST_RAX,
	GUEST_RBX,
	GUEST_RCX,
	GUEST_RDX,
	GUEST_CNT
};

static const char *const reg_names[GUEST_CNT] = {
	[GUEST_RAX] = "rax",
	[GUEST_RBX] = "rbx",
	[GUEST_RCX] = "rcx",
	[GUEST_RDX] = "rdx",
};

/*
 * One L1 CPU. QEMU runs each CPU on its own thread (-accel tcg,thread=multi), or all in turn on one
 * thread. All callbacks for a CPU are called on its thread, so that no locks are needed.
 */
struct cpu {
	struct CPUState *state; /* QEMU's object for this CPU */
	struct qemu_plugin_register *regs[GUEST_CNT];
	bool nested; /* between VMRUN and #VMEXIT: L2 executes */
	bool idle;

	uint64_t start_tsc;
	uint64_t idle_start_tsc;
	uint64_t halted_tsc;

	/*
	 * Run-queue delay of the thread: the time that the machine below has taken from this CPU.
	 */
	int schedstat_fd;
	uint64_t idle_start_delay_ns;
	uint64_t idle_delay_ns;

	/* MPERF = mperf_base + (C0 cycles since mperf_base_c0) * rate. */
	uint64_t mperf_base;
	uint64_t mperf_base_c0;
	uint32_t rate_ppm;

	uint64_t *where_base; /* counts at the last reset; NULL: zeros */
};

/* Instructions by address: a counter for each address at which a block of kernel code begins. */
struct where {
	const char *path; /* NULL: off */
	struct qemu_plugin_scoreboard *score;
	GHashTable *places; /* address to index; protected by plugin.lock */
	uint64_t *addresses;
	unsigned int place_cnt;
};

/*
 * A global, because callbacks get one pointer only, which instruction callbacks need for the next
 * PC.
 */
static struct plugin {
	struct cpu *cpus;
	unsigned int cpu_cnt;
	uint32_t boot_rate_ppm;
	bool count;
	bool is_wanted;
	qemu_plugin_u64 insns;
	struct where where;
	uint64_t start_tsc;
	int64_t start_mono_ns;

	_Alignas(max_align_t) char turn_timer[QEMU_TIMER_SIZE];
	bool is_turn_timer_set;

	cpu_set_t cores; /* for QEMU's other threads */
	unsigned int pinned_cnt;
	int pinned[CPU_SETSIZE]; /* cores of L1 CPU 1, 2, ... */

	GMutex lock; /* for vmexit_points and where, because CPUs translate in parallel */
	GHashTable *vmexit_points;
} plugin;

static bool is_virtual(void)
{
	return use_icount;
}

/*
 * Returns L1's TSC, minus a constant. QEMU refuses to read its virtual clock while a CPU executes a
 * block of instructions ("Bad icount read"), because it does not know how much of the block has
 * run. Callbacks are called within a block. Therefore the instructions so far are added first, and
 * the clock is then read as if by no CPU. The error is at most a part of a block.
 */
static uint64_t tsc__now(void)
{
	struct CPUState *cpu = current_cpu;
	int64_t now_ns;

	if (!is_virtual())
		return __rdtsc();
	if (cpu)
		icount_update(cpu);
	current_cpu = NULL;
	now_ns = icount_get();
	current_cpu = cpu;
	return (uint64_t)now_ns;
}

static int64_t clock__now_ns(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts))
		return 0;
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/*
 * CPUs that take turns on one thread share translated blocks, and QEMU 11.1 passes to the callbacks
 * of a block the index of the CPU that translated it. The running CPU is found by QEMU's own
 * pointer instead.
 */
static struct cpu *cpu__get(unsigned int vcpu)
{
	if (is_virtual())
		for (unsigned int i = 0; i < plugin.cpu_cnt; i++)
			if (plugin.cpus[i].state == current_cpu)
				return &plugin.cpus[i];
	g_assert(vcpu < plugin.cpu_cnt);
	return &plugin.cpus[vcpu];
}

static uint64_t cpu__read_reg(const struct cpu *cpu, enum reg_id id)
{
	g_autoptr(GByteArray) buf = g_byte_array_new();
	bool ok = qemu_plugin_read_register(cpu->regs[id], buf);
	uint64_t val = 0;

	g_assert(ok);
	memcpy(&val, buf->data, MIN(buf->len, sizeof(val)));
	return val;
}

static void cpu__write_reg(const struct cpu *cpu, enum reg_id id, uint64_t val)
{
	g_autoptr(GByteArray) buf = g_byte_array_new();
	bool ok;

	g_byte_array_append(buf, (const guint8 *)&val, sizeof(val));
	ok = qemu_plugin_write_register(cpu->regs[id], buf);
	g_assert(ok);
}

static uint64_t cpu__c0_cycles(const struct cpu *cpu)
{
	return tsc__now() - cpu->start_tsc - cpu->halted_tsc;
}

static uint64_t cpu__mperf(const struct cpu *cpu)
{
	uint64_t c0 = cpu__c0_cycles(cpu) - cpu->mperf_base_c0;

	return cpu->mperf_base + (uint64_t)((unsigned __int128)c0 * cpu->rate_ppm / PPM);
}

static void cpu__set_rate(struct cpu *cpu, uint32_t rate_ppm)
{
	cpu->mperf_base = cpu__mperf(cpu);
	cpu->mperf_base_c0 = cpu__c0_cycles(cpu);
	cpu->rate_ppm = rate_ppm;
}

/*
 * Returns field 2 of schedstat (Documentation/scheduler/sched-stats.rst): time spent runnable, but
 * not running. Always 0 in virtual time.
 */
static uint64_t cpu__delay_ns(const struct cpu *cpu)
{
	char text[96];
	ssize_t len;
	char *field;

	if (is_virtual())
		return 0;
	len = pread(cpu->schedstat_fd, text, sizeof(text) - 1, 0);
	g_assert(len > 0);
	text[len] = '\0';
	field = strchr(text, ' ');
	g_assert(field);
	return g_ascii_strtoull(field + 1, NULL, 10);
}

/*
 * Returns the cycles that the scheduler below has taken from this CPU while it was not halted. C0
 * cycles minus CPU time would include other time: a thread that waits for one of QEMU's own locks,
 * after each PAUSE and HLT, does not run either, although nothing was taken from it. The TSC rate
 * is measured over the plugin's lifetime: the clocks at its two ends are read microseconds apart,
 * which no longer matters after a second.
 */
static uint64_t cpu__stolen_cycles(const struct cpu *cpu)
{
	double tsc_per_ns;

	if (is_virtual())
		return 0;
	tsc_per_ns = (double)(tsc__now() - plugin.start_tsc) /
		     (double)(clock__now_ns(CLOCK_MONOTONIC_RAW) - plugin.start_mono_ns);
	return (uint64_t)((double)(cpu__delay_ns(cpu) - cpu->idle_delay_ns) * tsc_per_ns);
}

/*
 * Assigns a core of its own to each L1 CPU except the first, which shares the remaining cores with
 * QEMU's other threads: these wake up often, and would otherwise preempt the CPU under test.
 * Nothing is pinned if there are fewer cores than L1 CPUs. Called on the main thread, whose
 * affinity all other threads inherit.
 */
static void cores__divide(void)
{
	unsigned int core_cnt;

	CPU_ZERO(&plugin.cores);
	if (is_virtual() || sched_getaffinity(0, sizeof(plugin.cores), &plugin.cores))
		return;
	core_cnt = (unsigned int)CPU_COUNT(&plugin.cores);
	if (plugin.cpu_cnt < 2 || core_cnt < plugin.cpu_cnt)
		return;
	for (int core = CPU_SETSIZE - 1; core >= 0 && plugin.pinned_cnt < plugin.cpu_cnt - 1;
	     core--) {
		if (!CPU_ISSET(core, &plugin.cores))
			continue;
		CPU_CLR(core, &plugin.cores);
		plugin.pinned[plugin.pinned_cnt++] = core;
	}
	sched_setaffinity(0, sizeof(plugin.cores), &plugin.cores);
}

/* Pins the calling thread to its CPU's core, with the highest priority there. */
static void cores__take(unsigned int vcpu)
{
	cpu_set_t own;

	if (!vcpu || vcpu > plugin.pinned_cnt)
		return;
	CPU_ZERO(&own);
	CPU_SET(plugin.pinned[vcpu - 1], &own);
	if (sched_setaffinity(0, sizeof(own), &own) || setpriority(PRIO_PROCESS, 0, PRIO_MIN))
		fprintf(stderr, "mperf plugin: cannot give CPU %u a core of its own\n", vcpu);
}

static bool several_are_busy(void)
{
	unsigned int cnt = 0;

	for (unsigned int i = 0; i < plugin.cpu_cnt; i++)
		cnt += plugin.cpus[i].state && !plugin.cpus[i].idle;
	return cnt > 1;
}

static void on_turn_timer(void *opaque)
{
	(void)opaque;
	plugin.is_turn_timer_set = several_are_busy();
	if (plugin.is_turn_timer_set)
		timer_mod_ns(plugin.turn_timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + TURNS_NS);
}

/* Called when a CPU resumes: its current turn may be long. */
static void shorten_turns(void)
{
	if (plugin.is_turn_timer_set || !several_are_busy())
		return;
	plugin.is_turn_timer_set = true;
	timer_mod_ns(plugin.turn_timer, (int64_t)tsc__now() + TURNS_NS);
	cpu_exit(current_cpu);
}

static void on_vcpu_init(unsigned int vcpu, void *udata)
{
	g_autoptr(GArray) regs = qemu_plugin_get_registers();
	struct cpu *cpu = &plugin.cpus[vcpu];

	(void)udata;
	cpu->state = current_cpu;
	for (guint i = 0; i < regs->len; i++) {
		const struct qemu_plugin_reg_descriptor *desc =
			&g_array_index(regs, struct qemu_plugin_reg_descriptor, i);

		for (int id = 0; id < GUEST_CNT; id++)
			if (!strcmp(desc->name, reg_names[id]))
				cpu->regs[id] = desc->handle;
	}
	for (int id = 0; id < GUEST_CNT; id++)
		g_assert(cpu->regs[id]);

	cores__take(vcpu);
	cpu->rate_ppm = plugin.boot_rate_ppm;
	cpu->start_tsc = tsc__now();
	if (is_virtual()) {
		if (vcpu == 0)
			timer_init_full(plugin.turn_timer, NULL, QEMU_CLOCK_VIRTUAL, 1, 0,
					on_turn_timer, NULL);
		return;
	}
	cpu->schedstat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	if (cpu->schedstat_fd < 0)
		g_error("no /proc/thread-self/schedstat: cannot measure stolen time");
	cpu->idle_delay_ns = cpu__delay_ns(cpu);
}

static void on_vcpu_idle(unsigned int vcpu, void *udata)
{
	struct cpu *cpu = cpu__get(vcpu);

	(void)udata;
	cpu->idle = true;
	cpu->idle_start_tsc = tsc__now();
	cpu->idle_start_delay_ns = cpu__delay_ns(cpu);
}

static void on_vcpu_resume(unsigned int vcpu, void *udata)
{
	struct cpu *cpu = cpu__get(vcpu);

	(void)udata;
	if (!cpu->idle)
		return;
	cpu->idle = false;
	cpu->halted_tsc += tsc__now() - cpu->idle_start_tsc;
	cpu->idle_delay_ns += cpu__delay_ns(cpu) - cpu->idle_start_delay_ns;
	if (is_virtual())
		shorten_turns();
}

/* L1 takes an interrupt, or L2 a virtual one: if the CPU was halted, it runs again. */
static void on_interrupt(unsigned int vcpu, int type, uint64_t from_pc, uint64_t to_pc, void *udata)
{
	(void)type;
	(void)from_pc;
	(void)to_pc;
	on_vcpu_resume(vcpu, udata);
}

static void on_rdmsr(unsigned int vcpu, void *next_pc)
{
	struct cpu *cpu = cpu__get(vcpu);
	uint64_t val;

	if (cpu->nested)
		return;

	switch ((uint32_t)cpu__read_reg(cpu, GUEST_RCX)) {
	case MSR_IA32_MPERF:
		val = cpu__mperf(cpu);
		break;
	case MSR_IA32_APERF:
		val = cpu__c0_cycles(cpu);
		break;
	case MSR_BED_ID:
		val = MSR_BED_ID_VALUE;
		break;
	case MSR_BED_INSNS:
		val = plugin.count ? qemu_plugin_u64_get(plugin.insns, vcpu) : 0;
		break;
	case MSR_BED_STOLEN:
		val = cpu__stolen_cycles(cpu);
		break;
	case MSR_BED_HALTED:
		val = cpu->halted_tsc;
		break;
	case MSR_BED_RATE:
		val = cpu->rate_ppm;
		break;
	case MSR_BED_WANTED:
		val = plugin.is_wanted;
		break;
	case MSR_BED_TSC:
		val = tsc__now();
		break;
	default:
		return;
	}

	cpu__write_reg(cpu, GUEST_RAX, (uint32_t)val);
	cpu__write_reg(cpu, GUEST_RDX, val >> 32);
	qemu_plugin_set_pc((uint64_t)next_pc);
}

static qemu_plugin_u64 where__counter(unsigned int place)
{
	return (qemu_plugin_u64){ plugin.where.score, place * sizeof(uint64_t) };
}

/* Returns the counter for a block that begins at this address. */
static qemu_plugin_u64 where__place(uint64_t address)
{
	struct where *where = &plugin.where;
	gpointer known;
	unsigned int place;

	g_mutex_lock(&plugin.lock);
	known = g_hash_table_lookup(where->places, (gpointer)address);
	place = GPOINTER_TO_UINT(known);
	if (!known && where->place_cnt < WHERE_PLACES) {
		place = where->place_cnt++;
		where->addresses[place] = address;
		g_hash_table_insert(where->places, (gpointer)address, GUINT_TO_POINTER(place));
	}
	g_mutex_unlock(&plugin.lock);
	return where__counter(place);
}

static void where__reset(unsigned int vcpu)
{
	struct cpu *cpu = cpu__get(vcpu);

	if (!cpu->where_base)
		cpu->where_base = g_new0(uint64_t, WHERE_PLACES);
	for (unsigned int i = 0; i < WHERE_PLACES; i++)
		cpu->where_base[i] = qemu_plugin_u64_get(where__counter(i), vcpu);
}

static void where__write(unsigned int vcpu)
{
	const uint64_t *base = cpu__get(vcpu)->where_base;
	FILE *file = fopen(plugin.where.path, "we");

	if (!file) {
		fprintf(stderr, "mperf plugin: cannot write '%s'\n", plugin.where.path);
		return;
	}
	for (unsigned int i = 0; i < WHERE_PLACES; i++) {
		uint64_t cnt = qemu_plugin_u64_get(where__counter(i), vcpu);

		if (base)
			cnt -= base[i];
		if (cnt)
			fprintf(file, "%" PRIx64 " %" PRIu64 "\n", plugin.where.addresses[i], cnt);
	}
	if (fclose(file))
		fprintf(stderr, "mperf plugin: writing '%s' failed\n", plugin.where.path);
}

static void where__init(void)
{
	plugin.where.score = qemu_plugin_scoreboard_new(WHERE_PLACES * sizeof(uint64_t));
	plugin.where.places = g_hash_table_new(g_direct_hash, g_direct_equal);
	plugin.where.addresses = g_new0(uint64_t, WHERE_PLACES);
	plugin.where.place_cnt = 1; /* 0 is for addresses without a counter */
}

static void on_wrmsr(unsigned int vcpu, void *next_pc)
{
	struct cpu *cpu = cpu__get(vcpu);
	uint32_t msr;
	uint64_t val;

	if (cpu->nested)
		return;
	msr = (uint32_t)cpu__read_reg(cpu, GUEST_RCX);
	if (msr != MSR_BED_RATE && (msr != MSR_BED_WHERE || !plugin.where.path))
		return;

	val = cpu__read_reg(cpu, GUEST_RDX) << 32 | (uint32_t)cpu__read_reg(cpu, GUEST_RAX);
	if (msr == MSR_BED_RATE && val <= RATE_MAX_PPM)
		cpu__set_rate(cpu, val);
	else if (msr == MSR_BED_WHERE && val)
		where__write(vcpu);
	else if (msr == MSR_BED_WHERE)
		where__reset(vcpu);
	qemu_plugin_set_pc((uint64_t)next_pc);
}

static void on_cpuid(unsigned int vcpu, void *next_pc)
{
	struct cpu *cpu = cpu__get(vcpu);

	if (cpu->nested || (uint32_t)cpu__read_reg(cpu, GUEST_RAX) != CPUID_POWER_LEAF)
		return;

	cpu__write_reg(cpu, GUEST_RAX, CPUID_POWER_EAX_ARAT);
	cpu__write_reg(cpu, GUEST_RBX, 0);
	cpu__write_reg(cpu, GUEST_RCX, CPUID_POWER_ECX_APERFMPERF);
	cpu__write_reg(cpu, GUEST_RDX, 0);
	qemu_plugin_set_pc((uint64_t)next_pc);
}

static void on_vmrun(unsigned int vcpu, void *udata)
{
	(void)udata;
	cpu__get(vcpu)->nested = true;
}

static void on_vmexit(unsigned int vcpu, void *udata)
{
	cpu__get(vcpu)->nested = false;
	if (is_virtual())
		on_vcpu_resume(vcpu, udata);
}

/*
 * Returns an instruction's location in host memory, as a key. Host memory is contiguous within a
 * guest page only: for the instruction after a VMRUN at the end of a page, the guest's address has
 * to be used.
 */
static gpointer insn__key(const struct qemu_plugin_insn *insn, size_t offset)
{
	uint64_t vaddr = qemu_plugin_insn_vaddr(insn);
	char *haddr = qemu_plugin_insn_haddr(insn);

	if (!haddr || (vaddr & GUEST_PAGE_MASK) + offset > GUEST_PAGE_MASK)
		return (gpointer)(vaddr + offset);
	return haddr + offset;
}

/*
 * VMRUN ends a translation block, so only the first instruction of a block can be where a #VMEXIT
 * resumes.
 */
static void tb__watch_vmexit(const struct qemu_plugin_tb *tb)
{
	struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
	gpointer vaddr = (gpointer)qemu_plugin_insn_vaddr(first);
	bool is_target;

	g_mutex_lock(&plugin.lock);
	is_target = g_hash_table_contains(plugin.vmexit_points, insn__key(first, 0)) ||
		    g_hash_table_contains(plugin.vmexit_points, vaddr);
	g_mutex_unlock(&plugin.lock);

	if (is_target)
		qemu_plugin_register_vcpu_insn_exec_cb(first, on_vmexit, PLUGIN_CB_NO_REGS, NULL);
}

static void insn__watch_vmrun(struct qemu_plugin_insn *insn, size_t size)
{
	g_mutex_lock(&plugin.lock);
	g_hash_table_add(plugin.vmexit_points, insn__key(insn, size));
	g_mutex_unlock(&plugin.lock);

	qemu_plugin_register_vcpu_insn_exec_cb(insn, on_vmrun, PLUGIN_CB_NO_REGS, NULL);
}

static void insn__instrument(struct qemu_plugin_insn *insn)
{
	static const struct {
		uint8_t bytes[3];
		uint8_t size;
		vcpu_cb_t cb;
	} replaced[] = {
		{ { 0x0f, 0x30 }, 2, on_wrmsr },
		{ { 0x0f, 0x32 }, 2, on_rdmsr },
		{ { 0x0f, 0xa2 }, 2, on_cpuid },
	};
	static const uint8_t vmrun[] = { 0x0f, 0x01, 0xd8 };
	static const uint8_t hlt = 0xf4;
	size_t size = qemu_plugin_insn_size(insn);
	uint8_t bytes[3];

	if (size > sizeof(bytes))
		return;
	qemu_plugin_insn_data(insn, bytes, size);

	if (size == sizeof(hlt) && bytes[0] == hlt && is_virtual()) {
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_vcpu_idle, PLUGIN_CB_NO_REGS, NULL);
		return;
	}

	if (size == sizeof(vmrun) && !memcmp(bytes, vmrun, size)) {
		insn__watch_vmrun(insn, size);
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(replaced); i++) {
		void *next_pc = (void *)(qemu_plugin_insn_vaddr(insn) + size);

		if (size == replaced[i].size && !memcmp(bytes, replaced[i].bytes, size))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, replaced[i].cb,
							       PLUGIN_CB_RW_REGS_PC, next_pc);
	}
}

static void on_tb_trans(struct qemu_plugin_tb *tb, void *udata)
{
	size_t insn_cnt = qemu_plugin_tb_n_insns(tb);
	uint64_t address;

	(void)udata;
	if (!insn_cnt)
		return;
	address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
	/* Counted per block: a block that faults is counted completely, the same each time. */
	if (plugin.count)
		qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, PLUGIN_INLINE_ADD_U64,
								  plugin.insns, insn_cnt);
	if (plugin.where.path && address >= KERNEL_BEGIN)
		qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, PLUGIN_INLINE_ADD_U64,
								  where__place(address), insn_cnt);
	tb__watch_vmexit(tb);
	for (size_t i = 0; i < insn_cnt; i++)
		insn__instrument(qemu_plugin_tb_get_insn(tb, i));
}

static int parse_bool(const char *val, bool *out)
{
	if (!strcmp(val, "on"))
		*out = true;
	else if (!strcmp(val, "off"))
		*out = false;
	else
		return -EINVAL;
	return 0;
}

static int parse_ratio(const char *val, uint32_t *ppm)
{
	char *end;
	double ratio;

	/* g_ascii_strtod() would also accept blanks, signs, hexadecimals, inf and nan. */
	if (!*val || strspn(val, "0123456789.") != strlen(val))
		return -EINVAL;
	ratio = g_ascii_strtod(val, &end);
	if (*end || ratio * PPM > RATE_MAX_PPM)
		return -ERANGE;
	*ppm = (uint32_t)lround(ratio * PPM);
	return 0;
}

static int parse_arg(const char *arg)
{
	const char *val = strchr(arg, '=');
	size_t name_len = val ? (size_t)(val - arg) : strlen(arg);

	if (!val)
		return -EINVAL;
	val++;
	if (name_len == strlen("count") && !strncmp(arg, "count", name_len))
		return parse_bool(val, &plugin.count);
	if (name_len == strlen("wanted") && !strncmp(arg, "wanted", name_len))
		return parse_bool(val, &plugin.is_wanted);
	if (name_len == strlen("where") && !strncmp(arg, "where", name_len)) {
		plugin.where.path = g_strdup(val);
		return 0;
	}
	if (name_len == strlen("ratio") && !strncmp(arg, "ratio", name_len))
		return parse_ratio(val, &plugin.boot_rate_ppm);
	return -EINVAL;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			       char **argv)
{
	if (strcmp(info->target_name, "x86_64") || !info->system_emulation) {
		fprintf(stderr, "mperf plugin: supports only system emulation of x86_64\n");
		return -EINVAL;
	}

	plugin.boot_rate_ppm = PPM;
	for (int i = 0; i < argc; i++) {
		if (parse_arg(argv[i])) {
			fprintf(stderr, "mperf plugin: cannot use argument '%s'\n", argv[i]);
			return -EINVAL;
		}
	}

	/*
	 * Inline counters are selected by the CPU index that is wrong in QEMU 11.1, see cpu__get().
	 */
	if (is_virtual() && (plugin.count || plugin.where.path)) {
		fprintf(stderr, "mperf plugin: cannot count instructions in a virtual VM\n");
		return -EINVAL;
	}
	plugin.cpu_cnt = info->system.max_vcpus;
	plugin.cpus = g_new0(struct cpu, plugin.cpu_cnt);
	cores__divide();
	plugin.vmexit_points = g_hash_table_new(g_direct_hash, g_direct_equal);
	plugin.start_tsc = tsc__now();
	plugin.start_mono_ns = clock__now_ns(CLOCK_MONOTONIC_RAW);
	if (plugin.where.path)
		where__init();
	if (plugin.count)
		plugin.insns.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));

	qemu_plugin_register_vcpu_init_cb(id, on_vcpu_init, NULL);
	if (is_virtual()) {
		qemu_plugin_register_vcpu_discon_cb(id, PLUGIN_DISCON_INTERRUPT, on_interrupt,
						    NULL);
	} else {
		qemu_plugin_register_vcpu_idle_cb(id, on_vcpu_idle, NULL);
		qemu_plugin_register_vcpu_resume_cb(id, on_vcpu_resume, NULL);
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_tb_trans, NULL);
	return 0;
}
