// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures on the running kernel, as root: its BPF programs are loaded and attached, and its maps
 * are read. Such a kernel need not have MPERF or a guest: TSC takes the place of MPERF, and the
 * test writes to the maps what a vCPU would have left there. Whether the programs measure correctly
 * is tested in VMs.
 */
#include <bpf/bpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include "gtimehalt.h"
#include "measure/bpf_loader.h"
#include "measure/hooks.h"
#include "measure/host.h"
#include "measure/pin_dir.h"
#include "measure/pin_objects.h"
#include "measure/program_stats.h"
#include "measure/sched_clock.h"
#include "measure/perf_helper.h"
#include "options_run.h"
#include "report/snapshot.h"
#include "recording/recording.h"
#include "run/pin_command.h"
#include "run/source.h"
#include "tree.h"

static bool own_bpffs;

/*
 * Makes the normal plan, but without the hooks in KVM, which not every kernel has, and whose
 * programs are tested in VMs.
 */
int __real_plan__make(const struct hostfs *fs, enum measure_mode mode, enum hook wanted,
		      struct host *host, struct hook_plan *plan);
int __wrap_plan__make(const struct hostfs *fs, enum measure_mode mode, enum hook wanted,
		      struct host *host, struct hook_plan *plan);

int __wrap_plan__make(const struct hostfs *fs, enum measure_mode mode, enum hook wanted,
		      struct host *host, struct hook_plan *plan)
{
	int err = __real_plan__make(fs, mode, wanted, host, plan);
	size_t cnt = 0;

	if (err)
		return err;
	for (size_t i = 0; i < plan->point_cnt; i++)
		if (!strstr(plan->points[i].target, "kvm"))
			plan->points[cnt++] = plan->points[i];
	plan->point_cnt = cnt;
	return err;
}

/*
 * While not 0, this is the current time, and sleeping advances it, so that waiting for a time-out
 * takes no time.
 */
static __u64 injected_ns;

#define INJECTED_BEGIN_NS 1000000000000000000

int __real_usleep(useconds_t us);
int __wrap_usleep(useconds_t us);
__u64 __real_clock__now_ns(void);
__u64 __wrap_clock__now_ns(void);

int __wrap_usleep(useconds_t us)
{
	if (!injected_ns)
		return __real_usleep(us);
	injected_ns += us * 1000ULL;
	return 0;
}

__u64 __wrap_clock__now_ns(void)
{
	return injected_ns ? injected_ns : __real_clock__now_ns();
}

/* Suppresses the warning, because the test may well run in a VM. */
void __wrap_host__warn_of_hypervisor(const struct hostfs *fs);
void __wrap_host__warn_of_hypervisor(const struct hostfs *fs)
{
	(void)fs;
}

static bool can_measure(void)
{
	return !geteuid() && !access("/sys/kernel/btf/vmlinux", R_OK) &&
	       !access("/sys/bus/event_source/devices/msr/type", R_OK);
}

#define NEEDS_KERNEL()                                                                             \
	do {                                                                                       \
		if (!can_measure())                                                                \
			skip();                                                                    \
	} while (0)

static void write_text(const struct tree *tree, const char *path, const char *text)
{
	tree__write(tree, path, text, strlen(text));
}

/* The running host, with an MPERF event. */
static int setup(void **state)
{
	static const char *const dirs[] = {
		"sys",
		"sys/module",
		"sys/module/kvm",
		"sys/module/kvm_amd",
		"sys/module/kvm_intel",
		"sys/kernel",
		"sys/kernel/btf",
		"sys/bus",
		"sys/bus/event_source",
		"sys/bus/event_source/devices",
		"sys/bus/event_source/devices/msr",
		"sys/bus/event_source/devices/msr/events",
	};
	char type[16] = "";
	FILE *file = fopen("/sys/bus/event_source/devices/msr/type", "re");
	struct tree *tree;

	assert_int_equal(tree__setup(state), 0);
	tree = *state;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		tree__mkdir(tree, dirs[i]);
	if (file) {
		assert_non_null(fgets(type, sizeof(type), file));
		fclose(file);
	}
	tree__symlink(tree, "proc", "/proc");
	write_text(tree, "sys/kernel/btf/vmlinux", "");
	write_text(tree, "sys/bus/event_source/devices/msr/type", type);
	write_text(tree, "sys/bus/event_source/devices/msr/events/mperf", "event=0x00\n");
	write_text(tree, "sys/bus/event_source/devices/msr/events/tsc", "event=0x00\n");
	return 0;
}

