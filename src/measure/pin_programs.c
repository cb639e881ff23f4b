// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "measure/pin_dir.h"
#include "measure/pin_objects.h"
#include "measure/pin_programs.h"

/* Adds a program to the list, which takes ownership of fd. fd below 0: adds nothing. */
static void add(struct pin_programs *p, const char *name, int fd)
{
	struct pin_program *program = &p->list[p->cnt];

	if (fd < 0)
		return;
	if (p->cnt == PROGRAM_STATS_MAX || strlen(name) >= sizeof(program->name)) {
		close(fd);
		return;
	}
	snprintf(program->name, sizeof(program->name), "%s", name);
	program->fd = fd;
	p->cnt++;
}

static void add_of_link(struct pin_programs *p, int links_fd, const char *name)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	char why[160];
	int fd = pin_objects__open_any(links_fd, name, PIN_KIND_LINK, 0, 0, why, sizeof(why));

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		add(p, name, bpf_prog_get_fd_by_id(info.prog_id));
	close(fd);
}

static void add_links(struct pin_programs *p, const struct pin_dir *dir)
{
	int links_fd = pin_dir__open_links(dir);
	DIR *stream = links_fd < 0 ? NULL : fdopendir(links_fd);
	struct dirent *entry;

	if (!stream) {
		if (links_fd >= 0)
			close(links_fd);
		return;
	}
	while ((entry = readdir(stream)))
		/* The timers of all CPUs run the same program, which is added by name below. */
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, "beat-", strlen("beat-")))
			add_of_link(p, links_fd, entry->d_name);
	closedir(stream);
}

void pin_programs__open(struct pin_programs *p, const struct pin_dir *dir,
			const struct bpf_loader *layout)
{
	static const char *const names[] = { PIN_HEARTBEAT, PIN_FORCED_READ };
	char why[160];

	p->cnt = 0;
	add_links(p, dir);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add(p, names[i], pin_objects__open(dir, layout, names[i], 0, why, sizeof(why)));
}

void pin_programs__close(struct pin_programs *p)
{
	for (size_t i = 0; i < p->cnt; i++)
		close(p->list[i].fd);
	p->cnt = 0;
}

size_t pin_programs__stats(const struct pin_programs *p, struct program_stats *stats, size_t max)
{
	size_t cnt = 0;

	for (size_t i = 0; i < p->cnt && cnt < max; i++)
		cnt += !program_stats__read(p->list[i].fd, p->list[i].name, &stats[cnt]);
	return cnt;
}
