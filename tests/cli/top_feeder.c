// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * top_feeder - the full screen with simulated reports, without root and KVM, set up as the tool
 * does it. tests/cli/top.bats drives it with keys.
 *
 *	top_feeder [CASE]	CASE: few (default), many, switch, none, failing
 *
 * Each SIGUSR1 ends an interval. Nothing happens by itself, so that a test knows what is on the
 * screen.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "base/log.h"
#include "top/top.h"

#define S          1000000000ULL
#define START_NS   (1763908000ULL * S)
#define VM_MAX     300
#define VCPUS_MAX  4
#define PER_MILLE  1000
#define ENTRIES(n) ((n)*37ULL)

struct feeder {
	const char *name; /* of the case */
	struct report report;
	struct vm_report vms[VM_MAX];
	struct vcpu_report vcpus[VM_MAX * VCPUS_MAX];
	char names[VM_MAX][16];
	struct top *top;
	int signal_fd;
};

/* Shares in thousandths of a vCPU's wall time; the rest is blocked. */
struct shares {
	unsigned int halted, busy, host, wait;
};

static struct metrics metrics_of(const struct report *report, struct shares shares)
{
	__u64 unit_ns = report->interval_ns / PER_MILLE;
	__u64 halted_ns = shares.halted * unit_ns, busy_ns = shares.busy * unit_ns;
	__u64 host_ns = shares.host * unit_ns, wait_ns = shares.wait * unit_ns;
	struct metrics metrics = { 0 };
	__u64 *value = metrics.value;

	value[METRIC_WALL_NS] = report->interval_ns;
	value[METRIC_HALTED_NS] = halted_ns;
	value[METRIC_BUSY_NS] = busy_ns;
	value[METRIC_GUEST_NS] = halted_ns + busy_ns;
	value[METRIC_HOST_NS] = host_ns;
	value[METRIC_LOADED_NS] = halted_ns + busy_ns + host_ns;
	value[METRIC_WAIT_NS] = wait_ns;
	value[METRIC_BLOCKED_NS] =
		report->interval_ns - value[METRIC_LOADED_NS] - value[METRIC_WAIT_NS];
	value[METRIC_IDLE_NS] = halted_ns + value[METRIC_BLOCKED_NS];
	value[METRIC_ENTRY_CNT] = ENTRIES(shares.busy + shares.halted);
	if (report->mode == MODE_SWITCH) {
		value[METRIC_BUSY_NS] = value[METRIC_GUEST_NS] = METRIC_UNKNOWN;
		value[METRIC_HOST_NS] = value[METRIC_ENTRY_CNT] = METRIC_UNKNOWN;
	}
	return metrics;
}

static void add_vm(struct report *report, pid_t pid, __u64 vm_id, const char *name)
{
	report->vms[report->vm_cnt++] = (struct vm_report){
		.pid = pid,
		.vm_id = vm_id,
		.name = name,
		.vcpus = report->vcpus + report->vcpu_cnt,
	};
}

/* Adds a vCPU to the VM that was added last. */
static void add_vcpu(struct report *report, struct shares shares)
{
	struct vm_report *vm = &report->vms[report->vm_cnt - 1];
	struct vcpu_report *vcpu = &report->vcpus[report->vcpu_cnt++];

	*vcpu = (struct vcpu_report){
		.tid = vm->pid + 10 * (pid_t)vm->vm_id + (pid_t)vm->vcpu_cnt + 1,
		.vcpu_id = (__u32)vm->vcpu_cnt++,
		.metrics = metrics_of(report, shares),
	};
	for (int i = 0; i < METRIC_CNT; i++) {
		if (vcpu->metrics.value[i] == METRIC_UNKNOWN)
			vm->metrics.value[i] = METRIC_UNKNOWN;
		else
			vm->metrics.value[i] += vcpu->metrics.value[i];
	}
}

/*
 * Adds VMs with names of all kinds; from the second report on, their order differs from the first.
 */