/* The measurement that a command line starts, with its output on stderr. */
struct measurement {
	struct run run;
	struct capture said;
	struct source *source;
	struct snapshot snap;
	int err;
};

static void start(struct measurement *m, const struct tree *tree, const char **words)
{
	memset(m, 0, sizeof(*m));
	run_good(&m->run, words);
	capture__begin(&m->said, stderr);
	m->err = source_live__new(&m->run.opts.measure, &tree->fs, &m->source);
	capture__end(&m->said);
}

/* As the exporter starts it: with a process that opens MPERF on CPUs that come online. */
static void start_exporter(struct measurement *m, const struct tree *tree, const char **words)
{
	memset(m, 0, sizeof(*m));
	run_as(PROGRAM_EXPORTER);
	run_good(&m->run, words);
	run_as(PROGRAM_TOOL);
	m->run.opts.measure.helper = &perf_helper_ops;
	capture__begin(&m->said, stderr);
	m->err = source_live__new(&m->run.opts.measure, &tree->fs, &m->source);
	capture__end(&m->said);
}

/* Prints what start() captured, which would be lost otherwise. */
static void assert_started(const struct measurement *m)
{
	if (m->err)
		print_error("%s", m->said.text);
	assert_int_equal(m->err, 0);
}

static int next(struct measurement *m)
{
	int got;

	capture__begin(&m->said, stderr);
	got = source__next(m->source, &m->snap);
	capture__end(&m->said);
	return got;
}

static void end(struct measurement *m)
{
	snapshot__free(&m->snap);
	source__free(m->source);
	options__free(&m->run.opts);
}

/* Runs a command that pins, renews or unpins a measurement. */
static int run_pin(const struct tree *tree, struct capture *said, const char **words)
{
	struct run run;
	int err;

	run_good(&run, words);
	capture__begin(said, stderr);
	err = pin_command__run(&run.opts.pin, &run.opts.measure, &tree->fs);
	capture__end(said);
	options__free(&run.opts);
	return err;
}

/* Returns the newest map with this name. */
static int find_map(const char *name)
{
	__u32 id = 0;
	int found = -1;

	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = { 0 };
		__u32 len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &len) || strcmp(info.name, name)) {
			close(fd);
			continue;
		}
		if (found >= 0)
			close(found);
		found = fd;
	}
	assert_true(found >= 0);
	return found;
}

static void put(const char *map, __u32 key, const void *value)
{
	int fd = find_map(map);

	assert_int_equal(bpf_map_update_elem(fd, &key, value, BPF_ANY), 0);
	close(fd);
}

static void put_place(__u32 tid, __u32 index)
{
	const struct entry_key key = { .tid = tid };
	const struct entry_place place = { .index = index, .newest_index = index };
	int fd = find_map("places");

	assert_int_equal(bpf_map_update_elem(fd, &key, &place, BPF_ANY), 0);
	close(fd);
}

static bool is_in(const char *map, __u32 key, void *value)
{
	int fd = find_map(map);
	bool found = !bpf_map_lookup_elem(fd, &key, value);

	close(fd);
	return found;
}

/* The index of the first entry that is given to a thread. */
#define INDEX 1

static struct vcpu_sums some_sums(__u32 tid)
{
	return (struct vcpu_sums){
		.local_head = { 7, 7 },
		.local_tail = { 7, 7 },
		.tid = tid,
		.start_boottime_ns = 12345,
		.vm_id = 99,
		.tgid = (__u32)getpid(),
		.vcpu_id = 3,
		.at_ns = 1,
		.ran_ns = 6100,
		.ran_base_ns = 100,
		.wait_ns = 70,
		.local = { .tsc_cycles = 5000,
			   .mperf_cycles = 400,
			   .guest_ns = 30,
			   .entry_cnt = 2 },
		.remote = { .tsc_cycles = 500, .mperf_cycles = 40, .unmeasured_ns = 8 },
	};
}

static __u64 ns_of_tsc_cycles(__u64 cycles)
{
	struct sched_clock *clock;
	__u64 ns;

	assert_int_equal(sched_clock__new(&clock), 0);
	ns = tsc_cycles_to_ns(cycles, sched_clock__ns_per_tsc_cycle(clock));
	sched_clock__free(clock);
	return ns;
}

static const struct vcpu_reading *vcpu_of(const struct snapshot *snap, __u32 tid)
{
	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		if (snap->vcpus[i].tid == (pid_t)tid)
			return &snap->vcpus[i];
	return NULL;
}

