// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/log.h"
#include "base/process_title.h"
#include "measure/cpu_event.h"
#include "measure/perf_helper.h"
#include "rights/privileges.h"
#include "rights/syscall_filter.h"

/* Opening takes microseconds, but waits while CPUs are coming online or going offline. */
#define ANSWER_MAX_S 10

/* Time to wait for the helper's end, which is immediate unless the helper is stopped. */
#define END_TRIES   200
#define END_POLL_US 5000

struct perf_helper {
	pid_t pid;
	int socket_fd; /* -1: the helper gets no more requests */
};

/* A request is the number of a CPU, an int. The descriptors come with an answer whose err is 0. */
struct answer {
	int cpu;
	int err;
};

#define FDS_SIZE (EVENT_CNT_PER_CPU * sizeof(int))

union fd_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(FDS_SIZE)];
};

/*
 * The child's only descriptor, and the one that the leader of the events gets while the child opens
 * them.
 */
#define CHILD_FD  0
#define LEADER_FD 1

/* Opens the events on any online CPU, to test the rights. Returns 0 or -errno. */
static int try_to_open(void *arg)
{
	const struct perf_helper_opts *opts = arg;
	int fds[EVENT_CNT_PER_CPU] = { -1, -1 }, err = -ENODEV;

	for (int cpu = 0; err == -ENODEV && cpu < opts->cpu_cnt; cpu++)
		err = cpu_events__open(&opts->events, cpu, fds);
	cpu_events__close(fds);
	return err;
}

/* Sends an answer with EVENT_CNT_PER_CPU descriptors; fds NULL: with none. Returns 0 or -errno. */
static int send_answer(const struct answer *answer, const int *fds)
{
	struct iovec text = { .iov_base = (void *)answer, .iov_len = sizeof(*answer) };
	union fd_message fd = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };

	if (fds) {
		fd.header.cmsg_level = SOL_SOCKET;
		fd.header.cmsg_type = SCM_RIGHTS;
		fd.header.cmsg_len = CMSG_LEN(FDS_SIZE);
		memcpy(CMSG_DATA(&fd.header), fds, FDS_SIZE);
		message.msg_control = &fd;
		message.msg_controllen = sizeof(fd);
	}
	return sendmsg(CHILD_FD, &message, MSG_NOSIGNAL) == sizeof(*answer) ? 0 : -errno;
}

/*
 * Answers requests until the parent closes its end (returns 0), or until an error or a malformed
 * request (returns 1).
 */
static int serve(const struct perf_helper_opts *opts)
{
	for (;;) {
		struct answer answer = { .err = -EINVAL };
		ssize_t len = recv(CHILD_FD, &answer.cpu, sizeof(answer.cpu), MSG_TRUNC);
		int fds[EVENT_CNT_PER_CPU] = { -1, -1 }, err;

		if (len != sizeof(answer.cpu))
			return len ? 1 : 0;
		if (answer.cpu >= 0 && answer.cpu < opts->cpu_cnt)
			answer.err = cpu_events__open(&opts->events, answer.cpu, fds);
		err = send_answer(&answer, answer.err ? NULL : fds);
		cpu_events__close(fds);
		if (err)
			return 1;
	}
}

static int filter_syscalls(const struct perf_helper_opts *opts)
{
#define RULE_TO_OPEN(group_fd)                                                                     \
	{                                                                                          \
		.number = SCMP_SYS(perf_event_open), .cmp_cnt = 4, .cmps = {                       \
			{ 1, SCMP_CMP_EQ, -1UL, 0 },                                               \
			{ 2, SCMP_CMP_LT, (unsigned int)opts->cpu_cnt, 0 },                        \
			{ 3, SCMP_CMP_EQ, group_fd, 0 },                                           \
			{ 4, SCMP_CMP_EQ, PERF_FLAG_FD_CLOEXEC, 0 }                                \
		}                                                                                  \
	}
	const struct syscall_rule rules[] = {
		SYSCALL_ALLOW_IF(recvfrom, 0, CHILD_FD),
		SYSCALL_ALLOW_IF(sendmsg, 0, CHILD_FD),
		SYSCALL_ALLOW(close),
		SYSCALL_ALLOW(exit_group),
		RULE_TO_OPEN(-1UL),
		RULE_TO_OPEN(LEADER_FD),
	};
	const struct syscall_list list = { rules, sizeof(rules) / sizeof(rules[0]), NULL, true };

	return syscall_filter__load(&list);
#undef RULE_TO_OPEN
}

/*
 * Closes what the parent has open, except the socket, and stderr, to which the helper may still
 * write.
 */
static int keep_one_fd(int socket_fd)
{
	int high_fd = STDERR_FILENO + 1;

	if (socket_fd != high_fd && dup3(socket_fd, high_fd, 0) < 0)
		return -errno;
	return close_range((unsigned int)high_fd + 1, ~0U, 0) ? -errno : high_fd;
}

/*
 * Gives up all rights that opening does not need. Returns 0 or -errno; the parent logs what is not
 * logged here.
 */
