// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "capture.h"
#include "measure/host.h"
#include "base/log.h"
#include "tree.h"

#define MPERF "sys/bus/event_source/devices/msr/events/mperf"

/*
 * The other capability sets in the test's status file are all ones or all zeroes, to show that
 * CapEff is used.
 */
#define ALL_CAPS 0x1ffffffffffULL
#define CAP(bit) (1ULL << (bit))

/* The code under test uses <linux/capability.h>; the test uses the number itself. */
#define BIT_SYS_ADMIN 21

static void write_text(const struct tree *tree, const char *path, const char *text)
{
	tree__write(tree, path, text, strlen(text));
}

static void write_status(const struct tree *tree, const char *name, unsigned long long others,
			 unsigned long long effective)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "Name:\t%s\nUmask:\t0022\nState:\tR (running)\nGroups:\t0 \n"
		 "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\n"
		 "CapAmb:\t%016llx\nNoNewPrivs:\t0\n",
		 name, others, others, effective, others, others);
	write_text(tree, "proc/self/status", text);
}

static void add_module(const struct tree *tree, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/module/%s", name);
	tree__mkdir(tree, path);
	snprintf(path, sizeof(path), "sys/module/%s/initstate", name);
	write_text(tree, path, "live\n");
}

/* A host that lacks nothing: kvm and the vendor's module are modules, with BTF. */
static void add_host(const struct tree *tree, const char *vendor)
{
	static const char *const dirs[] = {
		"proc",
		"proc/self",
		"sys",
		"sys/module",
		"sys/kernel",
		"sys/kernel/btf",
		"sys/bus",
		"sys/bus/event_source",
		"sys/bus/event_source/devices",
		"sys/bus/event_source/devices/msr",
		"sys/bus/event_source/devices/msr/events",
	};
	char path[64];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (hostfs__exists(&tree->fs, "%s", dirs[i]) != 1)
			tree__mkdir(tree, dirs[i]);
	write_status(tree, "gtimehalt", 0, ALL_CAPS);
	add_module(tree, "kvm");
	add_module(tree, vendor);
	write_text(tree, "sys/kernel/btf/vmlinux", "");
	write_text(tree, "sys/kernel/btf/kvm", "");
	snprintf(path, sizeof(path), "sys/kernel/btf/%s", vendor);
	write_text(tree, path, "");
	write_text(tree, MPERF, "event=0x02\n");
}

struct run {
	int err;
	struct host host;
	struct capture out, err_text;
};

static void run_probe(struct run *run, const struct hostfs *fs)
{
	memset(&run->host, 0, sizeof(run->host));
	capture__begin(&run->out, stdout);
	capture__begin(&run->err_text, stderr);
	run->err = host__probe(fs, &run->host);
	capture__end(&run->err_text);
	capture__end(&run->out);
	assert_string_equal(run->out.text, "");
}

/* Without -v, a host that can be measured causes no output. */
static void assert_good(const struct tree *tree, const char *run_function, bool has_module_btf)
{
	struct run run;

	run_probe(&run, &tree->fs);
	assert_string_equal(run.err_text.text, "");
	assert_int_equal(run.err, 0);
	assert_string_equal(run.host.run_function, run_function);
	assert_int_equal(run.host.has_module_btf, has_module_btf);
}

/* A host that is refused causes one line, which says what is missing and what would help. */
static void assert_refused(const struct tree *tree, const char *missing, const char *help)
{
	struct run run;
	const char *text = run.err_text.text;

	run_probe(&run, &tree->fs);
	assert_int_equal(run.err, -EOPNOTSUPP);
	assert_int_equal(strncmp(text, "gtimehalt: ", strlen("gtimehalt: ")), 0);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	if (!strstr(text, missing) || !strstr(text, help))
		fail_msg("\"%s\" or \"%s\" is not in: %s", missing, help, text);
}

static void amd(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	assert_good(tree, "svm_vcpu_run", true);
}

static void intel(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_intel");
	assert_good(tree, "vmx_vcpu_run", true);
}

