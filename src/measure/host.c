// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "measure/host.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "measure/host_rights.h"

static const struct vendor {
	const char *module, *run_function;
	const char *const *cpu_vendors; /* vendor_id of /proc/cpuinfo, NULL at the end */
	/*
	 * The first release whose tracepoints are exact. Older stable kernels may have exact ones
	 * too, by a backport, but these are not used. AMD: 791a089861fc "KVM: SVM: Invoke
	 * trace_kvm_exit() for fastpath VM-Exits". Intel: kvm_entry is within vmx_vcpu_run(), as
	 * kvm_exit is.
	 */
	int exact_major, exact_minor;
} vendors[] = {
	{ "kvm_amd", "svm_vcpu_run", (const char *const[]){ "AuthenticAMD", "HygonGenuine", NULL },
	  6, 5 },
	{ "kvm_intel", "vmx_vcpu_run",
	  (const char *const[]){ "GenuineIntel", "CentaurHauls", "  Shanghai  ", NULL }, 6, 1 },
};
#define VENDOR_CNT (sizeof(vendors) / sizeof(vendors[0]))

/* Checks that /sys is mounted. Without /sys, everything else would seem to be missing. */
static int check_sys(const struct hostfs *fs)
{
	if (hostfs__exists(fs, "sys/module") == 1)
		return 0;
	pr_err("/sys is not mounted: mount -t sysfs sysfs /sys");
	return -EOPNOTSUPP;
}

/*
 * Returns whether a module is built in, or loaded and live: its functions can be attached to only
 * then. Built-in code has no initstate.
 */
static bool is_loaded(const struct hostfs *fs, const char *module)
{
	char state[16];

	if (hostfs__exists(fs, "sys/module/%s", module) != 1)
		return false;
	return hostfs__read(fs, state, sizeof(state), "sys/module/%s/initstate", module) < 0 ||
	       !strcmp(state, "live\n");
}

/* Returns whether this is a module that can be unloaded, and not built in. */
static bool is_module(const struct hostfs *fs, const char *module)
{
	return hostfs__exists(fs, "sys/module/%s/initstate", module) == 1;
}

/* Returns whether BTF has the module's functions; those of built-in code are in vmlinux's BTF. */
static bool has_btf(const struct hostfs *fs, const char *module)
{
	return !is_module(fs, module) || hostfs__exists(fs, "sys/kernel/btf/%s", module) == 1;
}

static bool is_cpu_of(const struct hostfs *fs, const struct vendor *vendor)
{
	static const char key[] = "vendor_id\t: ";
	char cpuinfo[512], *value;

	if (hostfs__read(fs, cpuinfo, sizeof(cpuinfo), "proc/cpuinfo") < 0)
		return true;
	value = strstr(cpuinfo, key);
	if (!value)
		return true;
	value += strlen(key);
	value[strcspn(value, "\n")] = '\0';
	for (const char *const *name = vendor->cpu_vendors; *name; name++)
		if (!strcmp(value, *name))
			return true;
	return false;
}

/*
 * Returns the vendor of this CPU whose module is loaded; NULL: none. The CPU is checked because
 * both vendors' code can be built in.
 */
static const struct vendor *find_vendor(const struct hostfs *fs)
{
	for (size_t i = 0; i < VENDOR_CNT; i++)
		if (is_loaded(fs, vendors[i].module) && is_cpu_of(fs, &vendors[i]))
			return &vendors[i];
	return NULL;
}

/*
 * Returns whether the first CPU has one of two flags, as in " vmx": 1, 0, or -ENODATA if that
 * cannot be read. The flags take some 2 KiB, after less than 1 KiB of other lines.
 */
static int has_flag(const struct hostfs *fs, const char *one, const char *other)
{
	const char *const wanted[] = { one, other };
	char cpuinfo[8192], *flags;

	if (hostfs__read(fs, cpuinfo, sizeof(cpuinfo), "proc/cpuinfo") < 0)
		return -ENODATA;
	flags = strstr(cpuinfo, "\nflags\t");
	if (!flags)
		return -ENODATA;
	flags[1 + strcspn(flags + 1, "\n")] = '\0';
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(wanted[i]);

		for (const char *at = flags; (at = strstr(at, wanted[i])); at += len)
			if (at[len] == ' ' || !at[len])
				return 1;
	}
	return 0;
}

const char *host__missing_kvm(const struct hostfs *fs)
{
	bool has_kvm = is_loaded(fs, "kvm");

	if (has_kvm && find_vendor(fs))
		return NULL;
	if (has_kvm && is_loaded(fs, "kvm_pvm"))
		return "KVM runs guests by kvm_pvm here, which cannot be measured: "
		       "gtimehalt needs kvm_amd or kvm_intel";
	if (!has_flag(fs, " svm", " vmx"))
		return "this CPU shows neither svm nor vmx, so kvm_amd and kvm_intel cannot be loaded: "
		       "enable virtualization in the firmware, or nesting in the hypervisor";
	if (!has_kvm)
		return "KVM is not loaded: modprobe kvm_amd or kvm_intel, or --wait for it";
	return "KVM is loaded without the module of this CPU's vendor: "
	       "modprobe kvm_amd or kvm_intel, or --wait for it";
}

