// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Uses a tree of plain files in place of /proc and of a cgroup file system. The test does what the
 * kernel would do.
 */
#include <errno.h>
#include "base/log.h"
#include "capture.h"
#include "steer/steered.h"
#include "tree.h"

#define MS  1000000ULL
#define CNT 4

struct fixture {
	void *tree;
	struct group_host groups;
	struct policy *policy;
	struct steered_host host;
	struct steered steered;
	__u64 now_ns;
};

static void put(const struct fixture *f, const char *path, const char *text)
{
	tree__write(f->tree, path, text, strlen(text));
}

/* Feeds intervals with these shares, for longer than the dwell. */
static void feed(struct fixture *f, int a, int b, int c, int d)
{
	const int busy_pct[CNT] = { a, b, c, d };
	struct cpu_load loads[CNT];

	for (int cpu = 0; cpu < CNT; cpu++)
		loads[cpu] = (struct cpu_load){ true, 100 * MS, MS * (__u64)busy_pct[cpu] };
	for (int i = 0; i < 12; i++) {
		f->now_ns += 200 * MS;
		policy__feed(f->policy, f->now_ns, loads);
	}
}

static int begin(void **state)
{
	static const struct policy_opts opts = { 0.6, 0.4, 1000 * MS, 1 };
	static const int cores[CNT] = { 0, 1, 2, 3 };
	struct fixture *f = calloc(1, sizeof(*f));
	char path[64];

	assert_non_null(f);
	log__set_level(LOG_LEVEL_ERR);
	tree__setup(&f->tree);
	f->groups.root_fd = ((struct tree *)f->tree)->fs.root_fd;
	f->now_ns = 1000 * MS;
	tree__mkdir(f->tree, "proc");
	snprintf(path, sizeof(path), "proc/%d", getpid());
	tree__mkdir(f->tree, path);
	snprintf(path, sizeof(path), "proc/%d/cgroup", getpid());
	put(f, path, "0::/own\n");
	tree__mkdir(f->tree, "hk");
	put(f, "cpuset.cpus.effective", "0-3\n");
	put(f, "hk/cgroup.procs", "");
	put(f, "hk/cgroup.threads", "");
	put(f, "hk/cpuset.cpus", "\n");
	put(f, "hk/cpuset.cpus.effective", "0-3\n");
	put(f, "hk/cpuset.cpus.partition", "member\n");
	assert_int_equal(policy__new(&opts, cores, CNT, &f->policy), 0);
	f->host = (struct steered_host){
		.fs = &((struct tree *)f->tree)->fs,
		.groups = &f->groups,
		.policy = f->policy,
		.retry_ns = 1000 * MS,
		.keeps_affinity = true,
	};
	assert_int_equal(steered__open(&f->groups, "hk", true, 4, &f->steered), 0);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	steered__close(&f->steered);
	policy__free(f->policy);
	tree__teardown(&f->tree);
	log__set_level(LOG_LEVEL_WARN);
	free(f);
	return 0;
}

static void assert_list(const struct fixture *f, const char *path, const char *list)
{
	char text[64], is[CPUS_TEXT_MAX];
	struct cpus cpus;

	assert_true(hostfs__read(f->host.fs, text, sizeof(text), "%s", path) >= 0);
	assert_int_equal(cpus__parse(text, &cpus), 0);
	assert_string_equal(cpus__format(&cpus, is), list);
}

/* Runs one interval, whose look has to result in `refusal`. Returns whether the set has changed. */
static bool step(struct fixture *f, pid_t vcpu_tid, enum refusal refusal)
{
	f->now_ns += 200 * MS;
	f->steered.total_ns += 200 * MS;
	steered__look(&f->host, &f->steered, vcpu_tid, f->now_ns);
	assert_string_equal(refusal__word(f->steered.refusal), refusal__word(refusal));
	return steered__step(&f->host, &f->steered, f->now_ns);
}

/* Narrows the cgroup to CPUs 2 and 3, and brings this into effect. */
static void narrow(struct fixture *f)
{
	feed(f, 100, 100, 0, 0);
	assert_true(step(f, 0, REFUSAL_NONE));
	assert_list(f, "hk/cpuset.cpus", "2-3");
	put(f, "hk/cpuset.cpus.effective", "2-3\n");
	assert_true(f->steered.is_narrowed);
}

