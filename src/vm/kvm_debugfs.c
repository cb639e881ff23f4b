// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/hostfs.h"
#include "vm/kvm_debugfs.h"
#include "base/number.h"

#define KVM_DIR "sys/kernel/debug/kvm"

/* Parses "4711-12". The other entries of the directory are statistics of the host. */
static bool parse_dir(const char *name, struct kvm_dir *dir)
{
	const char *hyphen = strchr(name, '-');
	char creator[16];
	__u64 tid, fd;

	if (!hyphen || (size_t)(hyphen - name) >= sizeof(creator))
		return false;
	memcpy(creator, name, (size_t)(hyphen - name));
	creator[hyphen - name] = '\0';
	if (number__parse(creator, INT_MAX, &tid) || number__parse(hyphen + 1, INT_MAX, &fd))
		return false;
	*dir = (struct kvm_dir){ .creator = (pid_t)tid, .vm_fd = (int)fd };
	return true;
}

static int compare_dirs(const void *a, const void *b)
{
	const struct kvm_dir *x = a, *y = b;

	if (x->creator != y->creator)
		return x->creator < y->creator ? -1 : 1;
	return (x->vm_fd > y->vm_fd) - (x->vm_fd < y->vm_fd);
}

int kvm_debugfs__list(const struct hostfs *fs, struct kvm_dirs *dirs)
{
	const struct dirent *entry;
	struct kvm_dir dir;
	DIR *stream;

	dirs->cnt = 0;
	stream = hostfs__opendir(fs, KVM_DIR);
	if (!stream)
		return 0;
	while ((entry = readdir(stream))) {
		struct kvm_dir *more;

		if (!parse_dir(entry->d_name, &dir))
			continue;
		more = array__reserve_one(dirs->dirs, dirs->cnt, &dirs->room, sizeof(dir));
		if (!more) {
			dirs->cnt = 0;
			closedir(stream);
			return -ENOMEM;
		}
		dirs->dirs = more;
		dirs->dirs[dirs->cnt++] = dir;
	}
	closedir(stream);
	if (dirs->cnt)
		qsort(dirs->dirs, dirs->cnt, sizeof(dir), compare_dirs);
	return 0;
}

void kvm_dirs__free(struct kvm_dirs *dirs)
{
	free(dirs->dirs);
	*dirs = (struct kvm_dirs){ 0 };
}

const struct kvm_dir *kvm_dirs__find(const struct kvm_dirs *dirs, pid_t creator)
{
	size_t low = 0, high = dirs->cnt;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dirs->dirs[middle].creator < creator)
			low = middle + 1;
		else
			high = middle;
	}
	return low < dirs->cnt && dirs->dirs[low].creator == creator ? &dirs->dirs[low] : NULL;
}

static pid_t read_tid(const struct hostfs *fs, const struct kvm_dir *dir, __u32 vcpu_id)
{
	char text[32];
	__u64 tid;

	if (hostfs__read_line(fs, text, sizeof(text), KVM_DIR "/%d-%d/vcpu%u/pid", dir->creator,
			      dir->vm_fd, vcpu_id) <= 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return number__parse(text, INT_MAX, &tid) ? 0 : (pid_t)tid;
}

int kvm_debugfs__read_vcpus(const struct hostfs *fs, const struct kvm_dir *dir,
			    struct kvm_vcpus *vcpus)
{
	static const char prefix[] = "vcpu";
	const struct dirent *entry;
	DIR *stream;

	vcpus->cnt = 0;
	stream = hostfs__opendir(fs, KVM_DIR "/%d-%d", dir->creator, dir->vm_fd);
	if (!stream)
		return 0;
	while ((entry = readdir(stream))) {
		struct kvm_vcpu *more;
		__u64 vcpu_id;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) ||
		    number__parse(entry->d_name + strlen(prefix), UINT32_MAX, &vcpu_id))
			continue;
		more = array__reserve_one(vcpus->vcpus, vcpus->cnt, &vcpus->room, sizeof(*more));
		if (!more) {
			vcpus->cnt = 0;
			closedir(stream);
			return -ENOMEM;
		}
		vcpus->vcpus = more;
		vcpus->vcpus[vcpus->cnt++] = (struct kvm_vcpu){
			.vcpu_id = (__u32)vcpu_id,
			.tid = read_tid(fs, dir, (__u32)vcpu_id),
		};
	}
	closedir(stream);
	return 0;
}

void kvm_vcpus__free(struct kvm_vcpus *vcpus)
{
	free(vcpus->vcpus);
	*vcpus = (struct kvm_vcpus){ 0 };
}
