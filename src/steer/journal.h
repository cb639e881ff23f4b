/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * journal - the original CPUs of the cgroups, on disk, so that they can be restored when a run was
 * killed; and the lock that allows one run at a time.
 *
 * Both are in a folder that only root may enter. The descriptors are kept, so that a run which has
 * given up its rights can still empty the journal.
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
	int status_fd; /* what --status shows; the caller writes it */
};

#define JOURNAL_CLOSED ((struct journal){ -1, -1, -1 })

/*
 * Makes the folder and takes the lock. Returns 0; -EBUSY, logged, when another run has it; or
 * another -errno, logged. The caller ends it with journal__close(), on failure too.
 */
int journal__open(const char *dir, struct journal *journal);
void journal__close(struct journal *journal);

/* Whether there is nothing to restore. */
bool journal__is_empty(const struct journal *journal);

/*
 * Restores the cgroups of the journal, and empties it; after a failure it is kept. Returns how many
 * cgroups were restored; or -errno, logged.
 */
int journal__restore(const struct journal *journal, const struct group_host *host);

/*
 * Replaces the journal's content, which is on disk when this returns. cnt 0 empties it. Returns 0
 * or -errno, logged.
 */
int journal__write(const struct journal *journal, const struct group *const groups[], size_t cnt);

#endif /* JOURNAL_H */
