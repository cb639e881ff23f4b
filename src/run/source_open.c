// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/hostfs.h"
#include "base/log.h"
#include "run/kvm_wait.h"
#include "run/source.h"

int source__open(const struct source_opts *opts, struct hostfs *fs, struct interval *interval,
		 struct source **source)
{
	int is_there = 1, err;

	if (opts->replay_path) {
		err = source_replay__new(opts->replay_path, source);
		return err ? err : 1;
	}
	err = hostfs__open(fs, "/");
	if (err)
		return log__failure("open /", err);
	if (opts->wait)
		is_there = kvm_wait__run(fs, interval);
	if (is_there != 1)
		return is_there;
	err = source_live__new(opts->measure, fs, source);
	return err ? err : 1;
}
