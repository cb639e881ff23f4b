// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/array.h"
#include "base/clock.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "gtimehalt.h"
#include "measure/collector.h"
#include "measure/counters.h"
#include "measure/heartbeat.h"
#include "measure/pin.h"

#define LINKS_DIR PIN_DIR "/" PIN_LINKS

/* The kernel lets go of a link's program and target after a grace period or two. */
#define DETACH_WAIT_NS 5000000000ULL
#define DETACH_POLL_US 5000

static int tell(int err, const char *what)
{
	pr_err("cannot %s: %s", what, strerror(-err));
	return err;
}

static void path_of(char *path, size_t size, const char *name)
{
	snprintf(path, size, PIN_DIR "/%s", name);
}

static int open_object(const char *name)
{
	char path[128];

	path_of(path, sizeof(path), name);
	return bpf_obj_get(path);
}

static int pin_fd(int fd, const char *name)
{
	char path[128];
	int err;

	path_of(path, sizeof(path), name);
	err = bpf_obj_pin(fd, path);
	if (err)
		pr_err("cannot pin %s: %s", path, strerror(-err));
	return err;
}

/*
 * Before Linux 5.15 the link of a kprobe or a timer is no object of its own: its descriptor is that of the event.
 */
static int check_links(const struct collector *collector)
{
	struct bpf_link_info info;
	const char *program;
	int fd;

	for (size_t i = 0; (fd = collector__link_fd(collector, i, &program)) >= 0; i++) {
		__u32 len = sizeof(info);

		memset(&info, 0, sizeof(info));
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			continue;
		pr_err("%s cannot be pinned by this kernel: --pin takes Linux 5.15", program);
		return -EOPNOTSUPP;
	}
	return 0;
}

int pin__lock(void)
{
	struct statfs fs;
	int fd;

	if (statfs(PIN_ROOT, &fs) || fs.f_type != BPF_FS_MAGIC) {
		pr_err("bpffs is not mounted: mount -t bpf bpf " PIN_ROOT);
		return -EOPNOTSUPP;
	}
	fd = open(PIN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return tell(-errno, "open " PIN_ROOT);
	if (flock(fd, LOCK_EX)) {
		int err = -errno;

		close(fd);
		return tell(err, "lock " PIN_ROOT);
	}
	return fd;
}

/* Who pins or unpins at the moment holds the lock. */
bool pin__is_left_over(void)
{
	bool left =
		!access(PIN_DIR, F_OK) && access(PIN_DIR "/" PIN_ABOUT, F_OK) && errno == ENOENT;
	int fd = left ? open(PIN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0)
		return false;
	/* It may have been done since. */
	left = !flock(fd, LOCK_SH | LOCK_NB) && !access(PIN_DIR, F_OK) &&
	       access(PIN_DIR "/" PIN_ABOUT, F_OK);
	close(fd);
	return left;
}

/* What is there has no `about`, or the caller would not be here: a run has been killed half way. */
static int make_dirs(void)
{
	int err = pin__remove();

	if (err && err != -ENOENT)
		return err;
	if (!err)
		pr_warn("a --pin or --unpin that was killed had left part of it in " PIN_DIR
			": removed");
	if (mkdir(PIN_DIR, 0700) || mkdir(LINKS_DIR, 0700))
		return tell(-errno, "make " LINKS_DIR);
	return 0;
}

static int pin_timer(const struct heartbeat *heartbeat, const struct counters *counters, int cpu)
{
	int fd = heartbeat__start(heartbeat, counters, cpu);
	char name[64];
	int err;

	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), PIN_LINKS "/beat-%d", cpu);
	err = pin_fd(fd, name);
	close(fd);
	return err;
}

