// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include "child.h"
#include "rights/syscall_filter.h"
#include "run/exporter_syscalls.h"

/* Sockets that exist before the filter is installed. */
struct doors {
	int listener, client;
};

static void open_doors(struct doors *doors)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);

	doors->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHILD_CHECK(!bind(doors->listener, (struct sockaddr *)&address, len));
	CHILD_CHECK(!listen(doors->listener, 8));
	CHILD_CHECK(!getsockname(doors->listener, (struct sockaddr *)&address, &len));
	doors->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHILD_CHECK(!connect(doors->client, (struct sockaddr *)&address, len));
}

static void serve(const struct doors *doors)
{
	int on = 1, peer = accept4(doors->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char text[8];

	CHILD_CHECK(peer >= 0);
	CHILD_CHECK(!setsockopt(peer, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)));
	CHILD_CHECK(send(peer, "hello", 5, MSG_NOSIGNAL) == 5);
	CHILD_CHECK(recv(doors->client, text, sizeof(text), 0) == 5);
	CHILD_CHECK(!shutdown(peer, SHUT_WR) && !close(peer));
}

static void wait_for_events(void)
{
	struct itimerspec soon = { .it_value = { .tv_nsec = 1000 } };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sigset_t signals;
	int signal_fd, timer_fd;

	/* Does what interval__open() does, but after the filter was installed. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	CHILD_CHECK(!sigprocmask(SIG_BLOCK, &signals, NULL));
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	CHILD_CHECK(signal_fd >= 0 && !epoll_ctl(epoll_fd, EPOLL_CTL_ADD, signal_fd, &event));
	timer_fd = 3; /* the descriptor that setup() created */
	CHILD_CHECK(!timerfd_settime(timer_fd, 0, &soon, NULL));
	CHILD_CHECK(!epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event));
	CHILD_CHECK(epoll_wait(epoll_fd, &event, 1, 1000) == 1);
}

static void read_files(void)
{
	struct rusage usage;
	struct rlimit limit;
	char text[256];
	FILE *file = fopen("/proc/self/stat", "r");
	DIR *dir = opendir("/proc/self/fd");

	CHILD_CHECK(file && fgets(text, sizeof(text), file) && !fclose(file));
	CHILD_CHECK(dir && readdir(dir) && !closedir(dir));
	CHILD_CHECK(readlink("/proc/self/exe", text, sizeof(text)) > 0);
	CHILD_CHECK(faccessat(AT_FDCWD, "/proc/self/comm", F_OK, 0) == 0);
	CHILD_CHECK(faccessat(AT_FDCWD, "/proc/self/comm", F_OK, AT_EACCESS) == 0);
	CHILD_CHECK(!getrusage(RUSAGE_SELF, &usage) && !getrlimit(RLIMIT_NOFILE, &limit));
}

static void use_the_rest(void)
{
	const struct timespec pause = { .tv_nsec = 1000 };
	time_t now = time(NULL);
	struct tm local;
	char *big = malloc(64 << 20);

	CHILD_CHECK(big);
	memset(big, 1, 1 << 20);
	big = realloc(big, 128 << 20);
	CHILD_CHECK(big);
	free(big);
	CHILD_CHECK(localtime_r(&now, &local) && !nanosleep(&pause, NULL));
	/* Checks whether a thread exists. The error comes from the kernel, not from the filter. */
	CHILD_CHECK(!syscall(SYS_tgkill, getpid(), getpid(), 0));
	CHILD_CHECK(syscall(SYS_tgkill, getpid(), 0x3fffffff, 0) < 0 && errno == ESRCH);
	CHILD_CHECK(dprintf(STDERR_FILENO, "%s", "") == 0);
}

static void notify(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/tmp/nobody-listens" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHILD_CHECK(fd >= 0);
	CHILD_CHECK(sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&address,
			   sizeof(address)) < 0);
	CHILD_CHECK(errno != EPERM);
	CHILD_CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
		    errno == EPERM);
	close(fd);
}

