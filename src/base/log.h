/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * log - diagnostics on stderr, with "gtimehalt: " in front of each line; stdout is for data only.
 * If stderr is systemd's journal, each line also begins with its level ("<4>").
 *
 * The log level is the only process-wide state of the program.
 */
#ifndef LOG_H
#define LOG_H

enum log_level {
	LOG_LEVEL_ERR,   /* the run fails or has failed */
	LOG_LEVEL_WARN,  /* the run goes on, but its numbers must be read with care */
	LOG_LEVEL_INFO,  /* -v: choices and their reasons */
	LOG_LEVEL_DEBUG, /* -vv: also messages of libbpf */
};

/* Sets the name in front of each line, which is not copied. The initial name is "gtimehalt". */
void log__set_program(const char *name);

/* Messages above this level are dropped. The initial level is LOG_LEVEL_WARN. */
void log__set_level(enum log_level level);
enum log_level log__level(void);

/*
 * Prints a message. Each line of its text is printed as a message of its own; unprintable
 * characters become '?'.
 */
void log__print(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints the error "cannot WHAT: ERROR" unless err, a negative errno, is 0. Returns err. */
int log__failure(const char *what, int err);

#define pr_err(...)   log__print(LOG_LEVEL_ERR, __VA_ARGS__)
#define pr_warn(...)  log__print(LOG_LEVEL_WARN, __VA_ARGS__)
#define pr_info(...)  log__print(LOG_LEVEL_INFO, __VA_ARGS__)
#define pr_debug(...) log__print(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif /* LOG_H */
