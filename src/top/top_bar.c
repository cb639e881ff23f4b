// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "top/top_bar.h"

const struct top_bar_mark top_bar_marks[TOP_BAR_PART_CNT] = {
	[TOP_BAR_BUSY] = { '#', TOP_STYLE_BUSY },       [TOP_BAR_HOST] = { '=', TOP_STYLE_HOST },
	[TOP_BAR_UNKNOWN] = { '?', TOP_STYLE_UNKNOWN }, [TOP_BAR_WAIT] = { 'w', TOP_STYLE_WAIT },
	[TOP_BAR_HALTED] = { '.', TOP_STYLE_HALTED },
};

static __u64 known_or_0(const struct metrics *metrics, enum metric metric)
{
	return metrics->value[metric] == METRIC_UNKNOWN ? 0 : metrics->value[metric];
}

/* Loaded time not known to be halted, busy or host. */
static __u64 rest_ns(const struct metrics *metrics)
{
	__u64 loaded_ns = known_or_0(metrics, METRIC_LOADED_NS);
	__u64 known_ns = known_or_0(metrics, METRIC_HALTED_NS) +
			 known_or_0(metrics, METRIC_BUSY_NS) + known_or_0(metrics, METRIC_HOST_NS);

	return loaded_ns > known_ns ? loaded_ns - known_ns : 0;
}

void top_bar__divide(const struct metrics *metrics, enum measure_mode mode, int width,
		     int part_width[static TOP_BAR_PART_CNT])
{
	__u64 wall_ns = known_or_0(metrics, METRIC_WALL_NS);
	/* If part of the time is unmeasured, the rest may contain halted time. */
	bool not_halted = mode == MODE_SWITCH &&
			  metrics->value[METRIC_HALTED_NS] != METRIC_UNKNOWN &&
			  !known_or_0(metrics, METRIC_UNMEASURED_NS);
	const __u64 ns[TOP_BAR_PART_CNT] = {
		[TOP_BAR_BUSY] =
			not_halted ? rest_ns(metrics) : known_or_0(metrics, METRIC_BUSY_NS),
		[TOP_BAR_HOST] = known_or_0(metrics, METRIC_HOST_NS),
		[TOP_BAR_UNKNOWN] = not_halted ? 0 : rest_ns(metrics),
		[TOP_BAR_WAIT] = known_or_0(metrics, METRIC_WAIT_NS),
		[TOP_BAR_HALTED] = known_or_0(metrics, METRIC_HALTED_NS),
	};
	unsigned __int128 sum_ns = 0;
	int begin = 0;

	for (int i = 0; i < TOP_BAR_PART_CNT; i++) {
		int end = 0;

		sum_ns += ns[i];
		if (wall_ns)
			end = sum_ns >= wall_ns
				      ? width
				      : (int)((sum_ns * (unsigned int)width + wall_ns / 2) /
					      wall_ns);
		part_width[i] = end > begin ? end - begin : 0;
		begin += part_width[i];
	}
}