static int pin_timers(const struct collector *collector)
{
	const struct counters *counters = collector__counters(collector);
	struct heartbeat heartbeat = {
		.prog_fd = collector__object_fd(collector, PIN_HEARTBEAT),
		.tsc_events_fd = collector__object_fd(collector, PIN_TSC_EVENTS),
		.cpu_beats_fd = collector__object_fd(collector, PIN_CPU_BEATS),
	};

	for (int cpu = 0; cpu < collector__cpu_cnt(collector); cpu++) {
		int err = pin_timer(&heartbeat, counters, cpu);

		if (err == -EINVAL) {
			pr_err("a timer cannot be pinned by this kernel: --pin takes Linux 5.15");
			return -EOPNOTSUPP;
		}
		/* ENODEV: offline. pin__renew() starts it when the CPU comes. */
		if (err && err != -ENODEV)
			return tell(err, "start the timers of the CPUs");
	}
	return 0;
}

/* Objects by name, and who may do what with them: a reader needs no more than the first. */
static const struct {
	const char *name;
	mode_t mode;
	bool only_histogram;
} objects[] = {
	{ PIN_VCPUS, 0440, false },        { PIN_ENDED, 0440, false },
	{ PIN_STINTS, 0440, true },        { PIN_SHARED, 0440, false },
	{ PIN_STAT, 0440, false },         { PIN_FORCED_READ, 0660, false },
	{ PIN_MPERF_EVENTS, 0600, false }, { PIN_TSC_EVENTS, 0600, false },
	{ PIN_CPU_BEATS, 0600, false },    { PIN_HEARTBEAT, 0600, false },
	{ PIN_ABOUT, 0440, false }, /* the last: who finds it finds the others */
};

static int give(const char *name, mode_t mode, gid_t gid)
{
	char path[128];

	path_of(path, sizeof(path), name);
	if (chmod(path, mode) || (gid != (gid_t)-1 && chown(path, (uid_t)-1, gid)))
		return tell(-errno, "set who may read what is pinned");
	return 0;
}

static int pin_objects(const struct collector *collector, gid_t gid)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		int fd = collector__object_fd(collector, objects[i].name);
		int err;

		if (objects[i].only_histogram && fd < 0)
			continue;
		err = pin_fd(fd, objects[i].name);
		if (!err)
			err = give(objects[i].name, objects[i].mode, gid);
		if (err)
			return err;
	}
	return give("", gid == (gid_t)-1 ? 0700 : 0750, gid);
}

static int pin_links(const struct collector *collector)
{
	const char *program;
	int fd;

	for (size_t i = 0; (fd = collector__link_fd(collector, i, &program)) >= 0; i++) {
		char name[64];
		int err;

		snprintf(name, sizeof(name), PIN_LINKS "/%s", program);
		err = pin_fd(fd, name);
		if (err)
			return err;
	}
	return 0;
}

int pin__create(const struct collector *collector, gid_t gid)
{
	int err = check_links(collector);

	if (!err)
		err = make_dirs();
	if (err)
		return err;
	err = pin_links(collector);
	if (!err)
		err = pin_timers(collector);
	return err ? err : pin_objects(collector, gid);
}

static int renew_cpu(const struct heartbeat *heartbeat, struct counters *counters, int mperf_fd,
		     int cpu)
{
	__u32 key = (__u32)cpu;
	char path[128];
	int fd = counters__reopen(counters, cpu);
	int err;

	if (fd < 0)
		return fd;
	err = bpf_map_update_elem(mperf_fd, &key, &fd, BPF_ANY);
	if (err)
		return err;
	snprintf(path, sizeof(path), LINKS_DIR "/beat-%d", cpu);
	unlink(path);
	return pin_timer(heartbeat, counters, cpu);
}

static bool is_late(int cpu_beats_fd, int cpu)
{
	struct cpu_beat beat;
	__u32 key = (__u32)cpu;

	return bpf_map_lookup_elem(cpu_beats_fd, &key, &beat) ||
	       beat.beat_ns + HEARTBEAT_LATE_NS < clock__now_ns();
}