static void test_windows_only(void **state)
{
	struct measurement m;
	const struct recording_header *header;
	struct program_stats stats[PROGRAM_STATS_MAX];
	int before;

	NEEDS_KERNEL();
	before = tree__next_fd(*state);
	start(&m, *state, WORDS("--mode", "switch"));
	assert_started(&m);
	header = source__header(m.source);
	assert_string_equal(header->window_hook, "fentry");
	assert_string_equal(header->stint_hook, "");
	assert_int_equal(header->mode, MODE_SWITCH);
	assert_int_equal(next(&m), 1);
	assert_int_equal(m.snap.vcpu_cnt, 0);
	assert_int_equal(m.snap.health.mperf_error_cnt, 0);
	assert_non_null(strstr(m.said.text, "no VM is running"));
	/* TSC is measured against itself. */
	assert_true(header->mperf_ratio > 0.999 && header->mperf_ratio < 1.001);
	assert_false(source__has_ended(m.source, &m.run.opts.measure.filter));
	assert_int_equal(source__check_rights(m.source), 0);
	assert_int_equal(source__program_stats(m.source, stats, PROGRAM_STATS_MAX), 0);
	end(&m);
	assert_int_equal(tree__next_fd(*state), before);
}

static void test_entries_and_stints(void **state)
{
	struct stint_sums stints = { .start_boottime_ns = 12345,
				     .halted_ns = 5000,
				     .cnt = { [4] = 11 } };
	const __u32 tid = (__u32)gettid();
	struct vcpu_sums sums = some_sums(tid);
	const struct vcpu_reading *vcpu;
	struct measurement m;

	NEEDS_KERNEL();
	start(&m, *state, WORDS("-H"));
	assert_started(&m);
	assert_string_equal(source__header(m.source)->stint_hook, "tracepoint");
	put("vcpus", INDEX, &sums);
	put("stints", INDEX, &stints);
	assert_int_equal(next(&m), 1);
	assert_true(m.snap.has_stints);
	vcpu = vcpu_of(&m.snap, tid);
	assert_non_null(vcpu);
	assert_int_equal(vcpu->vcpu_id, 3);
	assert_int_equal(vcpu->loaded_ns, 6000);
	assert_int_equal(vcpu->wait_ns, 70);
	assert_int_equal(vcpu->measured_ns, ns_of_tsc_cycles(5500));
	assert_int_equal(vcpu->mperf_cycles, 440);
	assert_int_equal(vcpu->unmeasured_ns, 8);
	assert_int_equal(vcpu->guest_ns, 30);
	assert_int_equal(vcpu->entry_cnt, 2);
	assert_int_equal(vcpu->at_ns, 1);
	assert_int_equal(m.snap.stints[vcpu->stint_number - 1].cnt[4], 11);
	assert_int_equal(m.snap.stints[vcpu->stint_number - 1].halted_ns, 5000);
	end(&m);
}

static void test_what_has_ended_is_forgotten_and_what_is_torn_is_no_sum(void **state)
{
	/* The highest TID that Linux allows; larger keys mean entries of reused TIDs. */
	const __u32 gone = 4194303, tid = (__u32)gettid();
	struct vcpu_sums sums = some_sums(gone);
	struct measurement m;

	NEEDS_KERNEL();
	start(&m, *state, WORDS("--mode", "switch"));
	assert_started(&m);
	put("vcpus", INDEX, &sums);
	put_place(gone, INDEX);
	assert_int_equal(next(&m), 1);
	assert_non_null(vcpu_of(&m.snap, gone));
	assert_true(is_in("vcpus", INDEX, &sums));
	assert_int_equal(sums.tid, 0);
	assert_int_equal(next(&m), 1);
	assert_null(vcpu_of(&m.snap, gone));
	sums = some_sums(tid);
	sums.local_head.begin++;
	put("vcpus", INDEX, &sums);
	/* An inconsistent entry is read again for up to a second. */
	injected_ns = INJECTED_BEGIN_NS;
	assert_int_equal(next(&m), 1);
	assert_in_range(injected_ns - INJECTED_BEGIN_NS, 1000000000, 1001000000);
	injected_ns = 0;
	assert_null(vcpu_of(&m.snap, (pid_t)tid));
	assert_int_equal(m.snap.health.lost_window_cnt, 1);
	end(&m);
}

static void test_an_event_that_failed_is_opened_again(void **state)
{
	const struct cpu_health health = { .mperf_error_cnt = 5, .lost_window_cnt = 6 };
	struct measurement m;
	int fd;

	NEEDS_KERNEL();
	start(&m, *state, WORDS("-v", "--mode", "switch"));
	assert_started(&m);
	put("cpu_healths", 0, &health);
	fd = tree__next_fd(*state);
	assert_int_equal(next(&m), 1);
	assert_int_equal(m.snap.health.mperf_error_cnt, 5);
	assert_int_equal(m.snap.health.lost_window_cnt, 6);
	/* The new event replaced the old one. */
	assert_int_equal(tree__next_fd(*state), fd);
	end(&m);
}

