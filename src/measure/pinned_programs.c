// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "measure/pin.h"
#include "measure/pinned_programs.h"

/* The fd becomes the list's, or is none. */
static void add(struct pinned_programs *p, const char *name, int fd)
{
	struct pinned_program *program = &p->list[p->cnt];

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

static int program_of_link(const char *name)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	char path[512];
	int link_fd, err;

	snprintf(path, sizeof(path), PIN_DIR "/" PIN_LINKS "/%s", name);
	link_fd = bpf_obj_get(path);
	if (link_fd < 0)
		return link_fd;
	err = bpf_obj_get_info_by_fd(link_fd, &info, &len);
	close(link_fd);
	return err ? err : bpf_prog_get_fd_by_id(info.prog_id);
}

void pinned_programs__open(struct pinned_programs *p)
{
	DIR *stream = opendir(PIN_DIR "/" PIN_LINKS);
	struct dirent *entry;

	p->cnt = 0;
	if (!stream)
		return;
	while ((entry = readdir(stream)))
		/* The timers of the CPUs all have the one below. */
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, "beat-", strlen("beat-")))
			add(p, entry->d_name, program_of_link(entry->d_name));
	closedir(stream);
	add(p, PIN_HEARTBEAT, bpf_obj_get(PIN_DIR "/" PIN_HEARTBEAT));
	add(p, PIN_FORCED_READ, bpf_obj_get(PIN_DIR "/" PIN_FORCED_READ));
}

void pinned_programs__close(struct pinned_programs *p)
{
	for (size_t i = 0; i < p->cnt; i++)
		close(p->list[i].fd);
	p->cnt = 0;
}

size_t pinned_programs__stats(const struct pinned_programs *p, struct program_stats *stats,
			      size_t max)
{
	size_t cnt = 0;

	for (size_t i = 0; i < p->cnt && cnt < max; i++)
		cnt += !program_stats__read(p->list[i].fd, p->list[i].name, &stats[cnt]);
	return cnt;
}