static void write_cpuinfo(const struct tree *tree, const char *vendor)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "processor\t: 0\nvendor_id\t: %s\ncpu family\t: 23\n\nprocessor\t: 1\n", vendor);
	write_text(tree, "proc/cpuinfo", text);
}

/*
 * If both vendors' modules are built in, both are visible, but only that of this CPU's vendor runs
 * guests.
 */
static void both_vendors(void **state)
{
	static const struct {
		const char *cpu, *run_function;
	} cases[] = {
		{ "GenuineIntel", "vmx_vcpu_run" }, { "CentaurHauls", "vmx_vcpu_run" },
		{ "  Shanghai  ", "vmx_vcpu_run" }, { "AuthenticAMD", "svm_vcpu_run" },
		{ "HygonGenuine", "svm_vcpu_run" },
	};
	const struct tree *tree = *state;

	add_host(tree, "kvm_intel");
	add_module(tree, "kvm_amd");
	write_text(tree, "sys/kernel/btf/kvm_amd", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		write_cpuinfo(tree, cases[i].cpu);
		assert_good(tree, cases[i].run_function, true);
	}
	/* A CPU of an unknown vendor has neither module. */
	write_cpuinfo(tree, "GenuineIntelX");
	assert_refused(tree, "without the module of this CPU's vendor", "modprobe");
}

static void verbose_names_the_function(void **state)
{
	const struct tree *tree = *state;
	struct run run;

	add_host(tree, "kvm_intel");
	log__set_level(LOG_LEVEL_INFO);
	run_probe(&run, &tree->fs);
	log__set_level(LOG_LEVEL_WARN);
	assert_int_equal(run.err, 0);
	assert_string_equal(run.err_text.text,
			    "gtimehalt: KVM runs guests by vmx_vcpu_run(), of kvm_intel\n");
}

static void missing_capability(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	write_status(tree, "gtimehalt", ALL_CAPS, ALL_CAPS & ~CAP(BIT_SYS_ADMIN));
	assert_refused(tree, "needs CAP_SYS_ADMIN ", "run it as root");
	write_status(tree, "gtimehalt", ALL_CAPS, 0);
	assert_refused(tree, "needs CAP_SYS_ADMIN ", "run it as root");
}

/* The kernel accepts CAP_SYS_ADMIN in place of CAP_BPF and CAP_PERFMON. */
static void no_other_capability_is_needed(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	write_status(tree, "gtimehalt", 0, CAP(BIT_SYS_ADMIN));
	assert_good(tree, "svm_vcpu_run", true);
}

/* The process name comes first in the file, and may contain anything. */
static void name_is_no_capability(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	write_status(tree, "CapEff:\t0", 0, ALL_CAPS);
	assert_good(tree, "svm_vcpu_run", true);
	write_status(tree, "CapEff:\t-1", ALL_CAPS, 0);
	assert_refused(tree, "needs CAP_SYS_ADMIN ", "root");
}

/* If the capabilities cannot be read, go on: the kernel checks them anyway. */
static void unknown_capabilities_do_not_refuse(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	write_text(tree, "proc/self/status", "Name:\tgtimehalt\nCapPrm:\t0000000000000000\n");
	assert_good(tree, "svm_vcpu_run", true);
	tree__remove(tree, "proc/self/status");
	assert_good(tree, "svm_vcpu_run", true);
}

/* A process with very many groups has CapEff after the part of the file that is read. */
static void capabilities_behind_many_groups(void **state)
{
	static const char head[] = "Name:\tgtimehalt\nGroups:\t";
	const struct tree *tree = *state;
	char text[8192]; /* the size of the buffer in the code under test */

	add_host(tree, "kvm_amd");
	memset(text, '7', sizeof(text));
	memcpy(text, head, strlen(head));
	strcpy(text + sizeof(text) - 32, " \nCapEff:\t000001ffffffffff\n");
	write_text(tree, "proc/self/status", text);
	assert_good(tree, "svm_vcpu_run", true);

	/* Digits that were cut off must not be read as a smaller number. */
	memset(text + sizeof(text) - 32, '7', 32);
	strcpy(text + sizeof(text) - 18, "\nCapEff:\t000001ff");
	tree__write(tree, "proc/self/status", text, sizeof(text) - 1);
	assert_good(tree, "svm_vcpu_run", true);
}

