// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests what is read, and what is refused, on trees of plain files in place of a cgroup file
 * system. tests/vm/steer.bats tests how the kernel reacts to writes.
 */
#include <errno.h>
#include "steer/cpuset.h"
#include "steer/topology.h"
#include "tree.h"

static void put(const struct tree *tree, const char *path, const char *text)
{
	tree__write(tree, path, text, strlen(text));
}

static void make_cgroup(const struct tree *tree, const char *path, const char *cpus,
			const char *effective)
{
	char file[128];

	tree__mkdir(tree, path);
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	put(tree, file, "");
	snprintf(file, sizeof(file), "%s/cgroup.threads", path);
	put(tree, file, "");
	if (!cpus)
		return;
	snprintf(file, sizeof(file), "%s/cpuset.cpus", path);
	put(tree, file, cpus);
	snprintf(file, sizeof(file), "%s/cpuset.cpus.effective", path);
	put(tree, file, effective);
}

static void assert_cpus(int err, const struct cpus *cpus, const char *list)
{
	char text[CPUS_TEXT_MAX];

	assert_int_equal(err, 0);
	assert_string_equal(cpus__format(cpus, text), list);
}

static void test_reads(void **state)
{
	const struct tree *tree = *state;
	struct cpuset cpuset;
	struct cpus cpus;

	put(tree, "cpuset.cpus.effective", "0-7\n");
	make_cgroup(tree, "hk", "2-3\n", "3\n");
	assert_int_equal(cpuset__open(tree->fs.root_fd, "hk", true, &cpuset), 0);
	assert_cpus(cpuset__read(&cpuset, &cpus), &cpus, "2-3");
	assert_cpus(cpuset__read_effective(&cpuset, &cpus), &cpus, "3");
	assert_cpus(cpuset__read_parent(&cpuset, &cpus), &cpus, "0-7");
	assert_int_equal(cpuset__is_partition(&cpuset), 0);
	cpus__parse("1", &cpus);
	assert_int_equal(cpuset__write(&cpuset, &cpus), 0);
	assert_cpus(cpuset__read(&cpuset, &cpus), &cpus, "1");
	assert_false(cpuset__is_gone(&cpuset));
	put(tree, "hk/cpuset.cpus", "many\n");
	assert_int_equal(cpuset__read(&cpuset, &cpus), -EINVAL);
	tree__remove(tree, "hk");
	assert_true(cpuset__is_gone(&cpuset));
	assert_int_equal(cpuset__read(&cpuset, &cpus), -ENOENT);
	cpuset__close(&cpuset);
	assert_true(cpuset__is_gone(&cpuset));
}

/*
 * A cgroup without the cpuset controller has the CPUs of its nearest ancestor with the controller.
 */
static void test_inherits(void **state)
{
	const struct tree *tree = *state;
	struct cpuset cpuset;
	struct cpus cpus;

	put(tree, "cpuset.cpus.effective", "0-7\n");
	make_cgroup(tree, "a", "", "4\n");
	make_cgroup(tree, "a/b", NULL, NULL);
	make_cgroup(tree, "a/b/c", NULL, NULL);
	assert_int_equal(cpuset__open(tree->fs.root_fd, "a/b/c", true, &cpuset), -ENODATA);
	assert_int_equal(cpuset.dir_fd, -1);
	assert_int_equal(cpuset__open(tree->fs.root_fd, "a/b/c", false, &cpuset), 0);
	assert_cpus(cpuset__read(&cpuset, &cpus), &cpus, "");
	assert_cpus(cpuset__read_effective(&cpuset, &cpus), &cpus, "4");
	assert_cpus(cpuset__read_parent(&cpuset, &cpus), &cpus, "4");
	cpuset__close(&cpuset);
	assert_int_equal(cpuset__open(tree->fs.root_fd, "d", true, &cpuset), -ENOENT);
}

static void test_partitions(void **state)
{
	static const struct {
		const char *text;
		int expected;
	} cases[] = {
		{ "member\n", 0 },
		{ "root\n", 1 },
		{ "isolated\n", 1 },
		{ "root invalid (Cpu list in cpuset.cpus not exclusive)\n", 1 },
	};
	const struct tree *tree = *state;
	struct cpuset cpuset;

	make_cgroup(tree, "hk", "", "0\n");
	assert_int_equal(cpuset__open(tree->fs.root_fd, "hk", true, &cpuset), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(tree, "hk/cpuset.cpus.partition", cases[i].text);
		assert_int_equal(cpuset__is_partition(&cpuset), cases[i].expected);
	}
	cpuset__close(&cpuset);
}

static void test_path_of_thread(void **state)
{
	const struct tree *tree = *state;
	char path[PATH_MAX];

	tree__mkdir(tree, "proc");
	tree__mkdir(tree, "proc/5");
	assert_int_equal(cpuset__path_of(&tree->fs, 5, path), -ESRCH);
	put(tree, "proc/5/cgroup", "0::/\n");
	assert_int_equal(cpuset__path_of(&tree->fs, 5, path), 0);
	assert_string_equal(path, "");
	put(tree, "proc/5/cgroup", "1:cpu:/x\n0::/system.slice/a b.service\n");
	assert_int_equal(cpuset__path_of(&tree->fs, 5, path), 0);
	assert_string_equal(path, "system.slice/a b.service");
	put(tree, "proc/5/cgroup", "1:cpu:/x\n");
	assert_int_equal(cpuset__path_of(&tree->fs, 5, path), -EPROTO);
}