static void add_few(struct report *report, unsigned int tick)
{
	bool first = tick == 1;

	add_vm(report, 1234, 0, "demo");
	add_vcpu(report, (struct shares){ 980, 12, 8, 0 });
	add_vcpu(report, (struct shares){ 2, 979, 10, 6 });
	add_vm(report, 2200, 0, "web-frontend-production-eu-west-1a-0017");
	add_vcpu(report, (struct shares){ first ? 100 : 800, first ? 800 : 100, 50, 50 });
	add_vcpu(report, (struct shares){ 250, 250, 250, 250 });
	add_vcpu(report, (struct shares){ 0, 600, 0, 400 });
	add_vm(report, 3100, 0, "\xe6\x95\xb0\xe6\x8d\xae\xe5\xba\x93-web");
	add_vcpu(report, (struct shares){ 333, 333, 334, 0 });
	add_vm(report, 4000, 0,
	       "evil\x1b[2J\r\n\xc2\x9b"
	       "31m\xff");
	add_vcpu(report, (struct shares){ 500, 0, 0, 0 });
	add_vm(report, 5000, 0, "no-passthrough");
	add_vcpu(report, (struct shares){ 0, 100, 20, 0 });
	add_vm(report, 6000, 1, "twin");
	add_vcpu(report, (struct shares){ 900, 100, 0, 0 });
	add_vm(report, 6000, 2, "twin");
	add_vcpu(report, (struct shares){ 910, 90, 0, 0 });
	add_vm(report, 7000, 0, "starting");
	for (int i = 0; i < METRIC_CNT; i++)
		report->vms[report->vm_cnt - 1].metrics.value[i] = METRIC_UNKNOWN;
}

static void add_many(struct feeder *f)
{
	for (unsigned int i = 0; i < VM_MAX; i++) {
		snprintf(f->names[i], sizeof(f->names[i]), "vm-%03u", i);
		add_vm(&f->report, 10000 + 10 * (pid_t)i, 0, f->names[i]);
		for (unsigned int j = 0; j < VCPUS_MAX; j++)
			add_vcpu(&f->report, (struct shares){ i + j, 500 - i, j, 0 });
	}
}

static void add_failures(struct feeder *f, unsigned int tick)
{
	if (tick == 1) {
		f->report.health = (struct health){ 3, 1, 2, 0, 0 };
		f->report.mperf_ratio = 0.97;
		f->report.vcpus[0].metrics.value[METRIC_CLAMPED_NS] = S / 100;
		f->report.vcpus[1].metrics.value[METRIC_UNMEASURED_NS] = 1234567;
	} else {
		pr_warn("CPU 3 has gone offline");
	}
}

static void make_report(struct feeder *f, unsigned int tick)
{
	memset(f->vms, 0, sizeof(f->vms));
	f->report = (struct report){
		.interval_ns = top__interval_ns(f->top),
		.end.real_ns = START_NS + tick * S,
		.mode = !strcmp(f->name, "switch") ? MODE_SWITCH : MODE_ENTRY,
		.mperf_ratio = 1,
		.vms = f->vms,
		.vcpus = f->vcpus,
	};
	if (!strcmp(f->name, "many"))
		add_many(f);
	else if (strcmp(f->name, "none"))
		add_few(&f->report, tick);
	if (!strcmp(f->name, "failing"))
		add_failures(f, tick);
}

static int open_signals(void)
{
	static const int numbers[] = { SIGINT,  SIGQUIT, SIGTERM,  SIGHUP,
				       SIGTSTP, SIGCONT, SIGWINCH, SIGUSR1 };
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&signals, numbers[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* Returns 1 if the signal ends the program, 0 if it goes on, or -errno. */
static int take_signal(struct feeder *f, unsigned int *tick)
{
	struct signalfd_siginfo signal;

	if (read(f->signal_fd, &signal, sizeof(signal)) < 0)
		return -errno;
	switch (signal.ssi_signo) {
	case SIGUSR1:
		make_report(f, ++*tick);
		return top__show(f->top, &f->report);
	case SIGWINCH:
	case SIGCONT:
		top__redraw(f->top);
		return 0;
	case SIGTSTP:
		top__stop(f->top);
		return 0;
	default:
		return 1;
	}
}

static int run(struct feeder *f)
{
	enum top_event event = TOP_GO_ON;
	unsigned int tick = 0;
	int err = 0;

	while (!err && event != TOP_QUIT) {
		struct pollfd fds[] = {
			{ .fd = f->signal_fd, .events = POLLIN },
			{ .fd = top__fd(f->top), .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0)
			return errno == EINTR ? 0 : -errno;
		if (fds[0].revents)
			err = take_signal(f, &tick);
		if (!err && fds[1].revents)
			err = top__key(f->top, &event);
	}
	return err < 0 ? err : 0;
}

int main(int argc, char **argv)
{
	struct feeder *f = calloc(1, sizeof(*f));
	struct top_opts opts = { .state.interval_ns = S, .hook = "fentry" };
	int err = f ? top__check() : -ENOMEM;

	if (!err) {
		f->name = argc > 1 ? argv[1] : "few";
		f->signal_fd = open_signals();
		err = top__new(&opts, &f->top);
	}
	if (!err) {
		err = run(f);
		top__free(f->top);
	}
	if (f && f->signal_fd > 0)
		close(f->signal_fd);
	free(f);
	return err == -ENOTTY ? 2 : err ? 1 : 0;
}