static void kvm_absent(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	tree__remove(tree, "sys/module/kvm");
	assert_refused(tree, "KVM is not loaded", "modprobe kvm_amd or kvm_intel");
}

static void vendor_absent(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	tree__remove(tree, "sys/module/kvm_amd");
	/* Another kind of KVM has another run function. */
	assert_refused(tree, "without the module of this CPU's vendor",
		       "modprobe kvm_amd or kvm_intel");
	add_module(tree, "kvm_pvm");
	assert_refused(tree, "KVM runs guests by kvm_pvm here", "needs kvm_amd or kvm_intel");
}

/* Advice to load a module that this CPU does not let load would be wrong. */
static void no_virtualization(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	tree__remove(tree, "sys/module/kvm_amd");
	write_text(tree, "proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm_lock\n");
	assert_refused(tree, "neither svm nor vmx", "firmware");
	write_text(tree, "proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm\n");
	assert_refused(tree, "without the module of this CPU's vendor", "modprobe");
}

/* A module that is being loaded or unloaded has a directory, but cannot be attached to. */
static void module_not_live(void **state)
{
	static const char *const states[] = { "coming\n", "going\n" };
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	assert_null(host__missing_kvm(&tree->fs));
	for (size_t i = 0; i < 2; i++) {
		write_text(tree, "sys/module/kvm_amd/initstate", states[i]);
		assert_refused(tree, "without the module of this CPU's vendor", "--wait");
		assert_non_null(strstr(host__missing_kvm(&tree->fs), "vendor"));
		write_text(tree, "sys/module/kvm_amd/initstate", "live\n");
		write_text(tree, "sys/module/kvm/initstate", states[i]);
		assert_refused(tree, "KVM is not loaded", "--wait");
		write_text(tree, "sys/module/kvm/initstate", "live\n");
		assert_null(host__missing_kvm(&tree->fs));
	}
}

static void exact_tracepoints(void **state)
{
	static const struct {
		const char *vendor, *release;
		bool exact;
	} cases[] = {
		{ "kvm_amd", "5.10.0-46-amd64\n", false },
		{ "kvm_amd", "6.1.0-56-amd64\n", false },
		{ "kvm_amd", "6.4.16\n", false },
		{ "kvm_amd", "6.5.0\n", true },
		{ "kvm_amd", "6.12.118+deb13-amd64\n", true },
		{ "kvm_amd", "7.0.0-rc1\n", true },
		{ "kvm_amd", "10.0\n", true },
		{ "kvm_amd", "five\n", false },
		{ "kvm_amd", "\n", false },
		{ "kvm_intel", "5.19.17\n", false },
		{ "kvm_intel", "6.1.0\n", true },
	};
	const struct tree *tree = *state;
	struct run run;

	tree__mkdir(tree, "proc");
	tree__mkdir(tree, "proc/sys");
	tree__mkdir(tree, "proc/sys/kernel");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!i || strcmp(cases[i].vendor, cases[i - 1].vendor)) {
			if (i) {
				tree__remove(tree, "sys");
				tree__remove(tree, "proc/self");
			}
			add_host(tree, cases[i].vendor);
		}
		write_text(tree, "proc/sys/kernel/osrelease", cases[i].release);
		run_probe(&run, &tree->fs);
		assert_int_equal(run.err, 0);
		assert_int_equal(run.host.has_exact_tracepoints, cases[i].exact);
	}
	tree__remove(tree, "proc/sys");
	run_probe(&run, &tree->fs);
	assert_int_equal(run.err, 0);
	assert_false(run.host.has_exact_tracepoints);
}

/* Writes one line of kallsyms and checks which function is found in it. */
static void assert_enter_guest(const struct tree *tree, const char *line, const char *expected)
{
	struct host host = { .enter_guest = "before" };

	write_text(tree, "proc/kallsyms", line);
	host__find_functions(&tree->fs, &host);
	assert_string_equal(host.enter_guest, expected);
}

