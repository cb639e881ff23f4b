// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/hostfs.h"
#include "base/number.h"
#include "steer/cpuset.h"

#define SCRATCH "gtimehalt-steer.probe"

/* A path of PATH_MAX bytes has no more components than this. */
#define DEPTH_MAX (PATH_MAX / 2)

int cpuset__open(int root_fd, const char *path, bool writes, struct cpuset *cpuset)
{
	struct stat st;
	int err;

	*cpuset = (struct cpuset){ .dir_fd = -1, .cpus_fd = -1 };
	cpuset->dir_fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cpuset->dir_fd < 0)
		return -errno;
	if (fstat(cpuset->dir_fd, &st))
		goto failed;
	cpuset->inode = st.st_ino;
	if (!writes)
		return 0;
	cpuset->cpus_fd = openat(cpuset->dir_fd, "cpuset.cpus", O_WRONLY | O_CLOEXEC);
	if (cpuset->cpus_fd >= 0)
		return 0;
	if (errno == ENOENT)
		errno = ENODATA;
failed:
	err = -errno;
	cpuset__close(cpuset);
	return err;
}

void cpuset__close(struct cpuset *cpuset)
{
	if (cpuset->cpus_fd >= 0)
		close(cpuset->cpus_fd);
	if (cpuset->dir_fd >= 0)
		close(cpuset->dir_fd);
	cpuset->cpus_fd = cpuset->dir_fd = -1;
}

/*
 * After a cgroup is removed, its files do not exist any more, or every access to them fails with
 * ENODEV (kernfs_get_active()).
 */
bool cpuset__is_gone(const struct cpuset *cpuset)
{
	return cpuset->dir_fd < 0 || faccessat(cpuset->dir_fd, "cgroup.procs", F_OK, 0);
}

static int read_text(int dir_fd, const char *path, char *text, size_t size)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, size - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len < 0)
		return (int)len;
	text[len] = '\0';
	return 0;
}

static int read_cpus(int dir_fd, const char *path, struct cpus *cpus)
{
	char text[CPUS_TEXT_MAX + 1];
	int err = read_text(dir_fd, path, text, sizeof(text));

	return err ? err : cpus__parse(text, cpus);
}

int cpuset__read(const struct cpuset *cpuset, struct cpus *cpus)
{
	int err = read_cpus(cpuset->dir_fd, "cpuset.cpus", cpus);

	if (err != -ENOENT || cpuset__is_gone(cpuset))
		return err;
	*cpus = (struct cpus){ 0 };
	return 0;
}

/*
 * Reads the effective CPUs of the cgroup `up` levels above dir_fd or, where this cgroup has no
 * cpuset controller, of its nearest ancestor that has the controller.
 */
static int read_inherited(int dir_fd, int up, struct cpus *cpus)
{
	char path[3 * 64 + sizeof("cpuset.cpus.effective")];
	int err = -ENOENT;

	for (int level = up; err == -ENOENT && level < 64; level++) {
		size_t len = 0;

		for (int i = 0; i < level; i++)
			len += (size_t)snprintf(path + len, sizeof(path) - len, "../");
		snprintf(path + len, sizeof(path) - len, "cpuset.cpus.effective");
		err = read_cpus(dir_fd, path, cpus);
	}
	return err;
}

int cpuset__read_effective(const struct cpuset *cpuset, struct cpus *cpus)
{
	return read_inherited(cpuset->dir_fd, 0, cpus);
}

int cpuset__read_parent(const struct cpuset *cpuset, struct cpus *cpus)
{
	return read_inherited(cpuset->dir_fd, 1, cpus);
}

/* Ends the list with a newline because a write of 0 bytes would not reach the kernel's handler. */
static int write_cpus(int fd, const struct cpus *cpus)
{
	char text[CPUS_TEXT_MAX + 1];
	size_t len = strlen(cpus__format(cpus, text));

	text[len++] = '\n';
	return pwrite(fd, text, len, 0) < 0 ? -errno : 0;
}