static long call_bpf(int cmd)
{
	union bpf_attr attr = { 0 };

	return syscall(SYS_bpf, cmd, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

static void be_refused(void)
{
	struct rlimit limit = { 1, 1 };
	char *const argv[] = { NULL };

	CHILD_CHECK(call_bpf(BPF_PROG_LOAD) == -EPERM && call_bpf(BPF_MAP_CREATE) == -EPERM);
	CHILD_CHECK(call_bpf(BPF_OBJ_GET) == -EPERM && call_bpf(BPF_PROG_GET_FD_BY_ID) == -EPERM);
	CHILD_CHECK(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
	CHILD_CHECK(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EPERM);
	CHILD_CHECK(fork() < 0 && errno == EPERM);
	CHILD_CHECK(execve("/bin/true", argv, argv) < 0 && errno == EPERM);
	CHILD_CHECK(kill(getpid(), SIGKILL) < 0 && errno == EPERM);
	CHILD_CHECK(syscall(SYS_tgkill, getpid(), getpid(), SIGKILL) < 0 && errno == EPERM);
	CHILD_CHECK(syscall(SYS_perf_event_open, NULL, -1, 0, -1, 0) < 0 && errno == EPERM);
	CHILD_CHECK(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EPERM);
	CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) < 0 && errno == EPERM);
	CHILD_CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			    MAP_FAILED &&
		    errno == EPERM);
	CHILD_CHECK(chmod("/tmp", 01777) < 0 && errno == EPERM);
	CHILD_CHECK(unlink("/tmp/no-such-file") < 0 && (errno == EPERM || errno == ENOENT));
}

static void prepare(struct doors *doors)
{
	int timer_fd;

	close(3);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	CHILD_CHECK(timer_fd == 3);
	open_doors(doors);
}

static void loop(void *arg)
{
	bool writes_file = *(bool *)arg;
	struct doors doors;

	prepare(&doors);
	CHILD_CHECK(!syscall_filter__load(exporter_syscalls__list(writes_file)));
	serve(&doors);
	wait_for_events();
	read_files();
	use_the_rest();
	notify();
	be_refused();
}

static void test_the_loop_can_do_its_work_and_nothing_else(void **state)
{
	bool writes_file = false;

	(void)state;
	child__run(loop, &writes_file);
	writes_file = true;
	child__run(loop, &writes_file);
}

static void write_nothing(void *arg)
{
	(void)arg;
	CHILD_CHECK(!syscall_filter__load(exporter_syscalls__list(false)));
	CHILD_CHECK(open("/dev/null", O_WRONLY) < 0 && errno == EPERM);
	CHILD_CHECK(open("/dev/null", O_RDWR) < 0 && errno == EPERM);
	CHILD_CHECK(open("/tmp/a-file-of-ours", O_RDONLY | O_CREAT, 0600) < 0 && errno == EPERM);
	CHILD_CHECK(open("/tmp", O_TMPFILE | O_RDWR, 0600) < 0 && errno == EPERM);
	CHILD_CHECK(creat("/tmp/a-file-of-ours", 0600) < 0 && errno == EPERM);
	CHILD_CHECK(rename("/tmp/no-such-file", "/tmp/a-file-of-ours") < 0 && errno == EPERM);
	CHILD_CHECK(unlink("/tmp/no-such-file") < 0 && errno == EPERM);
	CHILD_CHECK(truncate("/tmp/no-such-file", 0) < 0 && errno == EPERM);
}

static void test_it_opens_nothing_for_writing(void **state)
{
	(void)state;
	child__run(write_nothing, NULL);
}

static void write_file(void *arg)
{
	char path[] = "/tmp/gtimehalt-unit.XXXXXX", target[64];
	int fd;

	(void)arg;
	CHILD_CHECK(!syscall_filter__load(exporter_syscalls__list(true)));
	fd = mkstemp(path);
	CHILD_CHECK(fd >= 0 && write(fd, "a 1\n", 4) == 4);
	CHILD_CHECK(!fchmod(fd, 0644) && !fsync(fd) && !close(fd));
	snprintf(target, sizeof(target), "%s.prom", path);
	CHILD_CHECK(!rename(path, target) && !unlink(target));
}

static void test_with_a_textfile_it_can_replace_one(void **state)
{
	(void)state;
	child__run(write_file, NULL);
}

static void fail_an_assertion(void *arg)
{
	(void)arg;
	CHILD_CHECK(!syscall_filter__load(exporter_syscalls__list(false)));
	abort();
}

static void test_abort_aborts(void **state)
{
	int status;

	(void)state;
	status = child__status(fail_an_assertion, NULL);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_loop_can_do_its_work_and_nothing_else),
		cmocka_unit_test(test_it_opens_nothing_for_writing),
		cmocka_unit_test(test_with_a_textfile_it_can_replace_one),
		cmocka_unit_test(test_abort_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
