/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * host - whether this host can be measured, and by which functions.
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>

struct hostfs;

struct host {
	/* The vendor module's function that enters the guest, once per entry, interrupts off. */
	const char *run_function;
	const char *vendor_module; /* whose function that is */
	/* The functions of kvm and of the vendor's module can be attached to by fentry: BTF has them. */
	bool has_module_btf;
	/*
	 * The tracepoints kvm_entry and kvm_exit are raised right at the entry and the exit, interrupts
	 * off, one for one. On AMD kvm_exit came late, and not for every exit, before Linux 6.5.
	 */
	bool has_exact_tracepoints;
	/* The symbol of kvm's vcpu_enter_guest(), see host__find_enter_guest(); else empty. */
	char enter_guest[64];
};

/*
 * Whether KVM is there: kvm and the module of this CPU's vendor, loaded to the end.
 * Returns NULL, or a line of text that says what is missing and what would help.
 */
const char *host__missing_kvm(const struct hostfs *fs);

/*
 * Looks at what the kernel says of itself: capabilities, KVM and its vendor module, BTF, the msr
 * PMU's mperf event.
 * Returns 0; or -EOPNOTSUPP when this host cannot be measured as it is, and then one line on stderr
 * has said why and what would help.
 */
int host__probe(const struct hostfs *fs, struct host *host);

/* The same without KVM, the one thing that may come while somebody waits. */
int host__check_rest(const struct hostfs *fs);

/*
 * Warns, once a run, of a host that is a guest itself and has MPERF all the same: of a CPU that its hypervisor may take
 * away. Called when the host is known to have MPERF.
 */
void host__warn_of_hypervisor(const struct hostfs *fs);

/*
 * Looks for vcpu_enter_guest() in kvm, under its own name or that of a variant that the compiler has
 * made (".constprop.0", ".isra.0"), and sets host->enter_guest. Reads all of /proc/kallsyms, which takes
 * some tens of milliseconds: not a part of host__probe(). That there is none is no error.
 */
void host__find_enter_guest(const struct hostfs *fs, struct host *host);

#endif /* HOST_H */
