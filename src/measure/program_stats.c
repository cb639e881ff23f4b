// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <unistd.h>
#include "base/hostfs.h"
#include "measure/program_stats.h"

int program_clock__start(struct program_clock *clock, const struct hostfs *fs, bool wanted)
{
	*clock = (struct program_clock){ .fs = fs, .fd = -1 };
	if (!wanted)
		return 0;
	clock->fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	return clock->fd < 0 ? clock->fd : 0;
}

void program_clock__stop(struct program_clock *clock)
{
	if (clock->fd >= 0)
		close(clock->fd);
	clock->fd = -1;
}

bool program_clock__runs(const struct program_clock *clock)
{
	char line[8];

	return clock->fd >= 0 || (hostfs__read_line(clock->fs, line, sizeof(line),
						    "proc/sys/kernel/bpf_stats_enabled") > 0 &&
				  line[0] == '1');
}

int program_stats__read(int prog_fd, const char *name, struct program_stats *stats)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	if (err)
		return err;
	*stats = (struct program_stats){
		.name = name,
		.run_cnt = info.run_cnt,
		.run_ns = info.run_time_ns,
	};
	return 0;
}