static bool has_exact_tracepoints(const struct hostfs *fs, const struct vendor *vendor)
{
	char release[128];
	int major, minor;

	if (hostfs__read(fs, release, sizeof(release), "proc/sys/kernel/osrelease") <= 0 ||
	    sscanf(release, "%d.%d", &major, &minor) != 2)
		return false;
	return major > vendor->exact_major ||
	       (major == vendor->exact_major && minor >= vendor->exact_minor);
}

static int check_kvm(const struct hostfs *fs, struct host *host)
{
	const char *missing = host__missing_kvm(fs);
	const struct vendor *vendor = missing ? NULL : find_vendor(fs);

	if (!vendor) {
		pr_err("%s", missing ? missing : "KVM is being unloaded");
		return -EOPNOTSUPP;
	}
	host->run_function = vendor->run_function;
	host->vendor_module = vendor->module;
	host->has_module_btf = has_btf(fs, "kvm") && has_btf(fs, vendor->module);
	host->has_exact_tracepoints = has_exact_tracepoints(fs, vendor);
	pr_info("KVM runs guests by %s(), of %s", vendor->run_function, vendor->module);
	return 0;
}

/*
 * Cuts a line of /proc/kallsyms such as "ffffffffc0a01230 t vcpu_enter_guest.constprop.0\t[kvm]"
 * behind the symbol, and returns the symbol; NULL: none. The line of a built-in function ends after
 * the symbol.
 */
static const char *symbol_of(char *line)
{
	char *symbol = strchr(line, ' ');

	symbol = symbol ? strchr(symbol + 1, ' ') : NULL;
	if (!symbol)
		return NULL;
	symbol++;
	symbol[strcspn(symbol, "\t\n")] = '\0';
	return symbol;
}

/*
 * ".cold" is the part of a function that rarely runs, ".part" is a part that other functions call.
 */
static bool is_enter_guest(const char *symbol)
{
	static const char wanted[] = "vcpu_enter_guest";
	const char *suffix = symbol + strlen(wanted);

	return !strncmp(symbol, wanted, strlen(wanted)) && (!*suffix || *suffix == '.') &&
	       !strstr(suffix, ".cold") && !strstr(suffix, ".part");
}

void host__find_functions(const struct hostfs *fs, struct host *host)
{
	char line[1024];
	bool has_before = false, has_after = false;
	FILE *symbols = hostfs__fopen(fs, "proc/kallsyms");

	host->enter_guest[0] = '\0';
	host->has_xsave_functions = false;
	if (!symbols)
		return;
	while (fgets(line, sizeof(line), symbols)) {
		const char *symbol = symbol_of(line);

		if (!symbol || strlen(symbol) >= sizeof(host->enter_guest))
			continue;
		if (!host->enter_guest[0] && is_enter_guest(symbol))
			snprintf(host->enter_guest, sizeof(host->enter_guest), "%s", symbol);
		has_before |= !strcmp(symbol, HOST_BEFORE_ENTRY);
		has_after |= !strcmp(symbol, HOST_AFTER_EXIT);
	}
	fclose(symbols);
	host->has_xsave_functions = has_before && has_after;
}

int host__check_rest(const struct hostfs *fs)
{
	int err = host_rights__check(fs);

	if (!err)
		err = check_sys(fs);
	if (err)
		return err;
	if (hostfs__exists(fs, "sys/kernel/btf/vmlinux") != 1) {
		pr_err("the kernel has no BTF (/sys/kernel/btf/vmlinux): "
		       "it must be built with CONFIG_DEBUG_INFO_BTF");
		return -EOPNOTSUPP;
	}
	if (hostfs__exists(fs, "sys/bus/event_source/devices/msr/events/mperf") != 1) {
		pr_err("this CPU has no MPERF (no mperf event in the perf msr PMU): "
		       "if this host is a VM, its hypervisor may hide it");
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * Only warns: MPERF is as good as on bare metal if the hypervisor gives each CPU of this host a
 * physical CPU of its own and never halts in its place, or if it emulates MPERF. CPUID does not
 * distinguish these hypervisors from others (KVM_HINTS_REALTIME does, but only for KVM, and only if
 * the administrator has set it).
 */
void host__warn_of_hypervisor(const struct hostfs *fs)
{
	if (has_flag(fs, " hypervisor", " hypervisor") > 0)
		pr_warn("this host is itself a VM: if its hypervisor passes MPERF through (KVM can since "
			"Linux 6.17), time in which it takes a CPU away or moves it shows as "
			"halted or is not measured");
}

int host__probe(const struct hostfs *fs, struct host *host)
{
	/* A fault that nobody can mend comes first: a module can be loaded, MPERF cannot. */
	int err = host__check_rest(fs);

	return err ? err : check_kvm(fs, host);
}
