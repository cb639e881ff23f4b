/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * armed - whether the kernel runs what is attached. Probes can be switched off for the whole host: they are
 * attached then, but never hit, and every guest would seem to sleep.
 */
#ifndef ARMED_H
#define ARMED_H

struct hook_plan;
struct hostfs;

/* Returns 0; or -EOPNOTSUPP when one line on stderr has said what is switched off, and how it is switched on. */
int armed__check(const struct hostfs *fs, const struct hook_plan *plan);

#endif /* ARMED_H */