int cpuset__write(const struct cpuset *cpuset, const struct cpus *cpus)
{
	return write_cpus(cpuset->cpus_fd, cpus);
}

/*
 * The file contains "member", "root" or "isolated"; if a partition root is invalid, the reason
 * follows.
 */
int cpuset__is_partition(const struct cpuset *cpuset)
{
	char text[256];
	int err = read_text(cpuset->dir_fd, "cpuset.cpus.partition", text, sizeof(text));

	if (err == -ENOENT)
		return 0;
	return err ? err : strncmp(text, "member", strlen("member")) != 0;
}

int cpuset__path_of(const struct hostfs *fs, pid_t tid, char path[static PATH_MAX])
{
	/* Lines of cgroup version 1 may precede the line of version 2. */
	char text[2 * PATH_MAX];
	ssize_t len = hostfs__read(fs, text, sizeof(text), "proc/%d/cgroup", tid);
	const char *line = text;

	if (len < 0)
		return len == -ENOENT ? -ESRCH : (int)len;
	while (line && strncmp(line, "0::/", strlen("0::/")) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return -EPROTO;
	line += strlen("0::/");
	len = (ssize_t)strcspn(line, "\n");
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path, line, (size_t)len);
	path[len] = '\0';
	return 0;
}

bool cpuset__is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

/*
 * Returns 1 if the thread's affinity is narrower than `effective`; 0 if not, or if the thread has
 * ended; or -errno.
 */
static int has_own_affinity(const struct hostfs *fs, pid_t tid, const struct cpus *effective)
{
	static const char key[] = "\nCpus_allowed_list:\t";
	char text[8192];
	ssize_t len = hostfs__read(fs, text, sizeof(text), "proc/%d/status", tid);
	const char *line;
	struct cpus allowed;
	int err;

	if (len < 0)
		return len == -ENOENT || len == -ESRCH ? 0 : (int)len;
	line = strstr(text, key);
	err = line ? cpus__parse(line + strlen(key), &allowed) : -EPROTO;
	if (err)
		return err;
	/*
	 * Ignore CPUs of the affinity that are not in the effective cpuset: such CPUs are offline,
	 * or the cpuset was enabled after the affinity was set.
	 */
	cpus__and(&allowed, &allowed, effective);
	return !cpus__equal(&allowed, effective);
}

static int find_in_threads(FILE *threads, const struct hostfs *fs, const struct cpus *effective,
			   pid_t *tid)
{
	char line[32];
	int found = 0;

	while (!found && fgets(line, sizeof(line), threads)) {
		__u64 number;

		line[strcspn(line, "\n")] = '\0';
		if (number__parse(line, INT_MAX, &number))
			return -EPROTO;
		*tid = (pid_t)number;
		found = has_own_affinity(fs, *tid, effective);
	}
	if (!found && ferror(threads))
		return -EIO;
	return found;
}

static int find_in_cgroup(int dir_fd, const struct hostfs *fs, pid_t *tid)
{
	struct cpus effective;
	int err = read_inherited(dir_fd, 0, &effective), fd;
	FILE *threads;

	if (err)
		return err;
	fd = openat(dir_fd, "cgroup.threads", O_RDONLY | O_CLOEXEC);
	threads = fd < 0 ? NULL : fdopen(fd, "r");
	if (!threads) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	err = find_in_threads(threads, fs, &effective, tid);
	fclose(threads);
	return err;
}

/*
 * Searches the cgroup and its descendants. A cgroup that is removed during the walk counts as one
 * without threads. Returns the same as cpuset__find_own_affinity().
 */
