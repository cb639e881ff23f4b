// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "measure/hooks.h"
#include "measure/host.h"
#include "base/log.h"

static const char *const names[HOOK_CNT] = {
	[HOOK_AUTO] = "auto",
	[HOOK_FENTRY] = "fentry",
	[HOOK_KPROBE] = "kprobe",
	[HOOK_ENTER_GUEST] = "vcpu_enter_guest",
	[HOOK_TRACEPOINT] = "tracepoint",
};

const char *hook__name(enum hook hook)
{
	return (unsigned int)hook < HOOK_CNT ? names[hook] : NULL;
}

static void add(struct hook_plan *plan, const char *program, enum attach_by by, const char *target)
{
#ifdef GTIMEHALT_TEST_DROP_HOOK
	/*
	 * A build for tests, whose missing hook --check must find. "vcpu_load" matches both kinds
	 * of hook.
	 */
	if (strstr(program, GTIMEHALT_TEST_DROP_HOOK))
		return;
#endif
	plan->points[plan->point_cnt++] = (struct hook_point){ program, by, target };
}

/* Adds the hook at the end of the function first, then the one at its beginning. */
static void plan_function(struct hook_plan *plan, bool by_fentry, const char *function)
{
	if (by_fentry) {
		add(plan, "fexit_vcpu_run", ATTACH_FENTRY, function);
		add(plan, "fentry_vcpu_run", ATTACH_FENTRY, function);
	} else {
		add(plan, "kretprobe_vcpu_run", ATTACH_KRETPROBE, function);
		add(plan, "kprobe_vcpu_run", ATTACH_KPROBE, function);
	}
}

static void plan_stints(const struct host *host, enum hook hook, struct hook_plan *plan)
{
	switch (hook) {
	case HOOK_KPROBE:
		/* Two kprobes cost less than a kprobe and a kretprobe. */
		if (host->has_xsave_functions) {
			add(plan, "kprobe_vcpu_exit", ATTACH_KPROBE, HOST_AFTER_EXIT);
			add(plan, "kprobe_vcpu_run", ATTACH_KPROBE, HOST_BEFORE_ENTRY);
			break;
		}
		/* fallthrough */
	case HOOK_FENTRY:
		plan_function(plan, hook == HOOK_FENTRY, host->run_function);
		break;
	case HOOK_ENTER_GUEST:
		/*
		 * A variant that the compiler makes, "vcpu_enter_guest.constprop.0", is a symbol
		 * but not in BTF.
		 */
		plan_function(plan, host->has_module_btf && !strchr(host->enter_guest, '.'),
			      host->enter_guest);
		break;
	default:
		add(plan, "raw_tp_kvm_exit", ATTACH_RAW_TRACEPOINT, "kvm_exit");
		add(plan, "raw_tp_kvm_entry", ATTACH_RAW_TRACEPOINT, "kvm_entry");
		break;
	}
	plan->stint_hook = hook__name(hook);
}

static int check_wanted(const struct host *host, enum hook wanted)
{
	if (wanted == HOOK_FENTRY && !host->has_module_btf) {
		pr_err("--hook fentry needs BTF of kvm (/sys/kernel/btf/kvm), which this kernel "
		       "does not have; use kprobe or tracepoint");
		return -EOPNOTSUPP;
	}
	if (wanted == HOOK_ENTER_GUEST && !host->enter_guest[0]) {
		pr_err("--hook vcpu_enter_guest: kvm has no such function, because the compiler has "
		       "inlined it; omit --hook to use the best hook");
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * Returns the cheapest of the hooks that are exact on this host; gtimehalt(8), OVERHEAD, has the
 * figures.
 */
static enum hook choose(const struct host *host)
{
	if (host->has_exact_tracepoints)
		return HOOK_TRACEPOINT;
	return host->has_module_btf ? HOOK_FENTRY : HOOK_KPROBE;
}

static void set_needs(const struct host *host, struct hook_plan *plan)
{
	struct hook_needs *needs = &plan->needs;

	for (size_t i = 0; i < plan->point_cnt; i++) {
		const struct hook_point *point = &plan->points[i];
		bool by_kprobe = point->by == ATTACH_KPROBE || point->by == ATTACH_KRETPROBE;

		/* A kprobe at the beginning of a function uses ftrace. */
		needs->switches[HOOK_SWITCH_FTRACE] |= by_kprobe || point->by == ATTACH_FENTRY;
		needs->switches[HOOK_SWITCH_KPROBES] |= by_kprobe;
		if (host->run_function && !strcmp(point->target, host->run_function))
			snprintf(needs->modules[1].name, sizeof(needs->modules[1].name), "%s",
				 host->vendor_module);
	}
	snprintf(needs->modules[0].name, sizeof(needs->modules[0].name), "kvm");
}

int hooks__plan(const struct host *host, enum measure_mode mode, enum hook wanted,
		struct hook_plan *plan)
{
	enum hook hook = wanted;
	int err;

	*plan = (struct hook_plan){ 0 };
	err = check_wanted(host, wanted);
	if (err)
		return err;
	if (wanted == HOOK_AUTO)
		hook = choose(host);

	plan->window_hook = hook__name(host->has_module_btf ? HOOK_FENTRY : HOOK_KPROBE);
	add(plan, "raw_tp_process_exit", ATTACH_RAW_TRACEPOINT, "sched_process_exit");
	add(plan, "raw_tp_cpu_idle", ATTACH_RAW_TRACEPOINT, "cpu_idle");
	if (mode == MODE_ENTRY)
		plan_stints(host, hook, plan);
	if (host->has_module_btf)
		add(plan, "fentry_vcpu_load", ATTACH_FENTRY, "kvm_arch_vcpu_load");
	else
		add(plan, "kprobe_vcpu_load", ATTACH_KPROBE, "kvm_arch_vcpu_load");
	set_needs(host, plan);
	pr_info("%s, %s: windows by %s, stints by %s",
		host->has_module_btf ? "kvm has BTF" : "kvm has no BTF",
		host->has_exact_tracepoints ? "exact tracepoints" : "late or unpaired tracepoints",
		plan->window_hook, mode == MODE_ENTRY ? plan->stint_hook : "nothing (switch mode)");
	return 0;
}

void hooks__plan_pinned(struct hook_plan *plan)
{
	add(plan, "iter_stat", ATTACH_ITERATOR, "task");
}