static void test_check_closes_over_the_cpus(void **state)
{
	struct measurement m;

	NEEDS_KERNEL();
	start(&m, *state, WORDS("--check"));
	assert_started(&m);
	assert_int_equal(next(&m), 1);
	assert_int_equal(m.snap.cpu_cnt, sysconf(_SC_NPROCESSORS_ONLN));
	for (size_t i = 0; i < m.snap.cpu_cnt; i++)
		assert_true(m.snap.cpus[i].at_ns && m.snap.cpus[i].mperf_cycles);
	end(&m);
}

static void test_programs_are_timed_when_that_is_wanted(void **state)
{
	struct program_stats stats[PROGRAM_STATS_MAX];
	struct measurement m;
	bool has_reader = false;
	size_t cnt;

	NEEDS_KERNEL();
	start_exporter(&m, *state, WORDS("--bpf-stats"));
	assert_started(&m);
	cnt = source__program_stats(m.source, stats, PROGRAM_STATS_MAX);
	assert_true(cnt > 1);
	for (size_t i = 0; i < cnt; i++)
		has_reader |= !strcmp(stats[i].name, "forced_read") && stats[i].run_cnt > 0;
	assert_true(has_reader);
	assert_int_equal(source__program_stats(m.source, stats, 1), 1);
	end(&m);
}

/* Starting with `words` must fail with `err` and a message that contains `word`. */
static void assert_refused(const struct tree *tree, int err, const char *word, const char **words)
{
	int before = tree__next_fd(tree);
	struct measurement m;

	start(&m, tree, words);
	assert_int_equal(m.err, err);
	assert_non_null(strstr(m.said.text, word));
	end(&m);
	assert_int_equal(tree__next_fd(tree), before);
}

static void test_a_process_that_is_no_vm(void **state)
{
	char word[16];
	pid_t pid;

	NEEDS_KERNEL();
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	snprintf(word, sizeof(word), "%d", (int)pid);
	assert_refused(*state, -ENODEV, word, WORDS("-p", word));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_what_a_host_lacks(void **state)
{
	const struct tree *tree = *state;

	NEEDS_KERNEL();
	write_text(tree, "sys/module/kvm/initstate", "live\n");
	assert_refused(tree, -EOPNOTSUPP, "needs BTF of kvm", WORDS("--hook", "fentry"));
	tree__remove(tree, "sys/module/kvm/initstate");
	write_text(tree, "sys/bus/event_source/devices/msr/events/mperf", "nonsense\n");
	assert_refused(tree, -EOPNOTSUPP, "cannot find MPERF", WORDS());
	/* An event that the kernel does not have. */
	write_text(tree, "sys/bus/event_source/devices/msr/events/mperf", "event=0x77\n");
	assert_refused(tree, -EINVAL, "MPERF", WORDS());
	tree__remove(tree, "sys/bus/event_source/devices/msr/events/mperf");
	assert_refused(tree, -EOPNOTSUPP, "no MPERF", WORDS());
}

/* Removes what a failed test has left pinned. */
static void empty_bpffs(void)
{
	assert_int_equal(umount2(PIN_ROOT, MNT_DETACH), 0);
	assert_int_equal(mount("bpf", PIN_ROOT, "bpf", 0, NULL), 0);
}

#define NEEDS_BPFFS()                                                                              \
	do {                                                                                       \
		if (!can_measure() || !own_bpffs)                                                  \
			skip();                                                                    \
		empty_bpffs();                                                                     \
	} while (0)

static int open_pinned(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), PIN_DIR "/%s", name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

static void test_pinned_it_goes_on_and_is_read_by_others(void **state)
{
	const __u32 tid = (__u32)gettid(), gone = 4194303, index = INDEX;
	const struct ended_key ended_key = { .tid = gone };
	struct vcpu_sums sums = some_sums(tid);
	struct stint_sums stints = { .start_boottime_ns = 12345, .cnt = { [9] = 2 } };
	struct program_stats stats[PROGRAM_STATS_MAX];
	struct measurement m;
	struct capture said;
	int fd, before;

	NEEDS_BPFFS();
	before = tree__next_fd(*state);
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "-H")), 0);
	assert_string_equal(said.text, "");
	assert_int_equal(tree__next_fd(*state), before);

	start(&m, *state, WORDS("-H", "-v"));
	assert_started(&m);
	assert_string_equal(source__header(m.source)->stint_hook, "tracepoint");
	fd = open_pinned(PIN_VCPUS);
	assert_int_equal(bpf_map_update_elem(fd, &index, &sums, BPF_ANY), 0);
	close(fd);
	fd = open_pinned(PIN_STINTS);
	assert_int_equal(bpf_map_update_elem(fd, &index, &stints, BPF_ANY), 0);
	close(fd);
	assert_int_equal(next(&m), 1);
	assert_int_equal(vcpu_of(&m.snap, tid)->loaded_ns, 6000);
	assert_int_equal(m.snap.stints[vcpu_of(&m.snap, tid)->stint_number - 1].cnt[9], 2);
	/* A thread that exits between two snapshots is in the second one, and not in the third. */
	sums.tid = gone;
	sums.at_ns = sums.ended_ns = m.snap.clock.mono_ns + 1;
	fd = open_pinned(PIN_ENDED);
	assert_int_equal(bpf_map_update_elem(fd, &ended_key, &sums, BPF_ANY), 0);
	close(fd);
	assert_int_equal(next(&m), 1);
	assert_int_equal(vcpu_of(&m.snap, gone)->at_ns, sums.ended_ns);
	assert_int_equal(next(&m), 1);
	assert_null(vcpu_of(&m.snap, gone));
	assert_int_equal(source__check_rights(m.source), 0);
	assert_int_equal(source__program_stats(m.source, stats, PROGRAM_STATS_MAX), 0);

	/*
	 * Ends the measurement for its readers, too. Because m still holds the programs, --unpin
	 * gives up waiting after five seconds.
	 */
	injected_ns = INJECTED_BEGIN_NS;
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
	assert_in_range(injected_ns - INJECTED_BEGIN_NS, 5000000000, 5010000000);
	injected_ns = 0;
	assert_string_equal(said.text, "");
	assert_int_equal(next(&m), -ESHUTDOWN);
	assert_non_null(strstr(m.said.text, "because it was unpinned"));
	end(&m);
	assert_int_equal(tree__next_fd(*state), before);
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
	assert_non_null(strstr(said.text, "nothing is pinned"));
}

