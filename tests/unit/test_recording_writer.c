// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests which data remains in the file if the disk is full or the recorder is killed, and that
 * some data never gets into the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "failing_json.h"
#include "recording_run.h"

#define TEMPLATE "/tmp/gtimehalt-test-XXXXXX"

struct fixture {
	char dir[sizeof(TEMPLATE)];
	char path[sizeof(TEMPLATE) + 8];
	struct snapshot snap;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->dir, TEMPLATE);
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/rec", f->dir);
	fill_demo(&f->snap, 1000);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	snapshot__free(&f->snap);
	free(f);
	return 0;
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static struct replayed replayed_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct replayed got;
	size_t size;
	char *bytes;

	assert_true(fd >= 0);
	bytes = bytes_of(fd, &size);
	got = replayed(bytes, size);
	free(bytes);
	close(fd);
	return got;
}

static void test_file(void **state)
{
	struct fixture *f = *state;
	struct recording_writer *w;
	struct replayed got;

	/* A second recording to the same file replaces the first. */
	for (__u64 cnt = 3; cnt > 0; cnt--) {
		assert_int_equal(recording_writer__open(f->path, &demo_header, &w), 0);
		for (__u64 i = 0; i < cnt; i++) {
			fill_demo(&f->snap, 1000 * (i + 1));
			assert_int_equal(recording_writer__write(w, &f->snap), 0);
		}
		assert_int_equal(recording_writer__close(w), 0);
		got = replayed_file(f->path);
		assert_int_equal(got.header_err, 0);
		assert_int_equal(got.end, 0);
		assert_int_equal(got.snap_cnt, cnt);
	}
}

static void test_open_fails(void **state)
{
	struct fixture *f = *state;
	struct recording_header header = demo_header;
	struct recording_writer *w;

	assert_int_equal(recording_writer__open("-", &demo_header, &w), -EINVAL);
	assert_int_equal(recording_writer__open(f->dir, &demo_header, &w), -EISDIR);
	assert_int_equal(recording_writer__open("/nowhere/at/all", &demo_header, &w), -ENOENT);
	assert_int_equal(recording_writer__open("/dev/full", &demo_header, &w), -ENOSPC);
	header.mperf_ratio = NAN;
	assert_int_equal(recording_writer__open(f->path, &header, &w), -EINVAL);
	assert_int_equal(size_of(f->path), 0);
	assert_int_equal(recording_writer__close(NULL), 0);
}

/* On a SOCK_SEQPACKET socket each write arrives as a separate message. */
static void test_one_write_a_line(void **state)
{
	struct fixture *f = *state;
	struct recording_writer *w;
	char message[4096];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(recording_writer__new(fds[0], &demo_header, 0, &w), 0);
	assert_int_equal(recording_writer__write(w, &f->snap), 0);
	assert_int_equal(recording_writer__close(w), 0);
	for (int i = 0; i < 2; i++) {
		ssize_t size = recv(fds[1], message, sizeof(message), 0);

		assert_true(size > 0);
		assert_ptr_equal(memchr(message, '\n', (size_t)size), message + size - 1);
	}
	assert_int_equal(recv(fds[1], message, sizeof(message), 0), 0);
	close(fds[1]);
}

static void limit_file_size(rlim_t size)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size;
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* RLIMIT_FSIZE lets a part of the line be written and refuses the rest, as a full disk does. */
static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct recording_writer *w;
	struct rlimit before;
	off_t first, second;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(recording_writer__open(f->path, &demo_header, &w), 0);
	first = size_of(f->path);
	assert_int_equal(recording_writer__write(w, &f->snap), 0);
	second = size_of(f->path);
	assert_int_equal(recording_writer__close(w), 0);

	for (off_t limit = first; limit < second; limit += 11) {
		struct replayed got;
		int err;

		assert_int_equal(recording_writer__open(f->path, &demo_header, &w), 0);
		limit_file_size((rlim_t)limit);
		fill_demo(&f->snap, 1000);
		err = recording_writer__write(w, &f->snap);
		limit_file_size(before.rlim_cur);
		assert_int_equal(err, -EFBIG);
		assert_int_equal(size_of(f->path), first);
		got = replayed_file(f->path);
		assert_int_equal(got.end, 0);
		assert_int_equal(got.snap_cnt, 0);

		/* After the limit was raised, writing succeeds again. */
		assert_int_equal(recording_writer__write(w, &f->snap), 0);
		fill_demo(&f->snap, 2000);
		assert_int_equal(recording_writer__write(w, &f->snap), 0);
		assert_int_equal(recording_writer__close(w), 0);
		got = replayed_file(f->path);
		assert_int_equal(got.end, 0);
		assert_int_equal(got.snap_cnt, 2);
	}
}

/*
 * A pipe keeps a partly written line. The writer waits for the pipe's reader, but not if a signal
 * has asked it to end.
 */