static int renew_cpus(const struct heartbeat *heartbeat, struct counters *counters, int mperf_fd,
		      int cpu_cnt)
{
	int renewed = 0;

	for (int cpu = 0; cpu < cpu_cnt; cpu++) {
		int err;

		if (!is_late(heartbeat->cpu_beats_fd, cpu))
			continue;
		err = renew_cpu(heartbeat, counters, mperf_fd, cpu);
		if (err && err != -ENODEV)
			return tell(err, "start the timer of a CPU");
		renewed += !err;
	}
	return renewed;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int pin__renew(const struct hostfs *fs)
{
	struct heartbeat heartbeat = {
		.prog_fd = open_object(PIN_HEARTBEAT),
		.tsc_events_fd = open_object(PIN_TSC_EVENTS),
		.cpu_beats_fd = open_object(PIN_CPU_BEATS),
	};
	int mperf_fd = open_object(PIN_MPERF_EVENTS);
	struct counters *counters = NULL;
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	int err = -EACCES;

	if (heartbeat.prog_fd >= 0 && heartbeat.tsc_events_fd >= 0 && heartbeat.cpu_beats_fd >= 0 &&
	    mperf_fd >= 0)
		err = bpf_obj_get_info_by_fd(mperf_fd, &info, &len);
	if (err)
		tell(err, "open what is pinned in " PIN_DIR);
	if (!err)
		err = counters__new_closed(fs, (int)info.max_entries, &counters);
	if (!err)
		err = renew_cpus(&heartbeat, counters, mperf_fd, (int)info.max_entries);
	counters__free(counters);
	close_fd(mperf_fd);
	close_fd(heartbeat.cpu_beats_fd);
	close_fd(heartbeat.tsc_events_fd);
	close_fd(heartbeat.prog_fd);
	return err;
}

/* 0: it is no link, or its program cannot be told. */
static __u32 program_id(const char *path)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.prog_id = 0;
	close(fd);
	return info.prog_id;
}

/* Programs of links, by the kernel's numbers for them. */
struct program_ids {
	__u32 *list;
	size_t cnt, room;
};

/* Of one that cannot be noted the end is not waited for. */
static void note_program(struct program_ids *ids, __u32 id)
{
	__u32 *list = array__reserve_one(ids->list, ids->cnt, &ids->room, sizeof(*list));

	if (!list)
		return;
	ids->list = list;
	ids->list[ids->cnt++] = id;
}

/* A link's own number is free before it lets go. Whoever reads `stat` is not waited for beyond the time. */
static void wait_until_detached(const struct program_ids *ids)
{
	__u64 end_ns = clock__now_ns() + DETACH_WAIT_NS;

	for (size_t i = 0; i < ids->cnt; i++) {
		int fd;

		while ((fd = bpf_prog_get_fd_by_id(ids->list[i])) >= 0) {
			close(fd);
			if (clock__now_ns() >= end_ns)
				return;
			usleep(DETACH_POLL_US);
		}
	}
}

/* Removes the files of a folder, and notes what links have run, where all are links. Returns 0 or -errno. */
static int remove_files(const char *dir, struct program_ids *ids)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int err = 0;

	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(stream))) {
		char path[512];
		__u32 id;

		if (entry->d_name[0] == '.' || entry->d_type == DT_DIR)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		id = ids ? program_id(path) : 0;
		if (id)
			note_program(ids, id);
		if (unlink(path) && errno != ENOENT)
			err = -errno;
	}
	closedir(stream);
	return err;
}

/* Those who read it would take sums that stand still for vCPUs that do. */
static void tell_readers(void)
{
	const struct pin_about over = { 0 };
	const __u32 key = 0;
	int fd = open_object(PIN_ABOUT);

	if (fd < 0)
		return;
	bpf_map_update_elem(fd, &key, &over, BPF_ANY);
	close(fd);
}

int pin__remove(void)
{
	struct program_ids ids = { 0 };
	int err;

	if (access(PIN_DIR, F_OK) && errno == ENOENT)
		return -ENOENT;
	tell_readers();
	/* It goes first: no reader is to begin what is about to end. */
	unlink(PIN_DIR "/" PIN_ABOUT);
	err = remove_files(LINKS_DIR, &ids);
	if (!err)
		err = remove_files(PIN_DIR, NULL);
	if (!err && ((rmdir(LINKS_DIR) && errno != ENOENT) || rmdir(PIN_DIR)))
		err = -errno;
	wait_until_detached(&ids);
	free(ids.list);
	return err ? tell(err, "remove " PIN_DIR) : 0;
}
