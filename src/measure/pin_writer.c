// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/array.h"
#include "base/clock.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "gtimehalt.h"
#include "measure/bpf_loader.h"
#include "measure/heartbeat.h"
#include "measure/perf_events.h"
#include "measure/pin_dir.h"
#include "measure/pin_objects.h"
#include "measure/pin_writer.h"

/* The kernel releases a link's program and target after one or two grace periods. */
#define DETACH_WAIT_NS 5000000000ULL
#define DETACH_POLL_US 5000

/*
 * Checks that all links can be pinned. Before Linux 5.15 the link of a kprobe or a timer is not an
 * object: its descriptor is that of the perf event.
 */
static int check_links(const struct bpf_loader *loader)
{
	struct bpf_link_info info;
	const char *program;
	int fd;

	for (size_t i = 0; (fd = bpf_loader__link_fd(loader, i, &program)) >= 0; i++) {
		__u32 len = sizeof(info);

		memset(&info, 0, sizeof(info));
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			continue;
		pr_err("this kernel cannot pin %s: --pin needs Linux 5.15 or later", program);
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * Makes the directory links/ and opens it, after removing the objects of a running or incomplete
 * measurement. A directory that was never used has none. Returns a descriptor or -errno, logged.
 */
static int make_links_dir(const struct pin_dir *dir)
{
	int err = pin_writer__remove(dir);

	if (err && err != -ENOENT)
		return err;
	if (!err)
		pr_warn("a killed --pin or --unpin had left part of a measurement in " PIN_DIR
			": removed");
	if (mkdirat(dir->fd, PIN_LINKS, 0700) && errno != EEXIST)
		return log__failure("make " PIN_DIR "/" PIN_LINKS, -errno);
	err = pin_dir__open_links(dir);
	return err < 0 ? log__failure("open " PIN_DIR "/" PIN_LINKS, err) : err;
}

static void name_timer(char *name, size_t size, int cpu)
{
	snprintf(name, size, "beat-%d", cpu);
}

static int pin_timer(int links_fd, const struct heartbeat *heartbeat, int cpu)
{
	int fd = heartbeat__start(heartbeat, cpu);
	char name[64];
	int err;

	if (fd < 0)
		return fd;
	name_timer(name, sizeof(name), cpu);
	err = pin_objects__pin(links_fd, name, fd);
	close(fd);
	return err;
}

static int pin_timers(int links_fd, const struct bpf_loader *loader)
{
	struct heartbeat heartbeat = {
		.prog_fd = bpf_loader__object_fd(loader, PIN_HEARTBEAT),
		.cpu_beats_fd = bpf_loader__object_fd(loader, PIN_CPU_BEATS),
	};

	for (int cpu = 0; cpu < bpf_loader__cpu_cnt(loader); cpu++) {
		int err = pin_timer(links_fd, &heartbeat, cpu);

		if (err == -EINVAL) {
			pr_err("this kernel cannot pin a timer: --pin needs Linux 5.15 or later");
			return -EOPNOTSUPP;
		}
		/*
		 * ENODEV: the CPU is offline. pin_writer__renew() starts its timer when it comes
		 * online.
		 */
		if (err && err != -ENODEV)
			return log__failure("start the timers of the CPUs", err);
	}
	return 0;
}

static int give(const struct pin_dir *dir, const char *name, mode_t mode, gid_t gid)
{
	if (fchmodat(dir->fd, name, mode, 0) ||
	    (gid != (gid_t)-1 && fchownat(dir->fd, name, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW)))
		return log__failure("set the modes of the pinned objects", -errno);
	return 0;
}

static int pin_objects(const struct pin_dir *dir, const struct bpf_loader *loader, gid_t gid)
{
	const struct pin_object *object;

	for (size_t i = 0; (object = pin_objects__at(i)); i++) {
		int fd = bpf_loader__object_fd(loader, object->name);
		int err;

		if (object->only_histogram && fd < 0)
			continue;
		err = pin_objects__pin(dir->fd, object->name, fd);
		if (!err)
			err = give(dir, object->name, object->mode, gid);
		if (err)
			return err;
	}
	/*
	 * The group may only search the directory, not list it, because a process that can open it
	 * could lock it.
	 */
	return give(dir, ".", gid == (gid_t)-1 ? 0700 : 0710, gid);
}

static int pin_links(int links_fd, const struct bpf_loader *loader)
{
	const char *program;
	int fd;

	for (size_t i = 0; (fd = bpf_loader__link_fd(loader, i, &program)) >= 0; i++) {
		int err = pin_objects__pin(links_fd, program, fd);

		if (err)
			return err;
	}
	return 0;
}

int pin_writer__create(const struct pin_dir *dir, const struct bpf_loader *loader, gid_t gid)
{
	int err = check_links(loader);
	int links_fd;

	if (err)
		return err;
	links_fd = make_links_dir(dir);
	if (links_fd < 0)
		return links_fd;
	err = pin_links(links_fd, loader);
	if (!err)
		err = pin_timers(links_fd, loader);
	close(links_fd);
	return err ? err : pin_objects(dir, loader, gid);
}

struct renewal {
	struct heartbeat heartbeat;
	int events_fd, links_fd;
	int cpu_cnt;
	struct perf_events *perf_events;
};

static int renew_cpu(const struct renewal *r, int cpu)
{
	char name[64];
	int err = perf_events__reopen(r->perf_events, cpu);

	if (!err)
		err = perf_events__hand_over(r->perf_events, cpu, r->events_fd);
	if (err)
		return err;
	name_timer(name, sizeof(name), cpu);
	unlinkat(r->links_fd, name, 0);
	return pin_timer(r->links_fd, &r->heartbeat, cpu);
}

static bool is_late(int cpu_beats_fd, int cpu)
{
	struct cpu_beat beat;
	__u32 key = (__u32)cpu;

	return bpf_map_lookup_elem(cpu_beats_fd, &key, &beat) ||
	       beat.beat_ns + HEARTBEAT_LATE_NS < clock__now_ns();
}

static int renew_cpus(const struct renewal *r)
{
	int renewed = 0;

	for (int cpu = 0; cpu < r->cpu_cnt; cpu++) {
		int err;

		if (!is_late(r->heartbeat.cpu_beats_fd, cpu))
			continue;
		err = renew_cpu(r, cpu);
		if (err && err != -ENODEV)
			return log__failure("start the timer of a CPU", err);
		renewed += !err;
	}
	return renewed;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int open_renewal(struct renewal *r, const struct pin_dir *dir,
			const struct bpf_loader *layout)
{
	struct {
		const char *name;
		int *fd;
	} objects[] = {
		{ PIN_HEARTBEAT, &r->heartbeat.prog_fd },
		{ PIN_CPU_BEATS, &r->heartbeat.cpu_beats_fd },
		{ PIN_EVENTS, &r->events_fd },
	};
	char why[160];

	r->links_fd = pin_dir__open_links(dir);
	if (r->links_fd < 0)
		return log__failure("open " PIN_DIR "/" PIN_LINKS, r->links_fd);
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		int fd = pin_objects__open(dir, layout, objects[i].name, 0, why, sizeof(why));

		if (fd == -EPROTO)
			pr_err("%s: --unpin it and --pin it again", why);
		else if (fd < 0)
			log__failure("open the objects pinned in " PIN_DIR, fd);
		if (fd < 0)
			return fd;
		*objects[i].fd = fd;
	}
	return 0;
}

int pin_writer__renew(const struct pin_dir *dir, const struct hostfs *fs)
{
	struct renewal r = {
		.heartbeat = { .prog_fd = -1, .cpu_beats_fd = -1 },
		.events_fd = -1,
		.links_fd = -1,
	};
	struct bpf_loader *layout = NULL;
	int err = bpf_loader__new_layout(&layout);

	if (!err)
		err = open_renewal(&r, dir, layout);
	if (!err) {
		r.cpu_cnt = bpf_loader__cpu_cnt(layout);
		err = perf_events__new_closed(fs, r.cpu_cnt, &r.perf_events);
	}
	if (!err)
		err = renew_cpus(&r);
	perf_events__free(r.perf_events);
	bpf_loader__free(layout);
	close_fd(r.links_fd);
	close_fd(r.events_fd);
	close_fd(r.heartbeat.cpu_beats_fd);
	close_fd(r.heartbeat.prog_fd);
	return err;
}

/* IDs of the programs of links. */
struct program_ids {
	__u32 *list;
	size_t cnt, room;
};

/*
 * Adds a program's ID. If memory is short, the program is left out and its detachment is not waited
 * for.
 */
static void note_program(struct program_ids *ids, __u32 id)
{
	__u32 *list = array__reserve_one(ids->list, ids->cnt, &ids->room, sizeof(*list));

	if (!list)
		return;
	ids->list = list;
	ids->list[ids->cnt++] = id;
}

/*
 * Waits until the kernel has released the programs. The ID of a link is free earlier, before the
 * link releases its program. The time is limited, because a reader of `stat` holds its program.
 */
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

/* Returns the ID of a link's program; 0 if the object is not a link or its program is unknown. */
static __u32 program_id(int dir_fd, const char *name)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	char why[160];
	int fd = pin_objects__open_any(dir_fd, name, PIN_KIND_LINK, 0, 0, why, sizeof(why));

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.prog_id = 0;
	close(fd);
	return info.prog_id;
}

/*
 * Goes through the files of a directory. If ids is given, removes them and adds the programs of
 * links to ids; only counts them otherwise. Returns how many there were, or -errno.
 */
static int walk_files(int dir_fd, struct program_ids *ids)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int cnt = 0, err = 0;

	if (!stream) {
		err = -errno;
		close_fd(fd);
		return err;
	}
	while ((entry = readdir(stream))) {
		__u32 id;

		if (entry->d_type == DT_DIR) {
			if (ids && entry->d_name[0] != '.' && strcmp(entry->d_name, PIN_LINKS))
				pr_warn("not removing %s in " PIN_DIR
					": gtimehalt did not create this directory",
					entry->d_name);
			continue;
		}
		cnt++;
		if (!ids)
			continue;
		id = program_id(dir_fd, entry->d_name);
		if (id)
			note_program(ids, id);
		if (unlinkat(dir_fd, entry->d_name, 0) && errno != ENOENT)
			err = -errno;
	}
	closedir(stream);
	return err ? err : cnt;
}