static void test_below(void **state)
{
	(void)state;
	assert_true(cpuset__is_below("a", "a"));
	assert_true(cpuset__is_below("a/b", "a"));
	assert_false(cpuset__is_below("ab", "a"));
	assert_false(cpuset__is_below("a", "a/b"));
	assert_false(cpuset__is_below("", "a"));
}

static void put_thread(const struct tree *tree, int tid, const char *allowed)
{
	char path[32], text[128];

	snprintf(path, sizeof(path), "proc/%d", tid);
	tree__mkdir(tree, path);
	snprintf(path, sizeof(path), "proc/%d/status", tid);
	snprintf(text, sizeof(text),
		 "Name:\tx\nCpus_allowed:\tf\nCpus_allowed_list:\t%s\nMems_allowed:\t1\n", allowed);
	put(tree, path, text);
}

static void test_own_affinities(void **state)
{
	const struct tree *tree = *state;
	struct cpuset cpuset;
	pid_t tid = 0;

	tree__mkdir(tree, "proc");
	make_cgroup(tree, "hk", "", "0-3\n");
	make_cgroup(tree, "hk/a", "", "0-1\n");
	make_cgroup(tree, "hk/a/b", NULL, NULL);
	assert_int_equal(cpuset__open(tree->fs.root_fd, "hk", true, &cpuset), 0);
	/*
	 * Thread 1 may use offline CPUs, thread 2 is in the narrower cgroup, thread 77 has ended.
	 */
	put_thread(tree, 1, "0-127");
	put_thread(tree, 2, "0-1");
	put(tree, "hk/cgroup.threads", "1\n77\n");
	put(tree, "hk/a/b/cgroup.threads", "2\n");
	assert_int_equal(cpuset__find_own_affinity(&cpuset, &tree->fs, &tid), 0);
	put_thread(tree, 3, "1,5");
	put(tree, "hk/a/b/cgroup.threads", "2\n3\n");
	assert_int_equal(cpuset__find_own_affinity(&cpuset, &tree->fs, &tid), 1);
	assert_int_equal(tid, 3);
	put(tree, "hk/cgroup.threads", "2\n");
	assert_int_equal(cpuset__find_own_affinity(&cpuset, &tree->fs, &tid), 1);
	assert_int_equal(tid, 2);
	cpuset__close(&cpuset);
}

static void test_topology(void **state)
{
	const struct tree *tree = *state;
	struct topology topology;

	for (int i = 0; i < 4; i++) {
		static const char *const dirs[] = { "sys", "sys/devices", "sys/devices/system",
						    "sys/devices/system/cpu" };

		tree__mkdir(tree, dirs[i]);
	}
	put(tree, "sys/devices/system/cpu/possible", "0-3\n");
	put(tree, "sys/devices/system/cpu/isolated", "\n");
	tree__mkdir(tree, "sys/devices/system/cpu/cpu3");
	tree__mkdir(tree, "sys/devices/system/cpu/cpu3/topology");
	put(tree, "sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "1,3\n");
	assert_int_equal(topology__read(&tree->fs, &topology), 0);
	assert_int_equal(topology.cpu_cnt, 4);
	assert_int_equal(topology.core_of[2], 2);
	assert_int_equal(topology.core_of[3], 1);
	assert_int_equal(cpus__cnt(&topology.isolated), 0);
	topology__free(&topology);
	put(tree, "sys/devices/system/cpu/isolated", "2-3\n");
	assert_int_equal(topology__read(&tree->fs, &topology), 0);
	assert_true(cpus__has(&topology.isolated, 2));
	topology__free(&topology);
}

static void test_cpu_of_thread(void **state)
{
	const struct tree *tree = *state;

	tree__mkdir(tree, "proc");
	tree__mkdir(tree, "proc/7");
	assert_int_equal(topology__cpu_of(&tree->fs, 7), -1);
	put(tree, "proc/7/stat",
	    "7 (CPU 1) KVM) S 1 7 7 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 9 4096 100 18446744073709551615 1 1 0 0 0 0 0 0 "
	    "0 1 0 0 17 11 0 0 0 0 0 1 1 1 1 1 1 1 0\n");
	assert_int_equal(topology__cpu_of(&tree->fs, 7), 11);
	put(tree, "proc/7/stat", "7 (x) S 1 7\n");
	assert_int_equal(topology__cpu_of(&tree->fs, 7), -1);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, tree__setup, tree__teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_reads),        TREE_TEST(test_inherits),
		TREE_TEST(test_partitions),   TREE_TEST(test_path_of_thread),
		cmocka_unit_test(test_below), TREE_TEST(test_own_affinities),
		TREE_TEST(test_topology),     TREE_TEST(test_cpu_of_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