static void test_narrows(void **state)
{
	struct fixture *f = *state;

	feed(f, 100, 100, 100, 100);
	assert_false(step(f, 0, REFUSAL_NONE));
	assert_list(f, "hk/cpuset.cpus", "");
	narrow(f);
	assert_false(step(f, 0, REFUSAL_NONE));
	assert_int_equal(f->steered.write_cnt, 1);
	/* No CPU is halted: the cgroup gets all CPUs. */
	feed(f, 100, 100, 100, 100);
	assert_true(step(f, 0, REFUSAL_NONE));
	assert_list(f, "hk/cpuset.cpus", "0-3");
	assert_false(f->steered.is_narrowed);
}

static void test_isolated_never(void **state)
{
	struct fixture *f = *state;

	cpus__add(&f->host.isolated, 3);
	feed(f, 100, 100, 0, 0);
	assert_true(step(f, 0, REFUSAL_NONE));
	assert_list(f, "hk/cpuset.cpus", "2");
}

/* CPUs that the parent has lost, to a partition or by hotplug, are not given. */
static void test_within_parent(void **state)
{
	struct fixture *f = *state;

	put(f, "cpuset.cpus.effective", "0-2\n");
	put(f, "hk/cpuset.cpus.effective", "0-2\n");
	feed(f, 100, 100, 0, 0);
	assert_true(step(f, 0, REFUSAL_NONE));
	assert_list(f, "hk/cpuset.cpus", "2");
}

static void test_vcpu(void **state)
{
	struct fixture *f = *state;

	narrow(f);
	put(f, "hk/cpuset.cpus.effective", "0-3\n");
	assert_true(step(f, 7, REFUSAL_VCPU));
	/*
	 * "\n" has overwritten the beginning of "0-3\n": a plain file, unlike cpuset.cpus, keeps
	 * the rest.
	 */
	assert_list(f, "hk/cpuset.cpus", "");
	assert_false(step(f, 7, REFUSAL_VCPU));
	assert_int_equal(f->steered.refusal_cnt, 1);
	f->now_ns += 1000 * MS;
	assert_true(step(f, 0, REFUSAL_NONE));
	assert_true(f->steered.is_narrowed);
}

static void test_self(void **state)
{
	struct fixture *f = *state;
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/cgroup", getpid());
	put(f, path, "0::/hk/below\n");
	feed(f, 100, 100, 0, 0);
	assert_false(step(f, 0, REFUSAL_SELF));
	assert_list(f, "hk/cpuset.cpus", "");
}

static void test_partition(void **state)
{
	struct fixture *f = *state;

	put(f, "hk/cpuset.cpus.partition", "isolated\n");
	feed(f, 100, 100, 0, 0);
	assert_false(step(f, 0, REFUSAL_PARTITION));
	assert_list(f, "hk/cpuset.cpus", "");
}

static void test_foreign(void **state)
{
	struct fixture *f = *state;

	narrow(f);
	put(f, "hk/cpuset.cpus", "1\n");
	assert_false(step(f, 0, REFUSAL_FOREIGN));
	/* The refusal is permanent, even if the other program writes what was set before. */
	put(f, "hk/cpuset.cpus", "2-3\n");
	assert_false(step(f, 0, REFUSAL_FOREIGN));
	assert_int_equal(steered__restore(&f->host, &f->steered), 0);
	assert_list(f, "hk/cpuset.cpus", "2-3");
}

static void test_ineffective(void **state)
{
	struct fixture *f = *state;

	narrow(f);
	put(f, "hk/cpuset.cpus.effective", "0-3\n");
	assert_true(step(f, 0, REFUSAL_INEFFECTIVE));
	assert_int_equal(f->steered.failure_cnt, 1);
	assert_list(f, "hk/cpuset.cpus", "");
	/* It is not steered again at once. */
	assert_false(step(f, 0, REFUSAL_INEFFECTIVE));
	f->now_ns += 1000 * MS;
	assert_true(step(f, 0, REFUSAL_NONE));
}

static void test_gone(void **state)
{
	struct fixture *f = *state;

	narrow(f);
	tree__remove(f->tree, "hk");
	assert_false(step(f, 0, REFUSAL_GONE));
	assert_int_equal(steered__restore(&f->host, &f->steered), 0);
}

/*
 * On a kernel on which writes erase affinities, nothing is written while there is a thread with an
 * affinity of its own, not even to restore the original CPUs; only the end of the run restores
 * them.
 */
