/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * child - run code in a child process because it changes the process for good: it drops privileges,
 * or exits.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test.h"

/* For use in the child, where a failing cmocka assertion would go on with the next test. */
#define CHILD_CHECK(what)                                                                          \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			dprintf(STDERR_FILENO, "%s:%d: %s\n", __FILE__, __LINE__, #what);          \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* Runs `body` in a child process and returns the status that waitpid(2) reports for that child. */
static inline int child__status(void (*body)(void *arg), void *arg)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		body(arg);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Runs `body` in a child process and fails the test unless the child exits with status 0. */
static inline void child__run(void (*body)(void *arg), void *arg)
{
	assert_int_equal(child__status(body, arg), 0);
}

/*
 * Copies the value of a key of /proc/PID/status, such as "CapEff", into `value`; "" if it cannot be
 * read.
 */
static inline void child__proc_status(pid_t pid, const char *key, char value[64])
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	value[0] = '\0';
	file = fopen(path, "r");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		size_t len = strlen(key);

		if (strncmp(line, key, len) || line[len] != ':')
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(value, 64, "%s", line + len + 1 + strspn(line + len + 1, " \t"));
	}
	fclose(file);
}

#endif /* CHILD_H */
