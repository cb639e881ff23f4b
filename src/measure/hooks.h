/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hooks - plans which BPF program is attached where. The plan is data: made from what host found,
 * and carried out by bpf_loader. Pure.
 */
#ifndef HOOKS_H
#define HOOKS_H

#include <stddef.h>
#include "report/snapshot.h"

struct host;

/*
 * The kinds of hook for guest spans. All but HOOK_TRACEPOINT are exact on every kernel that has
 * them.
 */
enum hook {
	HOOK_AUTO,
	HOOK_FENTRY, /* fentry and fexit on the vendor's run function */
	/*
	 * kprobes on the functions that KVM calls around the entry; or, where KVM has no such
	 * functions, a kprobe and a kretprobe on the run function. Exact too, but more expensive.
	 */
	HOOK_KPROBE,
	/*
	 * Both ends of KVM's vcpu_enter_guest(), which most compilers inline. KVM's work around the
	 * entry counts as guest time too. For kernels whose run function has another name.
	 */
	HOOK_ENTER_GUEST,
	/*
	 * The raw tracepoints kvm_entry and kvm_exit: the cheapest hook, and the best where they
	 * are exact (host.has_exact_tracepoints). Elsewhere KVM's work after an exit may count as
	 * guest time.
	 */
	HOOK_TRACEPOINT,
	HOOK_CNT,
};

enum attach_by {
	ATTACH_FENTRY, /* fentry or fexit, by BTF */
	ATTACH_KPROBE,
	ATTACH_KRETPROBE,
	ATTACH_RAW_TRACEPOINT,
	ATTACH_ITERATOR, /* over the objects that the program names */
};

struct hook_point {
	const char *program; /* in gtimehalt.bpf.c */
	enum attach_by by;
	const char *target; /* function, tracepoint or kind of object */
};

/* Switches for the whole host. While one is off, programs of its kind do not run. */
enum hook_switch {
	HOOK_SWITCH_FTRACE, /* fentry, fexit, and kprobes at the beginning of a function */
	HOOK_SWITCH_KPROBES,
	HOOK_SWITCH_CNT,
};

/* The kvm module and its vendor's module. */
#define HOOK_MODULE_CNT 2

/* Conditions for the attached programs to run. */
struct hook_needs {
	bool switches[HOOK_SWITCH_CNT];
	/* Modules of the functions in the plan; `instance` changes each time a module is loaded. */
	struct {
		char name[16];  /* empty: none */
		__u64 instance; /* 0: built in, or unknown */
	} modules[HOOK_MODULE_CNT];
};

#define HOOK_POINTS_MAX 7

struct hook_plan {
	/*
	 * In the order of attachment: the hook for the end of a span is always attached before that
	 * for its beginning.
	 */
	struct hook_point points[HOOK_POINTS_MAX];
	size_t point_cnt;
	const char *window_hook; /* name, for display */
	const char *stint_hook;  /* NULL: none */
	struct hook_needs needs; /* without instances: hook_watch__find_modules() sets them */
};

/*
 * Returns "fentry", "kprobe", "vcpu_enter_guest", "tracepoint" or "auto"; NULL for any other value.
 */
const char *hook__name(enum hook hook);

/*
 * Plans the hooks that a mode needs on this host. Uses `wanted` unless it is HOOK_AUTO.
 * Returns 0, or -EOPNOTSUPP, logged, when the host does not have the wanted hook.
 */
int hooks__plan(const struct host *host, enum measure_mode mode, enum hook wanted,
		struct hook_plan *plan);

/* Adds to a plan the hooks of a measurement that continues without a process. */
void hooks__plan_pinned(struct hook_plan *plan);

#endif /* HOOKS_H */
