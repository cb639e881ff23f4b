// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "measure/bpf_loader.h"
#include "measure/pin_dir.h"
#include "measure/pin_objects.h"

#define WRITE_BITS (S_IWUSR | S_IWGRP | S_IWOTH)

/*
 * The group may read maps. It may open no program: whoever has a descriptor of a raw tracepoint
 * program can attach it to any tracepoint, without a capability (BPF_RAW_TRACEPOINT_OPEN).
 */
static const struct pin_object objects[] = {
	{ PIN_VCPUS, 0440, false },
	{ PIN_ENDED, 0440, false },
	{ PIN_STINTS, 0440, true },
	{ PIN_HEALTHS, 0440, false },
	{ PIN_PROCESSES, 0440, false },
	/* Contains kernel addresses. */
	{ PIN_SHARED, 0600, false },
	{ PIN_STAT, 0440, false },
	{ PIN_FORCED_READ, 0600, false },
	{ PIN_ACCOUNTS, 0600, false },
	{ PIN_EVENTS, 0600, false },
	{ PIN_CPU_BEATS, 0600, false },
	{ PIN_HEARTBEAT, 0600, false },
	/*
	 * The last one: a reader that finds it also finds the others. --unpin writes it without the
	 * right to override file modes.
	 */
	{ PIN_ABOUT, 0640, false },
};

const struct pin_object *pin_objects__at(size_t i)
{
	return i < sizeof(objects) / sizeof(objects[0]) ? &objects[i] : NULL;
}

static mode_t mode_of(const char *name)
{
	const struct pin_object *object;

	for (size_t i = 0; (object = pin_objects__at(i)); i++)
		if (!strcmp(object->name, name))
			return object->mode;
	return 0;
}

/*
 * Returns whether a descriptor is of a kind of BPF object, by the name of its anonymous inode:
 * "bpf-map", "bpf-prog", "bpf-link" or "bpf_link".
 */
static bool is_of_kind(int fd, enum pin_kind kind)
{
	static const char *const words[] = {
		[PIN_KIND_MAP] = "map",
		[PIN_KIND_PROGRAM] = "prog",
		[PIN_KIND_LINK] = "link",
	};
	char path[64], target[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	return strstr(target, "bpf") && strstr(target, words[kind]);
}

static int refuse(char *why, size_t size, const char *name, const char *what)
{
	snprintf(why, size, PIN_DIR "/%s %s", name, what);
	return -EPROTO;
}

static int check_file(int fd, const char *name, mode_t allowed, char *why, size_t size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return refuse(why, size, name, "is not a BPF object");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return refuse(why, size, name, "does not belong to root");
	if (st.st_mode & WRITE_BITS & ~(allowed | S_IWUSR))
		return refuse(why, size, name, "is writable by other users");
	return 0;
}

int pin_objects__open_any(int dir_fd, const char *name, enum pin_kind kind, mode_t allowed,
			  unsigned int file_flags, char *why, size_t size)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = file_flags);
	int path_fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[64];
	int fd, err;

	if (path_fd < 0)
		return -errno;
	err = check_file(path_fd, name, allowed, why, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	fd = err ? err : bpf_obj_get_opts(path, &opts);
	close(path_fd);
	if (fd < 0 || is_of_kind(fd, kind))
		return fd;
	close(fd);
	return refuse(why, size, name, "is another kind of BPF object");
}

/* Returns the name of the first property that differs; NULL: all are equal. */
static const char *find_difference(const struct bpf_map_info *is, const struct bpf_map_info *wanted)
{
	if (is->type != wanted->type)
		return "type";
	if (is->key_size != wanted->key_size)
		return "key size";
	if (is->value_size != wanted->value_size)
		return "value size";
	if (is->max_entries != wanted->max_entries)
		return "number of entries";
	return is->map_flags != wanted->map_flags ? "flags" : NULL;
}

static int check_map(int fd, const struct bpf_loader *layout, const char *name, const char **what)
{
	struct bpf_map_info is = { 0 }, wanted = { 0 };
	__u32 len = sizeof(is);
	int err = bpf_obj_get_info_by_fd(fd, &is, &len);

	if (!err)
		err = bpf_loader__map_layout(layout, name, &wanted);
	if (!err)
		*what = find_difference(&is, &wanted);
	return err;
}

static int check_program(int fd, const struct bpf_loader *layout, const char *name,
			 const char **what)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (!err && info.type != bpf_loader__program_type(layout, name))
		*what = "type";
	return err;
}

int pin_objects__open(const struct pin_dir *dir, const struct bpf_loader *layout, const char *name,
		      unsigned int file_flags, char *why, size_t size)
{
	bool is_program = bpf_loader__program_type(layout, name);
	const char *what = NULL;
	int fd, err;

	fd = pin_objects__open_any(dir->fd, name, is_program ? PIN_KIND_PROGRAM : PIN_KIND_MAP,
				   mode_of(name), file_flags, why, size);
	if (fd < 0)
		return fd;
	err = is_program ? check_program(fd, layout, name, &what)
			 : check_map(fd, layout, name, &what);
	if (what) {
		snprintf(why, size, PIN_DIR "/%s has another %s than in this build of gtimehalt",
			 name, what);
		err = -EPROTO;
	}
	if (!err)
		return fd;
	close(fd);
	return err;
}

int pin_objects__pin(int dir_fd, const char *name, int fd)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	err = bpf_obj_pin(fd, path);
	if (err)
		pr_err("cannot pin %s in " PIN_DIR ": %s", name, strerror(-err));
	return err;
}
