// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include "measure/host.h"
#include "base/interval.h"
#include "run/kvm_wait.h"
#include "base/log.h"

#define POLL_NS 1000000000ULL

int kvm_wait__run(const struct hostfs *fs, const struct interval *interval)
{
	const char *missing = host__missing_kvm(fs);
	int err = host__check_rest(fs);

	if (err)
		return err;
	if (missing)
		pr_info("waiting: %s", missing);
	err = interval__start(interval, POLL_NS);
	while (!err && missing) {
		enum interval_event event = INTERVAL_OVER;

		err = interval__wait(interval, -1, &event);
		if (!err && event == INTERVAL_END)
			return 0;
		/*
		 * There is no full-screen display yet that would have to be left before stopping.
		 */
		if (event == INTERVAL_STOP)
			raise(SIGSTOP);
		missing = host__missing_kvm(fs);
	}
	if (err)
		pr_err("cannot wait for KVM: %s", strerror(-err));
	return err ? err : 1;
}
