/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the payload's three parts: payload.c parses the options and waits, vmm.c runs the
 * vCPUs, report.c converts the guests' logs to JSON.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "guest.h"

#define MAX_VMS   16
#define MAX_TOTAL 64 /* vCPUs of all VMs */
#define MAX_MARKS 65

struct options {
	unsigned int vms, vcpus; /* vcpus: per VM */
	double busy_pct[MAX_TOTAL];
	int pin[MAX_TOTAL]; /* -1: not pinned */
	uint64_t period_us;
	/*
	 * all vCPUs follow the first turn_cnt of busy_pct, each for turn_us; 0: one for each
	 * vCPU
	 */
	uint64_t turn_us;
	unsigned int turn_cnt;
	enum guest_mode mode;
	enum guest_idle idle;
	bool passthrough;
	uint64_t vmm_sleep_us; /* the VMM sleeps this long at each exit between two halts */
	struct {
		uint64_t us, count;
	} halts[MAX_HALT_GROUPS];
	unsigned int halt_groups;
	enum guest_exit exit_kind;
	uint64_t exit_count, exit_rounds;
	int read_msr; /* -1: none */
	uint64_t seconds_ms;
	const char *name, *thread_name;
	const char *report, *ready;
	bool hold, linger;
	bool in_turn; /* one thread runs the VMs one after the other */
	uint64_t log_entries;
};

struct clock_pair {
	uint64_t tsc, ns; /* host TSC and CLOCK_MONOTONIC at the same time */
};

/* A round of --exits began or ended. */
struct mark {
	uint64_t ns, exits, msr;
};

struct vm {
	int fd;
	uint8_t *mem;
	size_t mem_sz;
};

struct session;

struct vcpu {
	struct session *session;
	struct vm *vm;
	unsigned int vm_idx, id;
	int fd, msr_fd;
	struct kvm_run *run;
	size_t run_sz;
	struct guest_cpu *guest; /* in the VM's memory */
	pthread_t thread;
	bool started;
	pid_t tid;
	int pin;
	double busy_pct;
	uint64_t host_tsc[2][SYNC_PROBES]; /* host TSC at each probe in guest_cpu.sync */
	unsigned int probes[2];
	struct mark marks[MAX_MARKS];
	unsigned int mark_cnt;
	int64_t waited_ns; /* time runnable but not running, by schedstat; -1: unknown */
	bool complete;     /* the guest has finished its log */
	uint64_t slept_ns; /* because of --vmm-sleep-us, by the VMM's clock */
};

struct session {
	const struct options *opts;
	int kvm_fd;
	uint64_t disabled_exits;
	uint64_t tsc_khz;
	struct vm vms[MAX_VMS];
	struct vcpu vcpus[MAX_TOTAL];
	unsigned int vcpu_cnt;
	unsigned int thread_cnt; /* threads that run vCPUs */
	struct clock_pair begin, end;

	int event_fd; /* readable when ready, done or failed has changed */
	/* Protected by the lock; `changed` is signalled when go or stop changes. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct progress {
		unsigned int ready, done, failed;
	} progress;
	bool go, stop;
};

/* vmm.c. Functions return 0, or -errno after printing a message. */
int session__open(struct session *s, const struct options *opts);
int session__start(struct session *s);
/* Begins and ends the duty of all vCPUs, including those that are not ready yet. */
void session__go(struct session *s);
void session__stop(struct session *s);
/* With --in-turn: ends the duty of one vCPU; its thread goes on with the next one. */
void session__end_turn(struct session *s, unsigned int turn);
struct progress session__progress(struct session *s);
/* Joins the threads; interrupts those that do not end by themselves. */
void session__join(struct session *s);
void session__close(struct session *s);

/* report.c */
struct clock_pair clock_pair__now(void);
int report__write(const struct session *s, FILE *out);

#endif /* PAYLOAD_H */
