// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "capture.h"
#include "measure/hooks.h"
#include "measure/host.h"
#include "base/log.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/*
 * A plan as text: one "program kind target" per line. RUN stands for the run function of the host.
 */
#define RUN         "RUN"
/* The first programs of every plan. */
#define ALWAYS      "raw_tp_process_exit raw_tp sched_process_exit\nraw_tp_cpu_idle raw_tp cpu_idle\n"
#define FENTRY_LOAD "fentry_vcpu_load fentry kvm_arch_vcpu_load\n"
#define KPROBE_LOAD "kprobe_vcpu_load kprobe kvm_arch_vcpu_load\n"

/* With --pin, the last program of the plan. */
#define PINNED "iter_stat iter task\n"

/* Stints: the hook at the end first, then the hook at the beginning. */
#define FENTRY_STINTS    "fexit_vcpu_run fentry " RUN "\nfentry_vcpu_run fentry " RUN "\n"
#define KRETPROBE_STINTS "kretprobe_vcpu_run kretprobe " RUN "\nkprobe_vcpu_run kprobe " RUN "\n"
#define KPROBE_STINTS                                                                              \
	"kprobe_vcpu_exit kprobe kvm_load_host_xsave_state\n"                                      \
	"kprobe_vcpu_run kprobe kvm_load_guest_xsave_state\n"
#define ENTER             "vcpu_enter_guest"
#define FENTRY_ENTER      "fexit_vcpu_run fentry " ENTER "\nfentry_vcpu_run fentry " ENTER "\n"
#define KPROBE_ENTER      "kretprobe_vcpu_run kretprobe " ENTER "\nkprobe_vcpu_run kprobe " ENTER "\n"
#define TRACEPOINT_STINTS "raw_tp_kvm_exit raw_tp kvm_exit\nraw_tp_kvm_entry raw_tp kvm_entry\n"

static const struct {
	enum measure_mode mode;
	bool has_module_btf;
	enum hook wanted;
	const char *points; /* NULL: refused */
	const char *window_hook, *stint_hook;
} cases[] = {
	{ MODE_ENTRY, true, HOOK_AUTO, ALWAYS FENTRY_STINTS FENTRY_LOAD, "fentry", "fentry" },
	{ MODE_ENTRY, true, HOOK_FENTRY, ALWAYS FENTRY_STINTS FENTRY_LOAD, "fentry", "fentry" },
	{ MODE_ENTRY, true, HOOK_KPROBE, ALWAYS KPROBE_STINTS FENTRY_LOAD, "fentry", "kprobe" },
	{ MODE_ENTRY, true, HOOK_ENTER_GUEST, ALWAYS FENTRY_ENTER FENTRY_LOAD, "fentry", ENTER },
	{ MODE_ENTRY, true, HOOK_TRACEPOINT, ALWAYS TRACEPOINT_STINTS FENTRY_LOAD, "fentry",
	  "tracepoint" },
	{ MODE_ENTRY, false, HOOK_AUTO, ALWAYS KPROBE_STINTS KPROBE_LOAD, "kprobe", "kprobe" },
	{ MODE_ENTRY, false, HOOK_FENTRY, NULL, NULL, NULL },
	{ MODE_ENTRY, false, HOOK_KPROBE, ALWAYS KPROBE_STINTS KPROBE_LOAD, "kprobe", "kprobe" },
	{ MODE_ENTRY, false, HOOK_ENTER_GUEST, ALWAYS KPROBE_ENTER KPROBE_LOAD, "kprobe", ENTER },
	{ MODE_ENTRY, false, HOOK_TRACEPOINT, ALWAYS TRACEPOINT_STINTS KPROBE_LOAD, "kprobe",
	  "tracepoint" },
	{ MODE_SWITCH, true, HOOK_AUTO, ALWAYS FENTRY_LOAD, "fentry", NULL },
	{ MODE_SWITCH, true, HOOK_FENTRY, ALWAYS FENTRY_LOAD, "fentry", NULL },
	{ MODE_SWITCH, true, HOOK_KPROBE, ALWAYS FENTRY_LOAD, "fentry", NULL },
	{ MODE_SWITCH, true, HOOK_ENTER_GUEST, ALWAYS FENTRY_LOAD, "fentry", NULL },
	{ MODE_SWITCH, true, HOOK_TRACEPOINT, ALWAYS FENTRY_LOAD, "fentry", NULL },
	{ MODE_SWITCH, false, HOOK_AUTO, ALWAYS KPROBE_LOAD, "kprobe", NULL },
	{ MODE_SWITCH, false, HOOK_FENTRY, NULL, NULL, NULL },
	{ MODE_SWITCH, false, HOOK_KPROBE, ALWAYS KPROBE_LOAD, "kprobe", NULL },
	{ MODE_SWITCH, false, HOOK_ENTER_GUEST, ALWAYS KPROBE_LOAD, "kprobe", NULL },
	{ MODE_SWITCH, false, HOOK_TRACEPOINT, ALWAYS KPROBE_LOAD, "kprobe", NULL },
};
_Static_assert(ARRAY_SIZE(cases) == 2 * 2 * HOOK_CNT, "every mode, BTF and hook");