static void enter_guest(void **state)
{
	struct host host = { .enter_guest = "before" };
	const struct tree *tree = *state;

	tree__mkdir(tree, "proc");
	assert_enter_guest(tree, "ffffffffc0a01230 t vcpu_enter_guest\t[kvm]\n",
			   "vcpu_enter_guest");
	assert_enter_guest(tree, "ffffffff81a01230 t vcpu_enter_guest\n", "vcpu_enter_guest");
	assert_enter_guest(tree,
			   "0 T _stext\n"
			   "0 t vcpu_enter_guest.constprop.0.cold\t[kvm]\n"
			   "0 t vcpu_enter_guest.constprop.0\t[kvm]\n"
			   "0 t vcpu_enter_guest.isra.0\t[kvm]\n",
			   "vcpu_enter_guest.constprop.0");
	assert_enter_guest(tree, "0 t vcpu_enter_guest.part.0\t[kvm]\n", "");
	assert_enter_guest(tree, "0 t vcpu_enter_guest_later\t[kvm]\n0 t my_vcpu_enter_guest\n",
			   "");
	assert_enter_guest(tree, "0 t vcpu_enter_guest_mode.constprop.0\t[kvm]\n", "");
	assert_enter_guest(tree, "vcpu_enter_guest\n0\n0 t\n\n", "");
	assert_enter_guest(tree, "", "");
	assert_false(host.has_xsave_functions);
	write_text(tree, "proc/kallsyms",
		   "0 T kvm_load_guest_xsave_state\t[kvm]\n0 T kvm_load_host_xsave_state\t[kvm]\n");
	host__find_functions(&tree->fs, &host);
	assert_true(host.has_xsave_functions);
	tree__remove(tree, "proc/kallsyms");
	host__find_functions(&tree->fs, &host);
	assert_false(host.has_xsave_functions);
	assert_string_equal(host.enter_guest, "");
}

static void no_btf(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	tree__remove(tree, "sys/kernel/btf/vmlinux");
	assert_refused(tree, "no BTF (/sys/kernel/btf/vmlinux)", "CONFIG_DEBUG_INFO_BTF");
	tree__remove(tree, "sys/kernel/btf");
	assert_refused(tree, "no BTF (/sys/kernel/btf/vmlinux)", "CONFIG_DEBUG_INFO_BTF");
}

static void no_mperf(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	tree__remove(tree, MPERF);
	/* A host without MPERF may have other events there. */
	write_text(tree, "sys/bus/event_source/devices/msr/events/tsc", "event=0x00\n");
	assert_refused(tree, "no MPERF", "hypervisor");
	tree__remove(tree, "sys/bus/event_source/devices/msr");
	assert_refused(tree, "no MPERF", "hypervisor");
}

/* Linux before 5.11, or without CONFIG_DEBUG_INFO_BTF_MODULES. */
static void module_without_btf(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_amd");
	tree__remove(tree, "sys/kernel/btf/kvm");
	tree__remove(tree, "sys/kernel/btf/kvm_amd");
	assert_good(tree, "svm_vcpu_run", false);
	/* BTF of both modules is needed, because the run function is in the vendor's module. */
	write_text(tree, "sys/kernel/btf/kvm", "");
	assert_good(tree, "svm_vcpu_run", false);
}

/* A built-in module has only parameters in its directory, and its BTF is that of vmlinux. */
static void built_in(void **state)
{
	const struct tree *tree = *state;

	add_host(tree, "kvm_intel");
	tree__remove(tree, "sys/kernel/btf/kvm");
	tree__remove(tree, "sys/kernel/btf/kvm_intel");
	tree__remove(tree, "sys/module/kvm/initstate");
	tree__mkdir(tree, "sys/module/kvm/parameters");
	tree__remove(tree, "sys/module/kvm_intel/initstate");
	tree__mkdir(tree, "sys/module/kvm_intel/parameters");
	assert_good(tree, "vmx_vcpu_run", true);
}

