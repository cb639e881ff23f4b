/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* host - checks whether this host can be measured, and finds the functions to attach to. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>

struct hostfs;

struct host {
	/*
	 * The vendor module's function that enters the guest, once for each entry, with interrupts
	 * disabled.
	 */
	const char *run_function;
	const char *vendor_module; /* module of run_function */
	/*
	 * BTF has the functions of kvm and of the vendor's module, so that fentry can attach to
	 * them.
	 */
	bool has_module_btf;
	/*
	 * The tracepoints kvm_entry and kvm_exit are raised in pairs, right at the entry and the
	 * exit, with interrupts disabled. Before Linux 6.5, kvm_exit on AMD was late and not raised
	 * for every exit.
	 */
	bool has_exact_tracepoints;
	/* Set by host__find_functions(). */
	/* The symbol of kvm's vcpu_enter_guest(); empty: there is none. */
	char enter_guest[64];
	/* KVM has the functions HOST_BEFORE_ENTRY and HOST_AFTER_EXIT. */
	bool has_xsave_functions;
};

/*
 * Exported functions of kvm that the vendor's run function calls right before each VM entry and
 * right after each VM exit (Linux 5.6 to 6.17).
 */
#define HOST_BEFORE_ENTRY "kvm_load_guest_xsave_state"
#define HOST_AFTER_EXIT   "kvm_load_host_xsave_state"

/*
 * Checks that kvm and the module of this CPU's vendor are completely loaded.
 * Returns NULL, or a static text that says what is missing and what would help.
 */
const char *host__missing_kvm(const struct hostfs *fs);

/*
 * Checks capabilities, KVM and its vendor module, BTF, and the msr PMU's mperf event.
 * Returns 0; or -EOPNOTSUPP when this host cannot be measured as it is, after one line on stderr
 * that says why and what would help.
 */
int host__probe(const struct hostfs *fs, struct host *host);

/*
 * As host__probe() without the check for KVM, which may be loaded later while a caller waits for
 * it.
 */
int host__check_rest(const struct hostfs *fs);

/*
 * Warns if this host is itself a VM and has MPERF all the same, because its hypervisor may take a
 * CPU away. To be called once a run, when the host is known to have MPERF.
 */
void host__warn_of_hypervisor(const struct hostfs *fs);

/*
 * Looks for functions of kvm that only some hooks need. vcpu_enter_guest() may have the name of a
 * variant that the compiler has made (".constprop.0", ".isra.0"). A function that does not exist is
 * no error. Not part of host__probe() because reading all of /proc/kallsyms takes some tens of
 * milliseconds.
 */
void host__find_functions(const struct hostfs *fs, struct host *host);

#endif /* HOST_H */