static void test_pinned_twice(void **state)
{
	struct program_stats stats[PROGRAM_STATS_MAX];
	struct measurement m;
	struct capture said;

	NEEDS_BPFFS();
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "--group", "no-such-group")),
			 -EINVAL);
	assert_non_null(strstr(said.text, "no-such-group"));
	assert_int_equal(
		run_pin(*state, &said, WORDS("--pin", "--mode", "switch", "--group", "daemon")), 0);
	assert_int_equal(run_pin(*state, &said, WORDS("--pin")), 0);
	assert_string_equal(said.text, "");
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "--mperf-ratio", "1")), 0);
	assert_non_null(strstr(said.text, "have no effect"));
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "--mode", "entry")), -EEXIST);
	assert_non_null(strstr(said.text, "(--mode switch)"));
	/* A mode that the pinned measurement does not have is measured separately. */
	start(&m, *state, WORDS("--mode", "entry"));
	assert_started(&m);
	assert_int_equal(source__header(m.source)->mode, MODE_ENTRY);
	end(&m);
	start_exporter(&m, *state, WORDS("--bpf-stats"));
	assert_started(&m);
	assert_int_equal(source__header(m.source)->mode, MODE_SWITCH);
	assert_true(source__program_stats(m.source, stats, PROGRAM_STATS_MAX) >= 3);
	end(&m);
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
}

static void test_a_cpu_that_beats_no_more_is_renewed(void **state)
{
	const struct cpu_beat long_ago = { .beat_ns = 1 };
	struct cpu_beat beat;
	const __u32 cpu = 0;
	struct capture said;
	int fd;

	NEEDS_BPFFS();
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "--mode", "switch")), 0);
	unlink(PIN_DIR "/" PIN_LINKS "/beat-0");
	fd = open_pinned(PIN_CPU_BEATS);
	assert_int_equal(bpf_map_update_elem(fd, &cpu, &long_ago, BPF_ANY), 0);
	assert_int_equal(run_pin(*state, &said, WORDS("--pin")), 0);
	assert_int_equal(access(PIN_DIR "/" PIN_LINKS "/beat-0", F_OK), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &cpu, &beat), 0);
	assert_true(beat.beat_ns > long_ago.beat_ns);
	unlink(PIN_DIR "/" PIN_LINKS "/beat-0");
	assert_int_equal(bpf_map_update_elem(fd, &cpu, &long_ago, BPF_ANY), 0);
	assert_int_equal(run_pin(*state, &said, WORDS("--renew")), 0);
	assert_int_equal(access(PIN_DIR "/" PIN_LINKS "/beat-0", F_OK), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &cpu, &beat), 0);
	assert_true(beat.beat_ns > long_ago.beat_ns);
	close(fd);
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
}