/* Faults are reported one at a time, in the order in which they have to be fixed. */
static void nothing_at_all(void **state)
{
	const struct tree *tree = *state;

	assert_refused(tree, "/sys is not mounted", "mount");
	tree__mkdir(tree, "proc");
	tree__mkdir(tree, "proc/self");
	write_status(tree, "gtimehalt", 0, 0);
	assert_refused(tree, "needs CAP_SYS_ADMIN ", "root");
	write_status(tree, "gtimehalt", 0, ALL_CAPS);
	tree__mkdir(tree, "sys");
	tree__mkdir(tree, "sys/module");
	/* Faults that cannot be mended come before a module that can be loaded. */
	assert_refused(tree, "no BTF", "CONFIG_DEBUG_INFO_BTF");
}

static void no_descriptor_is_kept(void **state)
{
	const struct tree *tree = *state;
	int next_fd = tree__next_fd(tree);

	add_host(tree, "kvm_amd");
	assert_good(tree, "svm_vcpu_run", true);
	assert_int_equal(tree__next_fd(tree), next_fd);
}

/* The formats of the real /proc and /sys are understood, whatever machine runs the test. */
static void host_is_understood(void **state)
{
	struct hostfs fs;
	struct run run;

	(void)state;
	assert_int_equal(hostfs__open(&fs, "/"), 0);
	run_probe(&run, &fs);
	hostfs__close(&fs);
	if (run.err)
		assert_int_equal(run.err, -EOPNOTSUPP);
	else
		assert_non_null(run.host.run_function);
	assert_int_equal(run.err_text.text[0] != '\0', run.err != 0);
}

static void assert_warned(const struct tree *tree, const char *flags, bool expected)
{
	struct capture capture;
	char text[4096];

	snprintf(text, sizeof(text),
		 "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: a hypervisor of sorts\n"
		 "flags\t\t: %s\nbugs\t\t:\n\nprocessor\t: 1\n",
		 flags);
	write_text(tree, "proc/cpuinfo", text);
	capture__begin(&capture, stderr);
	host__warn_of_hypervisor(&tree->fs);
	capture__end(&capture);
	assert_int_equal(strstr(capture.text, "is itself a VM") != NULL, expected);
	assert_int_equal(capture.text[0] != '\0', expected);
}

static void a_host_that_is_a_guest(void **state)
{
	struct tree *tree = *state;
	struct capture capture;

	tree__mkdir(tree, "proc");
	assert_warned(tree, "fpu vme aperfmperf", false);
	assert_warned(tree, "fpu hypervisor aperfmperf", true);
	assert_warned(tree, "fpu aperfmperf hypervisor", true);
	assert_warned(tree, "fpu aperfmperf hypervisors nohypervisor", false);
	tree__remove(tree, "proc/cpuinfo");
	capture__begin(&capture, stderr);
	host__warn_of_hypervisor(&tree->fs);
	capture__end(&capture);
	assert_string_equal(capture.text, "");
}

#define TREE_TEST(test) cmocka_unit_test_setup_teardown(test, tree__setup, tree__teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(amd),
		TREE_TEST(intel),
		TREE_TEST(both_vendors),
		TREE_TEST(verbose_names_the_function),
		TREE_TEST(missing_capability),
		TREE_TEST(no_other_capability_is_needed),
		TREE_TEST(name_is_no_capability),
		TREE_TEST(unknown_capabilities_do_not_refuse),
		TREE_TEST(capabilities_behind_many_groups),
		TREE_TEST(kvm_absent),
		TREE_TEST(vendor_absent),
		TREE_TEST(no_virtualization),
		TREE_TEST(module_not_live),
		TREE_TEST(exact_tracepoints),
		TREE_TEST(enter_guest),
		TREE_TEST(no_btf),
		TREE_TEST(no_mperf),
		TREE_TEST(module_without_btf),
		TREE_TEST(built_in),
		TREE_TEST(nothing_at_all),
		TREE_TEST(no_descriptor_is_kept),
		TREE_TEST(a_host_that_is_a_guest),
		cmocka_unit_test(host_is_understood),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