static int find_in_tree(int dir_fd, const struct hostfs *fs, int depth, pid_t *tid)
{
	int found = find_in_cgroup(dir_fd, fs, tid), fd;
	struct dirent *entry;
	DIR *dir;

	if (found || depth == DEPTH_MAX)
		return found == -ENOENT || found == -ENODEV ? 0 : found;
	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		found = errno == ENOENT ? 0 : -errno;
		if (fd >= 0)
			close(fd);
		return found;
	}
	while (!found && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		fd = openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		found = find_in_tree(fd, fs, depth + 1, tid);
		close(fd);
	}
	closedir(dir);
	return found;
}

int cpuset__find_own_affinity(const struct cpuset *cpuset, const struct hostfs *fs, pid_t *tid)
{
	return find_in_tree(cpuset->dir_fd, fs, 0, tid);
}

/*
 * The child process: moves itself into the scratch cgroup, pins itself to `cpu`, writes one byte to
 * said_fd to report both, and sleeps until it is killed.
 */
static _Noreturn void run_probe(int dir_fd, int cpu, int said_fd)
{
	struct cpus one = { 0 };
	int fd = openat(dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	cpus__add(&one, cpu);
	if (fd < 0 || write(fd, "0", 1) != 1 || sched_setaffinity(0, sizeof(one), one.sets) ||
	    write(said_fd, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/*
 * Narrows the scratch cgroup to `cpu`, widens it to `two`, and checks whether the child is still
 * pinned to `cpu`. Returns 1, 0 or -errno, as cpuset__keeps_affinity() does.
 */
static int watch_probe(const struct cpuset *scratch, pid_t child, int said_fd, int cpu,
		       const struct cpus *two)
{
	struct cpus now = { 0 }, one = { 0 };
	char byte;
	int err;

	if (read(said_fd, &byte, 1) != 1)
		return -ECHILD;
	/*
	 * A write that does not change the effective CPUs does not touch the tasks, so that the
	 * cpuset has to be narrowed first, then widened.
	 */
	cpus__add(&one, cpu);
	err = cpuset__write(scratch, &one);
	if (!err)
		err = cpuset__write(scratch, two);
	if (err)
		return err;
	if (sched_getaffinity(child, sizeof(now), now.sets) < 0)
		return -errno;
	return cpus__cnt(&now) == 1 && cpus__has(&now, cpu);
}

static int probe(const struct cpuset *scratch)
{
	struct cpus effective, two = { 0 };
	int said[2], cpu = -1, result = cpuset__read_effective(scratch, &effective);
	pid_t child;

	for (int i = 0; !result && i < CPUS_MAX && cpus__cnt(&two) < 2; i++) {
		if (!cpus__has(&effective, i))
			continue;
		cpus__add(&two, i);
		cpu = i;
	}
	if (result || cpus__cnt(&two) < 2)
		return result ? result : -ENODATA;
	if (pipe2(said, O_CLOEXEC))
		return -errno;
	child = fork();
	if (!child) {
		/*
		 * Only the parent reads. Its read() returns 0 when this process exits early,
		 * because the parent closes its own write end.
		 */
		close(said[0]);
		run_probe(scratch->dir_fd, cpu, said[1]);
	}
	result = child < 0 ? -errno : 0;
	close(said[1]);
	if (child > 0) {
		result = watch_probe(scratch, child, said[0], cpu, &two);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	close(said[0]);
	return result;
}

int cpuset__keeps_affinity(int root_fd, const char *parent)
{
	int parent_fd = openat(root_fd, *parent ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cpuset scratch;
	int result;

	if (parent_fd < 0)
		return -errno;
	/* Remove the scratch cgroup that a killed run may have left. */
	unlinkat(parent_fd, SCRATCH, AT_REMOVEDIR);
	if (mkdirat(parent_fd, SCRATCH, 0700)) {
		result = -errno;
	} else {
		result = cpuset__open(parent_fd, SCRATCH, true, &scratch);
		if (!result) {
			result = probe(&scratch);
			cpuset__close(&scratch);
		}
		unlinkat(parent_fd, SCRATCH, AT_REMOVEDIR);
	}
	close(parent_fd);
	return result;
}
