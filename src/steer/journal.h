/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * journal - stores the original CPUs of the cgroups on disk, so that they can be restored after a
 * run was killed; and holds the lock that allows only one run at a time.
 *
 * Both files are in a directory that only root may enter. The descriptors stay open so that a run
 * can empty the journal after it has dropped its privileges.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

struct group;
struct group_host;

#define JOURNAL_DIR "/run/gtimehalt-steer"

struct journal {
	int lock_fd, originals_fd;
	int status_fd; /* the file that --status reads; the caller writes it */
};

#define JOURNAL_CLOSED ((struct journal){ -1, -1, -1 })

/*
 * Creates the directory and takes the lock. Returns 0; -EBUSY when another run holds the lock; or
 * another -errno; all logged. The caller closes the journal with journal__close(), on failure too.
 */
int journal__open(const char *dir, struct journal *journal);
void journal__close(struct journal *journal);

/* Returns whether the journal has no cgroup to restore. */
bool journal__is_empty(const struct journal *journal);

/*
 * Restores the cgroups in the journal and empties it; after a failure the journal is kept. Returns
 * the number of restored cgroups; or -errno, logged.
 */
int journal__restore(const struct journal *journal, const struct group_host *host);

/*
 * Replaces the content of the journal, and returns after it has reached the disk. cnt 0 empties the
 * journal. Returns 0 or -errno, logged.
 */
int journal__write(const struct journal *journal, const struct group *const groups[], size_t cnt);

#endif /* JOURNAL_H */
