// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/log.h"
#include "base/process_title.h"
#include "measure/cpu_event.h"
#include "measure/opener.h"
#include "rights/privileges.h"
#include "rights/syscall_filter.h"

/* Opening takes microseconds; while CPUs come and go, it waits for them. */
#define ANSWER_MAX_S 10

/* So long an end is waited for that comes at once, unless somebody has stopped the helper. */
#define END_TRIES   200
#define END_POLL_US 5000

struct opener {
	pid_t pid;
	int socket_fd; /* -1: the helper is not asked any more */
};

struct request {
	int cpu;
	int event;
};

/* With an answer of err 0 comes the descriptor. */
struct answer {
	struct request request;
	int err;
};

union fd_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* The child's only descriptor. */
#define CHILD_FD 0

static int open_one(const struct opener_opts *opts, int cpu, int event)
{
	const struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = opts->type,
		.config = opts->configs[event],
	};

	return cpu_event__open(&attr, cpu, -1);
}

/* On any CPU that is online. */
static int try_to_open(void *arg)
{
	const struct opener_opts *opts = arg;
	int fd = -ENODEV;

	for (int cpu = 0; fd == -ENODEV && cpu < opts->cpu_cnt; cpu++)
		fd = open_one(opts, cpu, EVENT_MPERF);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int send_answer(const struct answer *answer, int event_fd)
{
	struct iovec text = { .iov_base = (void *)answer, .iov_len = sizeof(*answer) };
	union fd_message fd = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };

	if (event_fd >= 0) {
		fd.header.cmsg_level = SOL_SOCKET;
		fd.header.cmsg_type = SCM_RIGHTS;
		fd.header.cmsg_len = CMSG_LEN(sizeof(event_fd));
		memcpy(CMSG_DATA(&fd.header), &event_fd, sizeof(event_fd));
		message.msg_control = &fd;
		message.msg_controllen = sizeof(fd);
	}
	return sendmsg(CHILD_FD, &message, MSG_NOSIGNAL) == sizeof(*answer) ? 0 : -errno;
}

static bool is_valid(const struct opener_opts *opts, const struct request *request)
{
	return request->cpu >= 0 && request->cpu < opts->cpu_cnt && request->event >= 0 &&
	       request->event < EVENT_CNT_PER_CPU;
}

/* Until the parent closes its end, or says what no parent of ours says. */
static int serve(const struct opener_opts *opts)
{
	for (;;) {
		struct answer answer = { .err = -EINVAL };
		struct request *request = &answer.request;
		ssize_t len = recv(CHILD_FD, request, sizeof(*request), MSG_TRUNC);
		int event_fd = -1, err;

		if (len != sizeof(*request))
			return len ? 1 : 0;
		if (is_valid(opts, request)) {
			event_fd = open_one(opts, request->cpu, request->event);
			answer.err = event_fd < 0 ? event_fd : 0;
		}
		err = send_answer(&answer, event_fd);
		if (event_fd >= 0)
			close(event_fd);
		if (err)
			return 1;
	}
}

static int filter_syscalls(const struct opener_opts *opts)
{
	const struct syscall_rule rules[] = {
		SYSCALL_ALLOW_IF(recvfrom, 0, CHILD_FD),
		SYSCALL_ALLOW_IF(sendmsg, 0, CHILD_FD),
		SYSCALL_ALLOW(close),
		SYSCALL_ALLOW(exit_group),
		{ .number = SCMP_SYS(perf_event_open),
		  .cmp_cnt = 4,
		  .cmps = { { 1, SCMP_CMP_EQ, -1UL, 0 },
			    { 2, SCMP_CMP_LT, (unsigned int)opts->cpu_cnt, 0 },
			    { 3, SCMP_CMP_EQ, -1UL, 0 },
			    { 4, SCMP_CMP_EQ, PERF_FLAG_FD_CLOEXEC, 0 } } },
	};
	const struct syscall_list list = { rules, sizeof(rules) / sizeof(rules[0]), NULL, true };

	return syscall_filter__load(&list);
}

/* What the parent has open is not for the helper; stderr is, until it has nothing more to say. */
static int keep_one_fd(int socket_fd)
{
	int high_fd = STDERR_FILENO + 1;

	if (socket_fd != high_fd && dup3(socket_fd, high_fd, 0) < 0)
		return -errno;
	return close_range((unsigned int)high_fd + 1, ~0U, 0) ? -errno : high_fd;
}