static void test_own_affinity(void **state)
{
	struct fixture *f = *state;

	f->host.keeps_affinity = false;
	narrow(f);
	tree__mkdir(f->tree, "proc/9");
	put(f, "proc/9/status", "Name:\tx\nCpus_allowed_list:\t2\n");
	put(f, "hk/cgroup.threads", "9\n");
	feed(f, 100, 100, 100, 100);
	assert_false(step(f, 0, REFUSAL_NONE));
	assert_false(step(f, 0, REFUSAL_AFFINITY));
	assert_int_equal(f->steered.tid, 9);
	assert_list(f, "hk/cpuset.cpus", "2-3");
	put(f, "hk/cgroup.threads", "");
	f->now_ns += 1000 * MS;
	assert_true(step(f, 0, REFUSAL_NONE));
	assert_list(f, "hk/cpuset.cpus", "0-3");
}

/* systemd writes a cgroup some time after it was asked; until then the previous set is accepted. */
static void test_pending(void **state)
{
	struct fixture *f = *state;

	narrow(f);
	put(f, "hk/cpuset.cpus", "\n\n\n\n");
	put(f, "hk/cpuset.cpus.effective", "0-3\n");
	f->steered.set_ns = f->now_ns;
	assert_false(step(f, 0, REFUSAL_NONE));
	put(f, "hk/cpuset.cpus", "2-3\n");
	put(f, "hk/cpuset.cpus.effective", "2-3\n");
	assert_false(step(f, 0, REFUSAL_NONE));
	assert_int_equal(f->steered.set_ns, 0);
	f->steered.set_ns = f->now_ns;
	put(f, "hk/cpuset.cpus", "\n\n\n\n");
	f->now_ns += 4000 * MS;
	assert_false(step(f, 0, REFUSAL_FOREIGN));
}

/* The busy CPU changes every 40 ms; the cgroup is set at most four times in a second. */
static void test_budget(void **state)
{
	static const char *const rest[CNT] = { "1-3\n", "0,2-3\n", "0-1,3\n", "0-2\n" };
	struct fixture *f = *state;
	int change_cnt = 0;

	for (int i = 0; i < 24; i++) {
		struct cpu_load loads[CNT];

		for (int cpu = 0; cpu < CNT; cpu++)
			loads[cpu] =
				(struct cpu_load){ true, 100 * MS, cpu == i % CNT ? 100 * MS : 0 };
		f->now_ns += 40 * MS;
		policy__feed(f->policy, f->now_ns, loads);
		assert_true(steered__look(&f->host, &f->steered, 0, f->now_ns));
		if (!steered__step(&f->host, &f->steered, f->now_ns))
			continue;
		change_cnt++;
		put(f, "hk/cpuset.cpus", rest[i % CNT]);
		put(f, "hk/cpuset.cpus.effective", rest[i % CNT]);
	}
	assert_int_equal(change_cnt, 4);
}

/* A cgroup never gets a CPU that is not in its original set. */
static void test_within_original(void **state)
{
	struct fixture *f = *state;

	steered__close(&f->steered);
	memset(&f->steered, 0, sizeof(f->steered));
	put(f, "hk/cpuset.cpus", "0-2\n");
	put(f, "hk/cpuset.cpus.effective", "0-2\n");
	assert_int_equal(steered__open(&f->groups, "hk", true, 4, &f->steered), 0);
	feed(f, 100, 100, 0, 0);
	assert_true(step(f, 0, REFUSAL_NONE));
	assert_list(f, "hk/cpuset.cpus", "2");
	put(f, "hk/cpuset.cpus.effective", "2\n");
	feed(f, 100, 100, 100, 0);
	assert_true(step(f, 0, REFUSAL_NONE));
	assert_list(f, "hk/cpuset.cpus", "0-2");
}

static void test_dry_run(void **state)
{
	struct fixture *f = *state;

	f->host.dry_run = true;
	feed(f, 100, 100, 0, 0);
	assert_true(step(f, 0, REFUSAL_NONE));
	assert_int_equal(cpus__cnt(&f->steered.set), 2);
	assert_list(f, "hk/cpuset.cpus", "");
	assert_false(step(f, 0, REFUSAL_NONE));
	assert_int_equal(steered__restore(&f->host, &f->steered), 0);
	assert_list(f, "hk/cpuset.cpus", "");
}

#define STEERED_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STEERED_TEST(test_narrows),       STEERED_TEST(test_isolated_never),
		STEERED_TEST(test_within_parent), STEERED_TEST(test_vcpu),
		STEERED_TEST(test_self),          STEERED_TEST(test_partition),
		STEERED_TEST(test_foreign),       STEERED_TEST(test_ineffective),
		STEERED_TEST(test_gone),          STEERED_TEST(test_own_affinity),
		STEERED_TEST(test_pending),       STEERED_TEST(test_within_original),
		STEERED_TEST(test_budget),        STEERED_TEST(test_dry_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