struct run {
	int err;
	struct hook_plan plan;
	struct capture out, err_text;
};

/*
 * Fills the plan with garbage first, because hooks__plan() may be called on a plan that was used
 * before.
 */
static void run_plan(struct run *run, const struct host *host, enum measure_mode mode,
		     enum hook wanted)
{
	memset(&run->plan, 0xa5, sizeof(run->plan));
	capture__begin(&run->out, stdout);
	capture__begin(&run->err_text, stderr);
	run->err = hooks__plan(host, mode, wanted, &run->plan);
	capture__end(&run->err_text);
	capture__end(&run->out);
	assert_string_equal(run->out.text, "");
}

static void describe(const struct hook_plan *plan, const char *run_function, char *text,
		     size_t size)
{
	static const char *const kinds[] = {
		[ATTACH_FENTRY] = "fentry",       [ATTACH_KPROBE] = "kprobe",
		[ATTACH_KRETPROBE] = "kretprobe", [ATTACH_RAW_TRACEPOINT] = "raw_tp",
		[ATTACH_ITERATOR] = "iter",
	};
	size_t len = 0;

	assert_true(plan->point_cnt <= HOOK_POINTS_MAX);
	text[0] = '\0';
	for (size_t i = 0; i < plan->point_cnt; i++) {
		const struct hook_point *point = &plan->points[i];
		bool is_run = !strcmp(point->target, run_function);

		assert_true((size_t)point->by < ARRAY_SIZE(kinds));
		len += (size_t)snprintf(text + len, size - len, "%s %s %s\n", point->program,
					kinds[point->by], is_run ? RUN : point->target);
		assert_true(len < size);
	}
}

static void assert_name(const char *name, const char *expected)
{
	if (expected)
		assert_string_equal(name, expected);
	else
		assert_null(name);
}

static void check_plans(const char *run_function)
{
	char text[512];
	struct run run;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct host host = {
			.run_function = run_function,
			.has_module_btf = cases[i].has_module_btf,
			.enter_guest = ENTER,
			.has_xsave_functions = true,
		};

		if (!cases[i].points)
			continue;
		run_plan(&run, &host, cases[i].mode, cases[i].wanted);
		assert_string_equal(run.err_text.text, "");
		assert_int_equal(run.err, 0);
		describe(&run.plan, run_function, text, sizeof(text));
		assert_string_equal(text, cases[i].points);
		hooks__plan_pinned(&run.plan);
		describe(&run.plan, run_function, text, sizeof(text));
		assert_string_equal(text + strlen(cases[i].points), PINNED);
		assert_name(run.plan.window_hook, cases[i].window_hook);
		assert_name(run.plan.stint_hook, cases[i].stint_hook);
	}
}

static void plans_on_amd(void **state)
{
	(void)state;
	check_plans("svm_vcpu_run");
}

static void plans_on_intel(void **state)
{
	(void)state;
	check_plans("vmx_vcpu_run");
}