/* Gives up all that opening does not need. Returns 0 or -errno; what is not logged the parent logs. */
static int confine(const struct opener_opts *opts, int socket_fd, pid_t parent)
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

	/* Not before: the user's name may be a word of the command line, which this takes. */
	process_title__set("gtimehalt-open", "gtimehalt: opens MPERF");
	/* Nor this: the change of user would undo it. */
	if (!err && prctl(PR_SET_PDEATHSIG, SIGKILL))
		err = -errno;
	if (!err && getppid() != parent)
		err = -ESRCH;
	if (dup3(socket_fd, CHILD_FD, 0) < 0 || close_range(CHILD_FD + 1, ~0U, 0))
		return -errno;
	return err ? err : filter_syscalls(opts);
}

__attribute__((noreturn)) static void run_child(const struct opener_opts *opts, int socket_fd,
						pid_t parent)
{
	struct answer ready = { .request.cpu = -1 };

	socket_fd = keep_one_fd(socket_fd);
	if (socket_fd < 0)
		_exit(1);
	ready.err = confine(opts, socket_fd, parent);
	if (send_answer(&ready, -1) || ready.err)
		_exit(1);
	_exit(serve(opts));
}

/* Returns 0 and the answer, with *event_fd -1 or a descriptor; or -errno. */
static int receive(int socket_fd, struct answer *answer, int *event_fd)
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

	*event_fd = -1;
	do
		len = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(*event_fd)))
		memcpy(event_fd, CMSG_DATA(header), sizeof(*event_fd));
	return len == sizeof(*answer) ? 0 : -EPIPE;
}

/* Waits until the helper is what it is to be. */
static int await(struct opener *opener)
{
	const struct timeval timeout = { .tv_sec = ANSWER_MAX_S };
	struct answer ready;
	int event_fd, err;

	if (setsockopt(opener->socket_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		return -errno;
	err = receive(opener->socket_fd, &ready, &event_fd);
	return err ? err : ready.err;
}

int opener__new(const struct opener_opts *opts, struct opener **out)
{
	struct opener *opener = calloc(1, sizeof(*opener));
	pid_t parent = getpid();
	int sockets[2] = { -1, -1 };
	int err = opener ? 0 : -ENOMEM;

	if (!err && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		err = -errno;
	if (err)
		goto fail;
	opener->socket_fd = sockets[0];
	opener->pid = fork();
	if (!opener->pid)
		run_child(opts, sockets[1], parent);
	err = opener->pid < 0 ? -errno : 0;
	close(sockets[1]);
	if (!err)
		err = await(opener);
	if (err)
		goto fail;
	pr_info("process %d opens MPERF on CPUs that come online", (int)opener->pid);
	*out = opener;
	return 0;
fail:
	pr_err("cannot start the process that opens MPERF on CPUs that come online: %s",
	       strerror(-err));
	if (opener && opener->pid)
		opener__free(opener);
	else
		free(opener);
	return err;
}

static void hang_up(struct opener *opener)
{
	if (opener->socket_fd >= 0)
		close(opener->socket_fd);
	opener->socket_fd = -1;
}

/* One that does not end is killed by the kernel when we do: PR_SET_PDEATHSIG. */
static void await_end(pid_t pid)
{
	for (int i = 0; i < END_TRIES && !waitpid(pid, NULL, WNOHANG); i++)
		usleep(END_POLL_US);
}

void opener__free(struct opener *opener)
{
	if (!opener)
		return;
	hang_up(opener);
	if (opener->pid > 0)
		await_end(opener->pid);
	free(opener);
}

int opener__open(struct opener *opener, int cpu, int event)
{
	const struct request request = { cpu, event };
	struct answer answer;
	int event_fd = -1, err;

	if (opener->socket_fd < 0)
		return -EPIPE;
	err = send(opener->socket_fd, &request, sizeof(request), MSG_NOSIGNAL) == sizeof(request)
		      ? 0
		      : -errno;
	if (!err)
		err = receive(opener->socket_fd, &answer, &event_fd);
	if (!err && !memcmp(&answer.request, &request, sizeof(request)) &&
	    (answer.err < 0) == (event_fd < 0))
		return answer.err ? answer.err : event_fd;
	/* Ended, stuck, or out of step: another answer could be to another question. */
	if (event_fd >= 0)
		close(event_fd);
	hang_up(opener);
	pr_warn("the process that opens MPERF does not answer: "
		"CPUs that come online are not measured any more");
	return -EPIPE;
}

pid_t opener__pid(const struct opener *opener)
{
	return opener->pid;
}