/* The pinned measurement must not be read, one line says so, and a separate measurement is made. */
static void assert_measured_apart(const struct tree *tree, const char *why, const char **words)
{
	int before = tree__next_fd(tree);
	struct measurement m;
	const char *said;

	start(&m, tree, words);
	assert_started(&m);
	said = strstr(m.said.text, "the pinned measurement is not used");
	if (!said || !strstr(said, why))
		print_error("in place of '%s': %s", why, m.said.text);
	assert_non_null(said);
	assert_non_null(strstr(said, why));
	assert_null(strstr(said + 1, "the pinned measurement is not used"));
	assert_int_equal(next(&m), 1);
	end(&m);
	assert_int_equal(tree__next_fd(tree), before);
}

static void test_what_another_version_has_pinned_is_not_read(void **state)
{
	struct pin_about about;
	const __u32 key = 0;
	struct capture said;
	int fd;

	NEEDS_BPFFS();
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "--mode", "switch")), 0);
	fd = open_pinned(PIN_ABOUT);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &about), 0);
	about.layout++;
	assert_int_equal(bpf_map_update_elem(fd, &key, &about, BPF_ANY), 0);
	close(fd);
	assert_measured_apart(*state, "by another version", WORDS());
	assert_measured_apart(*state, "by another version", WORDS("--mode", "switch"));
	assert_int_equal(run_pin(*state, &said, WORDS("--pin")), -EPROTO);
	assert_non_null(strstr(said.text, "--unpin it and --pin it again"));
	assert_int_equal(run_pin(*state, &said, WORDS("--renew")), -EPROTO);
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
	assert_int_equal(access(PIN_DIR, F_OK), -1);
}

static void put_in_place(const char *name, int fd)
{
	char path[128];

	snprintf(path, sizeof(path), PIN_DIR "/%s", name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
}

/*
 * Replaces a pinned map by one with the given layout, which must be refused, and puts the original
 * back.
 */
static void assert_layout_refused(const struct tree *tree, const char *name,
				  const struct bpf_map_info *layout, const char *what)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = layout->map_flags);
	int was_fd = open_pinned(name);
	int fd = bpf_map_create(layout->type, "other", layout->key_size, layout->value_size,
				layout->max_entries, &opts);
	char words[128];

	assert_true(fd >= 0);
	put_in_place(name, fd);
	close(fd);
	snprintf(words, sizeof(words), PIN_DIR "/%s has another %s", name, what);
	assert_measured_apart(tree, words, WORDS("-H"));
	put_in_place(name, was_fd);
	close(was_fd);
}

static void assert_all_layouts_refused(const struct tree *tree, const char *name)
{
	struct bpf_map_info is = { 0 }, other;
	__u32 len = sizeof(is);
	int fd = open_pinned(name);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &is, &len), 0);
	close(fd);
	other = is;
	other.max_entries++;
	assert_layout_refused(tree, name, &other, "number of entries");
	other = is;
	/* A flag that is valid for maps of this type. */
	other.map_flags ^= is.type == BPF_MAP_TYPE_HASH       ? BPF_F_NO_PREALLOC
			   : is.type == BPF_MAP_TYPE_LRU_HASH ? BPF_F_NO_COMMON_LRU
			   : is.type == BPF_MAP_TYPE_ARRAY    ? BPF_F_MMAPABLE
							      : BPF_F_PRESERVE_ELEMS;
	assert_layout_refused(tree, name, &other, "flags");
	if (is.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return;
	other = is;
	other.value_size += 4096;
	assert_layout_refused(tree, name, &other, "value size");
	other = is;
	other.type = is.type == BPF_MAP_TYPE_ARRAY ? BPF_MAP_TYPE_HASH : BPF_MAP_TYPE_ARRAY;
	other.map_flags = 0;
	other.key_size = sizeof(__u32);
	assert_layout_refused(tree, name, &other, "type");
	other = is;
	other.key_size = 64;
	if (is.type != BPF_MAP_TYPE_ARRAY)
		assert_layout_refused(tree, name, &other, "key size");
}

