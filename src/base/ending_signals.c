// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stddef.h>
#include "base/ending_signals.h"

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define NUMBER_CNT (sizeof(numbers) / sizeof(numbers[0]))

bool ending_signals__is_ignored(int number)
{
	struct sigaction action;

	return !sigaction(number, NULL, &action) && action.sa_handler == SIG_IGN;
}

void ending_signals__hold(sigset_t *before)
{
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < NUMBER_CNT; i++)
		if (!ending_signals__is_ignored(numbers[i]))
			sigaddset(&held, numbers[i]);
	sigprocmask(SIG_BLOCK, &held, before);
}

void ending_signals__release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

bool ending_signals__is_asked(void)
{
	sigset_t pending;

	if (sigpending(&pending))
		return false;
	for (size_t i = 0; i < NUMBER_CNT; i++)
		if (sigismember(&pending, numbers[i]) && !ending_signals__is_ignored(numbers[i]))
			return true;
	return false;
}