/* One line says what is missing and which hooks work without it. */
static void fentry_takes_btf(void **state)
{
	const struct host host = { .run_function = "svm_vcpu_run", .vendor_module = "kvm_amd" };
	struct run run;
	const char *text = run.err_text.text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].points)
			continue;
		run_plan(&run, &host, cases[i].mode, cases[i].wanted);
		assert_int_equal(run.err, -EOPNOTSUPP);
		assert_int_equal(strncmp(text, "gtimehalt: --hook fentry ", 25), 0);
		assert_non_null(strstr(text, "/sys/kernel/btf/kvm"));
		assert_non_null(strstr(text, "use kprobe or tracepoint"));
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	}
}

/* Exact tracepoints are the cheapest hook; inexact ones are used only on request. */
static void exact_tracepoints_are_chosen(void **state)
{
	struct host host = { .run_function = "svm_vcpu_run",
			     .vendor_module = "kvm_amd",
			     .has_exact_tracepoints = true };
	struct run run;

	(void)state;
	for (int btf = 0; btf < 2; btf++) {
		host.has_module_btf = btf;
		run_plan(&run, &host, MODE_ENTRY, HOOK_AUTO);
		assert_int_equal(run.err, 0);
		assert_string_equal(run.plan.stint_hook, "tracepoint");
		run_plan(&run, &host, MODE_ENTRY, HOOK_KPROBE);
		assert_string_equal(run.plan.stint_hook, "kprobe");
	}
}

/*
 * BTF does not contain compiler-generated names such as .constprop.0, so that kprobes are used for
 * them.
 */
static void a_variant_is_probed(void **state)
{
	const struct host host = {
		.run_function = "svm_vcpu_run",
		.vendor_module = "kvm_amd",
		.has_module_btf = true,
		.enter_guest = "vcpu_enter_guest.constprop.0",
	};
	struct run run;

	(void)state;
	run_plan(&run, &host, MODE_ENTRY, HOOK_ENTER_GUEST);
	assert_int_equal(run.err, 0);
	assert_int_equal(run.plan.points[2].by, ATTACH_KRETPROBE);
	assert_int_equal(run.plan.points[3].by, ATTACH_KPROBE);
	assert_string_equal(run.plan.points[3].target, "vcpu_enter_guest.constprop.0");
}

/* Kernels whose KVM lacks the functions around the entry. */
static void the_run_function_is_probed(void **state)
{
	const struct host host = { .run_function = "vmx_vcpu_run", .vendor_module = "kvm_intel" };
	struct run run;
	char text[512];

	(void)state;
	run_plan(&run, &host, MODE_ENTRY, HOOK_AUTO);
	assert_int_equal(run.err, 0);
	describe(&run.plan, "vmx_vcpu_run", text, sizeof(text));
	assert_string_equal(text, ALWAYS KRETPROBE_STINTS KPROBE_LOAD);
}

static void an_inlined_function_is_no_hook(void **state)
{
	const struct host host = { .run_function = "svm_vcpu_run",
				   .vendor_module = "kvm_amd",
				   .has_module_btf = true };
	struct run run;

	(void)state;
	run_plan(&run, &host, MODE_ENTRY, HOOK_ENTER_GUEST);
	assert_int_equal(run.err, -EOPNOTSUPP);
	assert_non_null(strstr(run.err_text.text, "inlined"));
}

/* Returns the index of the first program whose name contains `part`; the plan must have one. */
static size_t index_of(const struct hook_plan *plan, const char *part)
{
	size_t i = 0;

	while (i < plan->point_cnt && !strstr(plan->points[i].program, part))
		i++;
	assert_true(i < plan->point_cnt);
	return i;
}