static void test_maps_of_another_layout_are_not_read(void **state)
{
	static const char *const names[] = { PIN_ABOUT,  PIN_VCPUS,  PIN_ENDED,
					     PIN_STINTS, PIN_SHARED, PIN_EVENTS };
	struct capture said;
	int map_fd, program_fd, heartbeat_fd;

	NEEDS_BPFFS();
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "-H")), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_all_layouts_refused(*state, names[i]);
	/* A map in place of a program, another program, and a program in place of a map. */
	map_fd = open_pinned(PIN_VCPUS);
	program_fd = open_pinned(PIN_FORCED_READ);
	heartbeat_fd = open_pinned(PIN_HEARTBEAT);
	put_in_place(PIN_FORCED_READ, map_fd);
	assert_measured_apart(*state, "forced_read is another kind", WORDS("-H"));
	put_in_place(PIN_FORCED_READ, heartbeat_fd);
	assert_measured_apart(*state, "forced_read has another type", WORDS("-H"));
	put_in_place(PIN_FORCED_READ, program_fd);
	put_in_place(PIN_VCPUS, program_fd);
	assert_measured_apart(*state, "vcpus is another kind", WORDS("-H"));
	put_in_place(PIN_VCPUS, map_fd);
	close(heartbeat_fd);
	close(program_fd);
	close(map_fd);
	/* Without the replaced objects, the pinned measurement is accepted. */
	assert_int_equal(run_pin(*state, &said, WORDS("--pin")), 0);
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
}

static void test_what_others_own_or_may_write_is_not_read(void **state)
{
	static const char *const vcpus = PIN_DIR "/" PIN_VCPUS;
	struct capture said;
	int fd;

	NEEDS_BPFFS();
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "-H")), 0);
	assert_int_equal(chown(vcpus, 65534, (gid_t)-1), 0);
	assert_measured_apart(*state, "vcpus does not belong to root", WORDS("-H"));
	assert_int_equal(chown(vcpus, 0, (gid_t)-1), 0);
	assert_int_equal(chmod(vcpus, 0460), 0);
	assert_measured_apart(*state, "vcpus is writable by other users", WORDS("-H"));
	assert_int_equal(chmod(vcpus, 0440), 0);
	fd = open_pinned(PIN_VCPUS);
	assert_int_equal(unlink(vcpus), 0);
	assert_int_equal(symlink(PIN_ENDED, vcpus), 0);
	assert_measured_apart(*state, "vcpus is not a BPF object", WORDS("-H"));
	put_in_place(PIN_VCPUS, fd);
	close(fd);
	/* Wrong owner or mode of the directory and of its parent. */
	assert_int_equal(chown(PIN_DIR, 65534, (gid_t)-1), 0);
	assert_measured_apart(*state, "a directory of user 65534", WORDS("-H"));
	assert_int_equal(run_pin(*state, &said, WORDS("--pin")), -EPERM);
	assert_non_null(strstr(said.text, "a directory of user 65534"));
	assert_int_equal(chown(PIN_DIR, 0, (gid_t)-1), 0);
	assert_int_equal(chmod(PIN_DIR, 0770), 0);
	assert_measured_apart(*state, "mode 0770", WORDS("-H"));
	assert_int_equal(chmod(PIN_DIR, 0700), 0);
	assert_int_equal(chmod(PIN_ROOT, 0777), 0);
	assert_measured_apart(*state, "other users can replace", WORDS("-H"));
	assert_int_equal(chmod(PIN_ROOT, 01777), 0);
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
}

/* As in gtimehalt-pin.service: without the capabilities that override file permissions. */
static void test_readers_are_told_by_an_unpin_without_rights_over_files(void **state)
{
	struct pin_about about;
	const __u32 key = 0;
	struct capture said;
	int fd;

	NEEDS_BPFFS();
	assert_int_equal(run_pin(*state, &said, WORDS("--pin")), 0);
	fd = open_pinned(PIN_ABOUT);
	capng_get_caps_process();
	capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, -1);
	assert_int_equal(capng_apply(CAPNG_SELECT_CAPS), 0);
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
	capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, -1);
	assert_int_equal(capng_apply(CAPNG_SELECT_CAPS), 0);
	assert_string_equal(said.text, "");
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &about), 0);
	assert_int_equal(about.layout, 0);
	close(fd);
}

static void test_a_renewal_starts_nothing(void **state)
{
	struct capture said;

	NEEDS_BPFFS();
	assert_int_equal(run_pin(*state, &said, WORDS("--renew")), 0);
	assert_string_equal(said.text, "");
	assert_int_equal(access(PIN_DIR, F_OK), -1);
	/* An incomplete pinned measurement is not renewed either. */
	assert_int_equal(run_pin(*state, &said, WORDS("--pin")), 0);
	unlink(PIN_DIR "/" PIN_ABOUT);
	assert_int_equal(run_pin(*state, &said, WORDS("--renew")), 0);
	assert_string_equal(said.text, "");
	assert_int_equal(access(PIN_DIR "/" PIN_ABOUT, F_OK), -1);
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
	assert_string_equal(said.text, "");
}

