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
	/* The functions of kvm and of the vendor's module can be attached to by fentry: BTF has them. */
	bool has_module_btf;
};

/*
 * Looks at what the kernel says of itself: capabilities, KVM and its vendor module, BTF, the msr
 * PMU's mperf event.
 * Returns 0; or -EOPNOTSUPP when this host cannot be measured as it is, and then one line on stderr
 * has said why and what would help.
 */
int host__probe(const struct hostfs *fs, struct host *host);

#endif /* HOST_H */
