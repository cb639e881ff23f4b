// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include "host.h"
#include "hostfs.h"
#include "log.h"

static const struct {
	int bit;
	const char *name, *why;
} needed_caps[] = {
	{ CAP_BPF, "CAP_BPF", "to load BPF programs" },
	{ CAP_PERFMON, "CAP_PERFMON", "to read MPERF and to trace the kernel" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "to find KVM's functions by BTF" },
};

static const struct {
	const char *module, *run_function;
} vendors[] = {
	{ "kvm_amd", "svm_vcpu_run" },
	{ "kvm_intel", "vmx_vcpu_run" },
};

static int check_caps(const struct hostfs *fs)
{
	unsigned long long effective;
	char status[4096], *line;

	if (hostfs__read(fs, status, sizeof(status), "proc/self/status") < 0)
		return 0; /* the kernel will refuse in its own words */
	line = strstr(status, "\nCapEff:");
	if (!line)
		return 0;
	effective = strtoull(line + strlen("\nCapEff:"), NULL, 16);
	for (size_t i = 0; i < sizeof(needed_caps) / sizeof(needed_caps[0]); i++) {
		if (effective & 1ULL << needed_caps[i].bit)
			continue;
		pr_err("needs %s %s: run it as root", needed_caps[i].name, needed_caps[i].why);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int check_kvm(const struct hostfs *fs, struct host *host)
{
	if (hostfs__exists(fs, "sys/module/kvm") != 1) {
		pr_err("KVM is not loaded: modprobe kvm_amd or kvm_intel");
		return -EOPNOTSUPP;
	}
	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
		if (hostfs__exists(fs, "sys/module/%s", vendors[i].module) != 1)
			continue;
		host->run_function = vendors[i].run_function;
		pr_info("KVM runs guests by %s(), of %s", vendors[i].run_function,
			vendors[i].module);
		return 0;
	}
	pr_err("KVM is loaded without a vendor's module: modprobe kvm_amd or kvm_intel");
	return -EOPNOTSUPP;
}

int host__probe(const struct hostfs *fs, struct host *host)
{
	int err;

	err = check_caps(fs);
	if (err)
		return err;
	err = check_kvm(fs, host);
	if (err)
		return err;
	if (hostfs__exists(fs, "sys/kernel/btf/vmlinux") != 1) {
		pr_err("the kernel has no BTF (/sys/kernel/btf/vmlinux): "
		       "it must be built with CONFIG_DEBUG_INFO_BTF");
		return -EOPNOTSUPP;
	}
	/* Built in, KVM's BTF is vmlinux's; and then it is in no list of modules. */
	host->has_module_btf = hostfs__exists(fs, "sys/kernel/btf/kvm") == 1 ||
			       hostfs__exists(fs, "sys/module/kvm/initstate") != 1;
	if (hostfs__exists(fs, "sys/bus/event_source/devices/msr/events/mperf") != 1) {
		pr_err("this CPU shows no MPERF (no mperf event in the perf msr PMU): "
		       "a hypervisor below this host may hide it");
		return -EOPNOTSUPP;
	}
	return 0;
}