static void test_a_pin_that_fails_leaves_nothing(void **state)
{
	const struct tree *tree = *state;
	struct capture said;

	NEEDS_BPFFS();
	tree__remove(tree, "sys/bus/event_source/devices/msr/events/mperf");
	assert_int_equal(run_pin(tree, &said, WORDS("--pin")), -EOPNOTSUPP);
	assert_int_equal(access(PIN_DIR, F_OK), -1);
}

static void test_directories_of_others_beside_what_is_pinned(void **state)
{
	struct measurement m;
	struct capture said;

	NEEDS_BPFFS();
	/* Empty directories, as a --pin that was killed at once leaves them. */
	assert_int_equal(mkdir(PIN_DIR, 0700), 0);
	assert_int_equal(mkdir(PIN_DIR "/" PIN_LINKS, 0700), 0);
	assert_int_equal(mkdir(PIN_DIR "/stray", 0700), 0);
	start(&m, *state, WORDS("--mode", "switch"));
	assert_started(&m);
	assert_null(strstr(m.said.text, PIN_DIR));
	end(&m);
	assert_int_equal(run_pin(*state, &said, WORDS("--pin")), 0);
	assert_int_equal(access(PIN_DIR "/" PIN_ABOUT, F_OK), 0);
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
	assert_non_null(strstr(said.text, "not removing stray in " PIN_DIR));
	assert_int_equal(access(PIN_DIR "/" PIN_LINKS, F_OK), -1);
	assert_int_equal(rmdir(PIN_DIR "/stray"), 0);
	assert_int_equal(rmdir(PIN_DIR), 0);
}

static void test_what_a_run_that_was_killed_has_left_is_told_and_removed(void **state)
{
	struct measurement m;
	struct capture said;

	NEEDS_BPFFS();
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "--mode", "switch")), 0);
	unlink(PIN_DIR "/" PIN_ABOUT);
	start(&m, *state, WORDS("--mode", "switch"));
	assert_started(&m);
	assert_non_null(strstr(m.said.text, "has left programs running"));
	end(&m);
	assert_int_equal(run_pin(*state, &said, WORDS("--pin", "--mode", "switch")), 0);
	assert_non_null(strstr(said.text, "had left part of a measurement"));
	assert_int_equal(run_pin(*state, &said, WORDS("--unpin")), 0);
	assert_int_equal(access(PIN_DIR, F_OK), -1);
}

static void test_without_bpffs_nothing_is_pinned(void **state)
{
	struct capture said;

	NEEDS_BPFFS();
	assert_int_equal(umount(PIN_ROOT), 0);
	assert_int_equal(run_pin(*state, &said, WORDS("--pin")), -EOPNOTSUPP);
	assert_non_null(strstr(said.text, "bpffs is not mounted"));
	assert_int_equal(mount("bpf", PIN_ROOT, "bpf", 0, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, tree__teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_windows_only),
		TEST(test_entries_and_stints),
		TEST(test_what_has_ended_is_forgotten_and_what_is_torn_is_no_sum),
		TEST(test_an_event_that_failed_is_opened_again),
		TEST(test_check_closes_over_the_cpus),
		TEST(test_programs_are_timed_when_that_is_wanted),
		TEST(test_a_process_that_is_no_vm),
		TEST(test_what_a_host_lacks),
		TEST(test_pinned_it_goes_on_and_is_read_by_others),
		TEST(test_pinned_twice),
		TEST(test_a_cpu_that_beats_no_more_is_renewed),
		TEST(test_what_another_version_has_pinned_is_not_read),
		TEST(test_maps_of_another_layout_are_not_read),
		TEST(test_what_others_own_or_may_write_is_not_read),
		TEST(test_readers_are_told_by_an_unpin_without_rights_over_files),
		TEST(test_a_renewal_starts_nothing),
		TEST(test_a_pin_that_fails_leaves_nothing),
		TEST(test_directories_of_others_beside_what_is_pinned),
		TEST(test_what_a_run_that_was_killed_has_left_is_told_and_removed),
		TEST(test_without_bpffs_nothing_is_pinned),
	};

	/*
	 * A bpffs of its own, so that pinned objects cannot collide with others and vanish when the
	 * test ends.
	 */
	own_bpffs = !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		    !mount("bpf", PIN_ROOT, "bpf", 0, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