static int confine(const struct perf_helper_opts *opts, int socket_fd, pid_t parent)
{
	static const int caps[] = { PRIVILEGES_NONE, CAP_PERFMON, CAP_SYS_ADMIN };
	const struct privileges_opts privileges = {
		.user = opts->user,
		.caps = caps,
		.cap_cnt = sizeof(caps) / sizeof(caps[0]),
		.works = try_to_open,
		.arg = (void *)opts,
	};
	int err = privileges__drop(&privileges);

	/*
	 * Set the title only now: the user's name may be part of the command line, which the title
	 * overwrites.
	 */
	process_title__set("gtimehalt-open", "gtimehalt: opens MPERF");
	/* Set the signal only now: changing the user would reset it. */
	if (!err && prctl(PR_SET_PDEATHSIG, SIGKILL))
		err = -errno;
	if (!err && getppid() != parent)
		err = -ESRCH;
	if (dup3(socket_fd, CHILD_FD, 0) < 0 || close_range(CHILD_FD + 1, ~0U, 0))
		return -errno;
	return err ? err : filter_syscalls(opts);
}

__attribute__((noreturn)) static void run_child(const struct perf_helper_opts *opts, int socket_fd,
						pid_t parent)
{
	struct answer ready = { .cpu = -1 };

	socket_fd = keep_one_fd(socket_fd);
	if (socket_fd < 0)
		_exit(1);
	ready.err = confine(opts, socket_fd, parent);
	if (send_answer(&ready, NULL) || ready.err)
		_exit(1);
	_exit(serve(opts));
}

/* Receives an answer. Returns 0, and sets fds to the descriptors or to -1; or -errno. */
static int receive(int socket_fd, struct answer *answer, int *fds)
{
	struct iovec text = { .iov_base = answer, .iov_len = sizeof(*answer) };
	union fd_message fd;
	struct msghdr message = {
		.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &fd,
		.msg_controllen = sizeof(fd),
	};
	const struct cmsghdr *header;
	ssize_t len;

	memset(fds, -1, FDS_SIZE);
	do
		len = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(FDS_SIZE))
		memcpy(fds, CMSG_DATA(header), FDS_SIZE);
	return len == sizeof(*answer) ? 0 : -EPIPE;
}

/* Waits until the helper has dropped its rights. Returns 0 or -errno. */
static int await(struct perf_helper *helper)
{
	const struct timeval timeout = { .tv_sec = ANSWER_MAX_S };
	struct answer ready;
	int fds[EVENT_CNT_PER_CPU], err;

	if (setsockopt(helper->socket_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		return -errno;
	err = receive(helper->socket_fd, &ready, fds);
	return err ? err : ready.err;
}

int perf_helper__new(const struct perf_helper_opts *opts, struct perf_helper **out)
{
	struct perf_helper *helper = calloc(1, sizeof(*helper));
	pid_t parent = getpid();
	int sockets[2] = { -1, -1 };
	int err = helper ? 0 : -ENOMEM;

	if (!err && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		err = -errno;
	if (err)
		goto fail;
	helper->socket_fd = sockets[0];
	helper->pid = fork();
	if (!helper->pid)
		run_child(opts, sockets[1], parent);
	err = helper->pid < 0 ? -errno : 0;
	close(sockets[1]);
	if (!err)
		err = await(helper);
	if (err)
		goto fail;
	pr_info("process %d opens MPERF on CPUs that come online", (int)helper->pid);
	*out = helper;
	return 0;
fail:
	pr_err("cannot start the process that opens MPERF on CPUs that come online: %s",
	       strerror(-err));
	if (helper && helper->pid)
		perf_helper__free(helper);
	else
		free(helper);
	return err;
}

static void close_socket(struct perf_helper *helper)
{
	if (helper->socket_fd >= 0)
		close(helper->socket_fd);
	helper->socket_fd = -1;
}

/*
 * Waits a limited time for the helper. If it does not end, the kernel kills it when this process
 * ends (PR_SET_PDEATHSIG).
 */
static void await_end(pid_t pid)
{
	for (int i = 0; i < END_TRIES && !waitpid(pid, NULL, WNOHANG); i++)
		usleep(END_POLL_US);
}

void perf_helper__free(struct perf_helper *helper)
{
	if (!helper)
		return;
	close_socket(helper);
	if (helper->pid > 0)
		await_end(helper->pid);
	free(helper);
}

int perf_helper__open(struct perf_helper *helper, int cpu, int *fds)
{
	struct answer answer;
	int err;

	memset(fds, -1, FDS_SIZE);

	if (helper->socket_fd < 0)
		return -EPIPE;
	err = send(helper->socket_fd, &cpu, sizeof(cpu), MSG_NOSIGNAL) == sizeof(cpu) ? 0 : -errno;
	if (!err)
		err = receive(helper->socket_fd, &answer, fds);
	if (!err && answer.cpu == cpu && (answer.err < 0) == (fds[0] < 0))
		return answer.err;
	/*
	 * The helper has ended, is stuck, or its answers no longer match the requests: never use it
	 * again.
	 */
	cpu_events__close(fds);
	close_socket(helper);
	pr_warn("the process that opens MPERF does not answer: "
		"CPUs that come online are no longer measured");
	return -EPIPE;
}

pid_t perf_helper__pid(const struct perf_helper *helper)
{
	return helper->pid;
}

const struct perf_helper_ops perf_helper_ops = { perf_helper__new, perf_helper__open,
						 perf_helper__free };
