// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fake_host.h"

#define VM_LINK    "anon_inode:kvm-vm"
#define VM_STANDIN "/memfd:bench-vm (deleted)"

void die(const char *what, int err)
{
	fprintf(stderr, "interval: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

/* Without KVM, a memfd stands for a VM's descriptor; reading its link in /proc costs the same. */
ssize_t __real_hostfs__readlink(const struct hostfs *fs, char *buf, size_t size, const char *format,
				...);
ssize_t __wrap_hostfs__readlink(const struct hostfs *fs, char *buf, size_t size, const char *format,
				...) __attribute__((format(printf, 4, 5)));

ssize_t __wrap_hostfs__readlink(const struct hostfs *fs, char *buf, size_t size, const char *format,
				...)
{
	char path[256], target[64];
	va_list args;
	ssize_t len;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	len = __real_hostfs__readlink(fs, target, sizeof(target), "%s", path);
	if (len < 0)
		return len;
	return snprintf(buf, size, "%s", strcmp(target, VM_STANDIN) ? target : VM_LINK);
}

/* The argument of a vCPU thread. The thread sets tid and sends the structure through the pipe. */
struct vcpu_start {
	int pipe_fd;
	unsigned int vcpu_id;
	pid_t tid;
};

/* The thread of a vCPU: sets its name, reports its TID through the pipe, and waits to be killed. */
static void *run_vcpu(void *arg)
{
	struct vcpu_start *start = arg;
	char name[16];

	snprintf(name, sizeof(name), "CPU %u/KVM", start->vcpu_id);
	start->tid = gettid();
	if (pthread_setname_np(pthread_self(), name) ||
	    write(start->pipe_fd, start, sizeof(*start)) != sizeof(*start))
		die("a vCPU thread", errno);
	for (;;)
		pause();
	return NULL;
}

/* Runs in a child: starts the threads of one VM. */
static void run_vm(unsigned int vcpu_cnt, int pipe_fd)
{
	static struct vcpu_start starts[FAKE_HOST_VCPUS_OF_VM];
	pthread_attr_t attr;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (memfd_create("bench-vm", MFD_CLOEXEC) < 0)
		die("memfd", errno);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (unsigned int i = 0; i < vcpu_cnt; i++) {
		pthread_t thread;
		int err;

		starts[i] = (struct vcpu_start){ .pipe_fd = pipe_fd, .vcpu_id = i };
		err = pthread_create(&thread, &attr, run_vcpu, &starts[i]);
		if (err)
			die("a vCPU thread", err);
	}
	for (;;)
		pause();
}

/* Reads the TIDs of a VM's threads; returns when all of them have started. */
static void read_tids(struct fake_host *host, unsigned int vm, unsigned int vcpu_cnt, int pipe_fd)
{
	for (unsigned int i = 0; i < vcpu_cnt; i++) {
		struct vcpu_start start;

		if (read(pipe_fd, &start, sizeof(start)) != sizeof(start))
			die("a VM process", errno);
		host->tids[vm * FAKE_HOST_VCPUS_OF_VM + start.vcpu_id] = start.tid;
	}
}

static __u64 birth_ns(pid_t pid)
{
	char path[64], text[1024];
	unsigned long long ticks;
	const char *field;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file) || fclose(file))
		die(path, errno);
	field = strrchr(text, ')');
	for (int i = 2; field && i < 22; i++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, "%llu", &ticks) != 1)
		die(path, EPROTO);
	return ticks * (1000000000ULL / (__u64)sysconf(_SC_CLK_TCK));
}

static void start_vms(struct fake_host *host)
{
	for (unsigned int vm = 0; vm < host->vm_cnt; vm++) {
		unsigned int left = host->vcpu_cnt - vm * FAKE_HOST_VCPUS_OF_VM;
		unsigned int vcpu_cnt = left < FAKE_HOST_VCPUS_OF_VM ? left : FAKE_HOST_VCPUS_OF_VM;
		int fds[2];

		if (pipe2(fds, O_CLOEXEC))
			die("pipe", errno);
		host->pids[vm] = fork();
		if (!host->pids[vm])
			run_vm(vcpu_cnt, fds[1]);
		if (host->pids[vm] < 0)
			die("a VM process", errno);
		close(fds[1]);
		read_tids(host, vm, vcpu_cnt, fds[0]);
		close(fds[0]);
		host->births_ns[vm] = birth_ns(host->pids[vm]);
	}
}

static void write_file(const char *root, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/bus/event_source/devices/msr/%s", root, name);
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file))
		die(path, errno);
}

/*
 * Makes a root in which MPERF is TSC, because this machine need not have MPERF; its /proc is the
 * real one.
 */
static void make_root(struct fake_host *host)
{
	static const char *const dirs[] = { "sys",
					    "sys/bus",
					    "sys/bus/event_source",
					    "sys/bus/event_source/devices",
					    "sys/bus/event_source/devices/msr",
					    "sys/bus/event_source/devices/msr/events" };
	char path[128], type[16];
	FILE *file = fopen("/sys/bus/event_source/devices/msr/type", "re");

	strcpy(host->root, "/tmp/bench-root-XXXXXX");
	if (!file || !fgets(type, sizeof(type), file) || fclose(file) || !mkdtemp(host->root))
		die("making a root with MPERF", errno);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", host->root, dirs[i]);
		if (mkdir(path, 0700))
			die(path, errno);
	}
	write_file(host->root, "type", type);
	write_file(host->root, "events/mperf", "event=0x00\n");
	write_file(host->root, "events/tsc", "event=0x00\n");
	snprintf(path, sizeof(path), "%s/proc", host->root);
	if (symlink("/proc", path) || hostfs__open(&host->fs, host->root))
		die(path, errno);
}

static void remove_root(const struct fake_host *host)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", host->root);
	if (system(command))
		fprintf(stderr, "interval: cannot remove %s\n", host->root);
}

void fake_host__start(struct fake_host *host, unsigned int vcpu_cnt)
{
	host->vcpu_cnt = vcpu_cnt;
	host->vm_cnt = (vcpu_cnt + FAKE_HOST_VCPUS_OF_VM - 1) / FAKE_HOST_VCPUS_OF_VM;
	host->pids = calloc(host->vm_cnt, sizeof(*host->pids));
	host->births_ns = calloc(host->vm_cnt, sizeof(*host->births_ns));
	host->tids = calloc((size_t)host->vm_cnt * FAKE_HOST_VCPUS_OF_VM, sizeof(*host->tids));
	if (!host->pids || !host->births_ns || !host->tids)
		die("a host", ENOMEM);
	start_vms(host);
	make_root(host);
}

void fake_host__stop(struct fake_host *host)
{
	for (unsigned int vm = 0; vm < host->vm_cnt; vm++) {
		kill(host->pids[vm], SIGKILL);
		waitpid(host->pids[vm], NULL, 0);
	}
	remove_root(host);
	hostfs__close(&host->fs);
	free(host->pids);
	free(host->births_ns);
	free(host->tids);
}