static int walk_all(const struct pin_dir *dir, struct program_ids *ids)
{
	int links_fd = pin_dir__open_links(dir);
	int links = links_fd < 0 ? 0 : walk_files(links_fd, ids);
	int others;

	close_fd(links_fd);
	if (links < 0)
		return links;
	others = walk_files(dir->fd, ids);
	return others < 0 ? others : links + others;
}

bool pin_writer__is_left_over(void)
{
	struct pin_dir dir;
	bool left;

	/* A process that is pinning or unpinning now holds the lock. */
	if (pin_dir__try_lock(&dir))
		return false;
	left = faccessat(dir.fd, PIN_ABOUT, F_OK, AT_SYMLINK_NOFOLLOW) && walk_all(&dir, NULL) > 0;
	pin_dir__close(&dir);
	return left;
}

/*
 * Marks the measurement as ended for its readers, who would otherwise take sums that no longer grow
 * for idle vCPUs. Works for other versions of the layout too, because their first field is 0 as
 * well then.
 */
static void end_readers(int about_fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	const __u32 key = 0;
	void *over;

	if (bpf_obj_get_info_by_fd(about_fd, &info, &len) || info.type != BPF_MAP_TYPE_ARRAY)
		return;
	over = calloc(1, info.value_size);
	if (over)
		bpf_map_update_elem(about_fd, &key, over, BPF_ANY);
	free(over);
}

int pin_writer__remove(const struct pin_dir *dir)
{
	struct program_ids ids = { 0 };
	char why[160];
	int about_fd = pin_objects__open_any(dir->fd, PIN_ABOUT, PIN_KIND_MAP, S_IWGRP | S_IWOTH, 0,
					     why, sizeof(why));
	/*
	 * Remove PIN_ABOUT first, so that no new reader opens a measurement that is about to end.
	 */
	bool had_about = !unlinkat(dir->fd, PIN_ABOUT, 0);
	int cnt;

	if (about_fd >= 0) {
		end_readers(about_fd);
		close(about_fd);
	}
	cnt = walk_all(dir, &ids);
	wait_until_detached(&ids);
	free(ids.list);
	if (cnt < 0)
		return log__failure("remove what is in " PIN_DIR, cnt);
	return cnt || had_about ? 0 : -ENOENT;
}