static void test_what_cannot_be_cut_back(void **state)
{
	struct fixture *f = *state;
	struct recording_writer *w;
	sigset_t signals;
	char rest[16384];
	int fds[2], signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &signals, NULL), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, 8192), 8192);
	for (int i = 0; i < 300; i++)
		assert_non_null(snapshot__add_cpu(&f->snap));
	for (int i = 0; i < 301; i++)
		f->snap.cpus[i] = (struct cpu_reading){ .cpu = i, .mperf_ratio = 1 };
	assert_int_equal(recording_writer__new(fds[1], &demo_header, 0, &w), 0);
	assert_int_equal(recording_writer__write(w, &f->snap), -EINTR);
	assert_int_equal(sigwait(&signals, &signal), 0);
	assert_true(read(fds[0], rest, sizeof(rest)) > 0);
	/* Another line after the partial one would make both unreadable. */
	assert_int_equal(recording_writer__write(w, &f->snap), -EIO);
	assert_int_equal(read(fds[0], rest, sizeof(rest)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(recording_writer__close(w), 0);
	close(fds[0]);
}

/* Opening the FIFO must not wait for a reader, because that might take forever. */
static void test_a_fifo_without_a_reader(void **state)
{
	struct fixture *f = *state;
	struct recording_writer *w;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(recording_writer__open(f->path, &demo_header, &w), -ENXIO);
}

static void record_until_killed(const char *path)
{
	struct snapshot snap = { 0 };
	struct recording_writer *w;

	if (recording_writer__open(path, &demo_header, &w))
		_exit(1);
	for (__u64 mono_ns = 1;; mono_ns++) {
		fill_demo(&snap, mono_ns);
		/* Lines of many pages, so that SIGKILL is likely to interrupt a write. */
		for (int i = 0; i < 1000; i++)
			if (!snapshot__add_cpu(&snap))
				_exit(1);
		for (int i = 0; i < 1001; i++)
			snap.cpus[i] = (struct cpu_reading){ .cpu = i, .mperf_ratio = 1 };
		if (recording_writer__write(w, &snap))
			_exit(1);
	}
}

static void test_killed(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 10; round++) {
		struct replayed got;
		struct stat st = { 0 };
		pid_t child;
		int status;

		unlink(f->path);
		child = fork();
		if (!child)
			record_until_killed(f->path);
		assert_true(child > 0);
		while (stat(f->path, &st) || st.st_size < 1000000)
			usleep(1000 + round * 100);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		got = replayed_file(f->path);
		assert_true(got.end == 0 || got.end == -ENODATA);
		assert_true(got.snap_cnt > 1);
	}
}

/*
 * A snapshot that could not be read back is not written, and does not prevent later ones from being
 * written.
 */
static void test_refuses_what_it_could_not_read(void **state)
{
	struct fixture *f = *state;
	struct snapshot *snap = &f->snap;
	struct vcpu_reading swap = snap->vcpus[0];
	struct recording_writer *w;
	struct replayed got;

	assert_int_equal(recording_writer__open(f->path, &demo_header, &w), 0);
	snap->mperf_ratio = 0;
	assert_int_equal(recording_writer__write(w, snap), -EINVAL);
	snap->mperf_ratio = INFINITY;
	assert_int_equal(recording_writer__write(w, snap), -EINVAL);
	snap->mperf_ratio = 1;
	snap->cpus[0].mperf_ratio = NAN;
	assert_int_equal(recording_writer__write(w, snap), -EINVAL);
	snap->cpus[0].mperf_ratio = 1;
	snap->vms[0].pid = -1;
	assert_int_equal(recording_writer__write(w, snap), -EINVAL);
	snap->vms[0].pid = snap->vms[1].pid;
	assert_int_equal(recording_writer__write(w, snap), -EINVAL);
	snap->vms[0].pid = 1;
	snap->vcpus[0] = snap->vcpus[1];
	snap->vcpus[1] = swap;
	assert_int_equal(recording_writer__write(w, snap), -EINVAL);
	snapshot__sort(snap);
	memset(snap->vms[0].name, 'a', sizeof(snap->vms[0].name));
	assert_int_equal(recording_writer__write(w, snap), -EINVAL);
	snap->vms[0].name[127] = '\0';
	snap->vcpus[1].stint_number = 1;
	assert_int_equal(recording_writer__write(w, snap), -EINVAL);
	snap->vcpus[1].stint_number = 0;
	assert_int_equal(recording_writer__write(w, snap), 0);
	assert_int_equal(recording_writer__close(w), 0);
	got = replayed_file(f->path);
	assert_string_equal(got.reason, "");
	assert_int_equal(got.snap_cnt, 1);
}

static void test_names_are_utf8(void **state)
{
	struct fixture *f = *state;
	struct snapshot *snaps = &f->snap;
	size_t size;
	char *bytes;

	strcpy(f->snap.vms[0].name, "\xff|\x1b[2J|\xe2\x80\xae|\xe2\x82");
	memset(f->snap.vms[1].name, 0xff, sizeof(f->snap.vms[1].name) - 1);
	bytes = recorded(snaps, 1, &size);
	assert_non_null(strstr(bytes, "\"name\":\"?|?[2J|?|??\""));
	assert_non_null(strstr(bytes, "\"name\":\"????????"));
	free(bytes);
}

