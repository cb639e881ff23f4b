/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hooks - which BPF program goes where. A plan as data: it is made from what host found, and carried
 * out by collector. Pure.
 */
#ifndef HOOKS_H
#define HOOKS_H

#include <stddef.h>
#include "report/snapshot.h"

struct host;

/* How guest spans are seen. All but HOOK_TRACEPOINT are exact on every kernel that has them. */
enum hook {
	HOOK_AUTO,
	HOOK_FENTRY, /* fentry and fexit on the vendor's run function */
	HOOK_KPROBE, /* kprobe and kretprobe there: exact as well, and dearer */
	/*
	 * Both ends of KVM's vcpu_enter_guest(), which most compilers inline: what KVM does around the
	 * entry counts as guest time too. For a kernel whose run function goes by another name.
	 */
	HOOK_ENTER_GUEST,
	/*
	 * The raw tracepoints kvm_entry and kvm_exit: the cheapest, and the best where they are exact
	 * (host.has_exact_tracepoints). Elsewhere what KVM does after an exit may count as guest time.
	 */
	HOOK_TRACEPOINT,
	HOOK_CNT,
};

enum attach_by {
	ATTACH_FENTRY, /* fentry or fexit, by BTF */
	ATTACH_KPROBE,
	ATTACH_KRETPROBE,
	ATTACH_RAW_TRACEPOINT,
	ATTACH_ITERATOR, /* over something that the program names */
};

struct hook_point {
	const char *program; /* in gtimehalt.bpf.c */
	enum attach_by by;
	const char *target; /* function, tracepoint, or what is iterated over */
};

/* Switches of the whole host, without which what is attached does not run. */
enum hook_switch {
	HOOK_SWITCH_FTRACE, /* fentry, fexit, and kprobes at the beginning of a function */
	HOOK_SWITCH_KPROBES,
	HOOK_SWITCH_CNT,
};

/* kvm, and its vendor's module. */
#define HOOK_MODULE_CNT 2

/* On what it depends that the attached programs run. */
struct hook_needs {
	bool switches[HOOK_SWITCH_CNT];
	/* Modules that functions of the plan are in; `instance` tells one loading of a module from the next. */
	struct {
		char name[16];  /* empty: none */
		__u64 instance; /* 0: built in, or not known */
	} modules[HOOK_MODULE_CNT];
};

#define HOOK_POINTS_MAX 7

struct hook_plan {
	/* In the order of attachment: at no moment is something begun whose end goes unseen. */
	struct hook_point points[HOOK_POINTS_MAX];
	size_t point_cnt;
	const char *window_hook; /* names, to be shown */
	const char *stint_hook;  /* NULL: none */
	struct hook_needs needs; /* without instances: hook_watch__find_modules() sets them */
};

/* "fentry", "kprobe", "vcpu_enter_guest", "tracepoint", "auto"; NULL for what is no hook. */
const char *hook__name(enum hook hook);

/*
 * Plans what a mode needs on this host; `wanted` other than HOOK_AUTO is taken as it is.
 * Returns 0, or -EOPNOTSUPP, logged, when the host does not have what is wanted.
 */
int hooks__plan(const struct host *host, enum measure_mode mode, enum hook wanted,
		struct hook_plan *plan);

/* Adds to a plan what a measurement needs that is to go on without a process. */
void hooks__plan_pinned(struct hook_plan *plan);

#endif /* HOOKS_H */
