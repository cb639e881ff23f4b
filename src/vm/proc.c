// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/hostfs.h"
#include "base/number.h"
#include "vm/proc.h"

/* Larger than everything up to field 22 of /proc/PID/stat. */
#define STAT_MAX 1024

int proc__error(int err)
{
	return err == -ENOENT ? -ESRCH : err;
}

bool proc__is_closed(int err)
{
	return err == -EACCES || err == -EPERM;
}

int proc__read_start(const struct hostfs *fs, pid_t pid, __u64 *start_ticks)
{
	char text[STAT_MAX];
	char *rest, *field;
	ssize_t len;

	len = hostfs__read_line(fs, text, sizeof(text), "proc/%d/stat", pid);
	if (len < 0)
		return proc__error((int)len);
	/* comm (field 2) may contain blanks and parentheses; the fields after it cannot. */
	rest = strrchr(text, ')');
	for (int number = 2; (field = strsep(&rest, " \n")); number++)
		if (number == 22)
			return number__parse(field, UINT64_MAX, start_ticks) ? -EPROTO : 0;
	return -EPROTO;
}

int proc__open_task(const struct hostfs *fs, pid_t pid)
{
	int fd = hostfs__open_dir(fs, "proc/%d/task", pid);

	return fd < 0 ? proc__error(fd) : fd;
}

long proc__thread_cnt(int task_fd)
{
	long link_cnt = hostfs__link_cnt(task_fd);

	if (link_cnt < 0)
		return proc__error((int)link_cnt);
	return link_cnt > 2 ? link_cnt - 2 : -ESRCH;
}

bool proc__is_thread(const struct hostfs *fs, pid_t pid)
{
	/*
	 * If status is unreadable or has no Tgid line, the caller's look at /proc/PID/fd reports
	 * the error.
	 */
	static const char key[] = "\nTgid:\t";
	char status[512];
	char *tgid;
	__u64 value;

	if (hostfs__read(fs, status, sizeof(status), "proc/%d/status", pid) < 0)
		return false;
	tgid = strstr(status, key);
	if (!tgid)
		return false;
	tgid += strlen(key);
	tgid[strcspn(tgid, "\n")] = '\0';
	return number__parse(tgid, INT_MAX, &value) == 0 && (pid_t)value != pid;
}

int proc__next_number(DIR *dir, __u64 *number)
{
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (number__parse(entry->d_name, INT_MAX, number) == 0)
			return 1;
	}
}

int proc__check_vm_fd(const struct hostfs *fs, pid_t pid, int fd)
{
	static const char target[] = "anon_inode:kvm-vm";
	/* one byte more, so that a longer target does not compare equal */
	char link[sizeof(target) + 1];
	ssize_t len = hostfs__readlink(fs, link, sizeof(link), "proc/%d/fd/%d", pid, fd);

	if (len < 0)
		return (int)len;
	return strcmp(link, target) ? -ENODEV : 0;
}

int proc__read_vcpu_fd(const struct hostfs *fs, pid_t pid, int fd, __u32 *vcpu_id)
{
	static const char prefix[] = "anon_inode:kvm-vcpu:";
	/* room for any 32-bit number; a full buffer means a truncated link */
	char link[sizeof(prefix) + 16];
	ssize_t len = hostfs__readlink(fs, link, sizeof(link), "proc/%d/fd/%d", pid, fd);
	__u64 value;

	if (len < 0)
		return (int)len;
	if ((size_t)len == sizeof(link) - 1 || strncmp(link, prefix, strlen(prefix)) ||
	    number__parse(link + strlen(prefix), UINT32_MAX, &value))
		return -ENODEV;
	*vcpu_id = (__u32)value;
	return 0;
}

int proc__kvm_run_fd(const struct hostfs *fs, pid_t pid, pid_t tid)
{
	/* "16 0xd 0xae80 ...": the number of ioctl on x86-64, its descriptor, KVM_RUN */
	static const char before[] = "16 0x", after[] = " 0xae80 ";
	static const char digits[] = "0123456789abcdef";
	const char *digit;
	char text[256];
	ssize_t len;
	int fd = 0;

	len = hostfs__read_line(fs, text, sizeof(text), "proc/%d/task/%d/syscall", pid, tid);
	if (len < 0)
		return proc__error((int)len);
	if (strncmp(text, before, strlen(before)))
		return -ENODEV;
	digit = text + strlen(before);
	for (; *digit && strchr(digits, *digit); digit++) {
		if (fd > INT_MAX >> 4)
			return -ENODEV;
		fd = fd << 4 | (int)(strchr(digits, *digit) - digits);
	}
	return strncmp(digit, after, strlen(after)) ? -ENODEV : fd;
}