/* Checks the rule itself, independently of the table above. */
static void ends_before_beginnings(void **state)
{
	static const char *const stints[HOOK_CNT][2] = {
		[HOOK_FENTRY] = { "fexit_vcpu_run", "fentry_vcpu_run" },
		[HOOK_KPROBE] = { "kretprobe_vcpu_run", "kprobe_vcpu_run" },
		[HOOK_ENTER_GUEST] = { NULL, NULL }, /* the same as one of the two above */
		[HOOK_TRACEPOINT] = { "_exit", "_entry" },
	};
	struct run run;

	(void)state;
	for (int btf = 0; btf < 2; btf++) {
		const struct host host = { "svm_vcpu_run", "kvm_amd", btf, false, ENTER, false };

		for (enum hook hook = btf ? HOOK_FENTRY : HOOK_KPROBE; hook < HOOK_CNT; hook++) {
			enum hook as = hook;
			size_t end;

			if (hook == HOOK_ENTER_GUEST)
				as = btf ? HOOK_FENTRY : HOOK_KPROBE;
			run_plan(&run, &host, MODE_ENTRY, hook);
			assert_int_equal(run.plan.point_cnt, 5);
			end = index_of(&run.plan, stints[as][0]);
			assert_int_equal(index_of(&run.plan, "process_exit"), 0);
			assert_int_equal(index_of(&run.plan, "cpu_idle"), 1);
			assert_true(end < index_of(&run.plan, stints[as][1]));
			assert_int_equal(index_of(&run.plan, "vcpu_load"), 4);
		}
		run_plan(&run, &host, MODE_SWITCH, HOOK_AUTO);
		assert_int_equal(run.plan.point_cnt, 3);
		assert_int_equal(index_of(&run.plan, "process_exit"), 0);
		assert_int_equal(index_of(&run.plan, "cpu_idle"), 1);
		assert_int_equal(index_of(&run.plan, "vcpu_load"), 2);
	}
}

static void switch_mode_needs_no_run_function(void **state)
{
	const struct host host = { .has_module_btf = true };
	struct run run;

	(void)state;
	run_plan(&run, &host, MODE_SWITCH, HOOK_AUTO);
	assert_int_equal(run.err, 0);
	for (size_t i = 0; i < run.plan.point_cnt; i++)
		assert_non_null(run.plan.points[i].target);
}

static void verbose_says_what_and_why(void **state)
{
	const struct host with_btf = { "svm_vcpu_run", "kvm_amd", true, true, "", false };
	const struct host without = { "svm_vcpu_run", "kvm_amd", false, false, "", false };
	struct run all, old, windows;

	(void)state;
	log__set_level(LOG_LEVEL_INFO);
	run_plan(&all, &with_btf, MODE_ENTRY, HOOK_AUTO);
	run_plan(&old, &without, MODE_ENTRY, HOOK_TRACEPOINT);
	run_plan(&windows, &with_btf, MODE_SWITCH, HOOK_AUTO);
	log__set_level(LOG_LEVEL_WARN);
	assert_string_equal(all.err_text.text, "gtimehalt: kvm has BTF, exact tracepoints: "
					       "windows by fentry, stints by tracepoint\n");
	assert_string_equal(old.err_text.text,
			    "gtimehalt: kvm has no BTF, late or unpaired tracepoints: "
			    "windows by kprobe, stints by tracepoint\n");
	assert_string_equal(windows.err_text.text,
			    "gtimehalt: kvm has BTF, exact tracepoints: "
			    "windows by fentry, stints by nothing (switch mode)\n");
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(hook__name(HOOK_AUTO), "auto");
	assert_string_equal(hook__name(HOOK_FENTRY), "fentry");
	assert_string_equal(hook__name(HOOK_KPROBE), "kprobe");
	assert_string_equal(hook__name(HOOK_ENTER_GUEST), "vcpu_enter_guest");
	assert_string_equal(hook__name(HOOK_TRACEPOINT), "tracepoint");
	assert_null(hook__name(HOOK_CNT));
	assert_null(hook__name((enum hook) - 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_on_amd),
		cmocka_unit_test(plans_on_intel),
		cmocka_unit_test(fentry_takes_btf),
		cmocka_unit_test(exact_tracepoints_are_chosen),
		cmocka_unit_test(a_variant_is_probed),
		cmocka_unit_test(the_run_function_is_probed),
		cmocka_unit_test(an_inlined_function_is_no_hook),
		cmocka_unit_test(ends_before_beginnings),
		cmocka_unit_test(switch_mode_needs_no_run_function),
		cmocka_unit_test(verbose_says_what_and_why),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
