/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * log - diagnostics on stderr, `gtimehalt: ` in front of each line. stdout carries data only. Where stderr is
 * systemd's journal, each line has its level in front too ("<4>").
 *
 * The level is the one piece of process-wide state of the program.
 */
#ifndef LOG_H
#define LOG_H

enum log_level {
	LOG_LEVEL_ERR,   /* the run fails, or did */
	LOG_LEVEL_WARN,  /* the run goes on, but the numbers need the reader's care */
	LOG_LEVEL_INFO,  /* -v: what was chosen, and why */
	LOG_LEVEL_DEBUG, /* -vv: libbpf's own words too */
};

/* The name in front of each line, which outlives the program; "gtimehalt" until called. */
void log__set_program(const char *name);

/* Messages above this level are dropped; LOG_LEVEL_WARN until called. */
void log__set_level(enum log_level level);
enum log_level log__level(void);

/* A text of several lines is as many messages; what is not printable in it becomes '?'. */
void log__print(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define pr_err(...)   log__print(LOG_LEVEL_ERR, __VA_ARGS__)
#define pr_warn(...)  log__print(LOG_LEVEL_WARN, __VA_ARGS__)
#define pr_info(...)  log__print(LOG_LEVEL_INFO, __VA_ARGS__)
#define pr_debug(...) log__print(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif /* LOG_H */
