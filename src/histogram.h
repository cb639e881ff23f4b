/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * histogram - how long stints were halted.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

enum histogram_unit {
	HISTOGRAM_US,
	HISTOGRAM_MS,
	HISTOGRAM_NS,
};

#endif /* HISTOGRAM_H */