/*
 * Kernel addresses must be replaced by other numbers in the same order, different in each
 * recording. Values that are not kernel addresses are smaller and stay unchanged.
 */
static void test_vm_ids_are_moved(void **state)
{
	enum {
		NO_ADDRESS_CNT = 4,
		CNT = 9
	};
	static const __u64 vm_ids[CNT] = { 0,
					   1,
					   7ULL << 32 | 12,
					   (1ULL << 54) - 1,
					   0xff11000000000000,
					   0xffff888100000000,
					   0xffff888100000040,
					   0xffffc90000001000,
					   UINT64_MAX };
	struct fixture *f = *state;
	__u64 first_id = 0;

	snapshot__clear(&f->snap);
	f->snap.mperf_ratio = 1;
	for (size_t i = 0; i < CNT; i++) {
		struct vcpu_reading *vcpu = snapshot__add_vcpu(&f->snap);

		assert_non_null(vcpu);
		vcpu->pid = 1;
		vcpu->vm_id = vm_ids[i];
	}
	for (int round = 0; round < 20; round++) {
		struct recording_header header;
		struct snapshot snap = { 0 };
		struct recording_writer *w;
		struct recording_reader *r;

		assert_int_equal(recording_writer__open(f->path, &demo_header, &w), 0);
		assert_int_equal(recording_writer__write(w, &f->snap), 0);
		assert_int_equal(recording_writer__close(w), 0);
		assert_int_equal(recording_reader__open(f->path, &r), 0);
		assert_int_equal(recording_reader__header(r, &header), 0);
		/* The reader accepts the snapshot only if the order is right. */
		assert_int_equal(recording_reader__next(r, &snap), 1);
		assert_int_equal(snap.vcpu_cnt, CNT);
		for (size_t i = 0; i < NO_ADDRESS_CNT; i++)
			assert_int_equal(snap.vcpus[i].vm_id, vm_ids[i]);
		for (size_t i = NO_ADDRESS_CNT; i < CNT; i++)
			assert_true(snap.vcpus[i].vm_id < 1ULL << 63);
		assert_true(snap.vcpus[NO_ADDRESS_CNT].vm_id != first_id);
		first_id = snap.vcpus[NO_ADDRESS_CNT].vm_id;
		recording_reader__free(r);
		snapshot__free(&snap);
	}
}

FAILING_JSON(json_object_new_object, (void), ())
FAILING_JSON(json_object_new_array, (void), ())
FAILING_JSON(json_object_new_int, (int32_t value), (value))
FAILING_JSON(json_object_new_uint64, (uint64_t value), (value))
FAILING_JSON(json_object_new_boolean, (json_bool value), (value))
FAILING_JSON(json_object_new_double_s, (double value, const char *text), (value, text))
FAILING_JSON(json_object_new_string, (const char *value), (value))
FAILING_JSON(json_object_new_string_len, (const char *value, int len), (value, len))

static void test_no_memory(void **state)
{
	struct fixture *f = *state;
	struct recording_writer *w;
	int failed_cnt = 0, err;
	off_t header_size;

	do {
		failing_json_left = failed_cnt;
		err = recording_writer__open(f->path, &demo_header, &w);
		failing_json_left = -1;
		assert_int_equal(err, err ? -ENOMEM : 0);
		header_size = size_of(f->path);
		assert_int_equal(header_size > 0, !err);
	} while (err && ++failed_cnt);
	/* One for the object, and one for each of its members. */
	assert_int_equal(failed_cnt, 1 + 8);

	failed_cnt = 0;
	do {
		failing_json_left = failed_cnt;
		err = recording_writer__write(w, &f->snap);
		failing_json_left = -1;
		assert_int_equal(err, err ? -ENOMEM : 0);
		/* The line is written as a whole, or not at all. */
		assert_int_equal(size_of(f->path) > header_size, !err);
	} while (err && ++failed_cnt);
	/*
	 * The line; 5 clocks and 5 health counters, each with their object; mode and ratio; the
	 * list of VMs with 2 VMs; the list of vCPUs with 2 vCPUs, of which one has null as its
	 * wait_ns and sleeps, which need no allocation, and one is stale; the list of CPUs with
	 * one CPU.
	 */
	assert_int_equal(failed_cnt,
			 1 + (1 + 5) + (1 + 5) + 2 + (1 + 2 * 3) + (1 + 2 * 16 - 2 + 1) + (1 + 9));
	assert_int_equal(recording_writer__close(w), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file),
		TEST(test_open_fails),
		TEST(test_one_write_a_line),
		TEST(test_full_disk),
		TEST(test_what_cannot_be_cut_back),
		TEST(test_a_fifo_without_a_reader),
		TEST(test_killed),
		TEST(test_refuses_what_it_could_not_read),
		TEST(test_names_are_utf8),
		TEST(test_vm_ids_are_moved),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests_name("recording_writer", tests, NULL, NULL);
}
