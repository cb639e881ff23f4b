// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report/filter.h"
#include "snapshot_fixture.h"

/* Elements of a list and their number, for an initialiser. */
#define IDS(...)   (pid_t[]){ __VA_ARGS__ }, sizeof((pid_t[]){ __VA_ARGS__ }) / sizeof(pid_t)
#define VCPUS(...) (__u32[]){ __VA_ARGS__ }, sizeof((__u32[]){ __VA_ARGS__ }) / sizeof(__u32)
#define NAMES(...)                                                                                 \
	(char **)(const char *[]){ __VA_ARGS__ },                                                  \
		sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)
#define NONE NULL, 0

/*
 * Applies the filter; `expected` lists the PIDs of the remaining VMs, a bar, and the TIDs of the
 * remaining vCPUs.
 */
static void assert_left(struct filter filter, const char *expected, struct snapshot *snap)
{
	bool matches = filter__matches(&filter, snap);
	char text[256] = "", *end = text;

	filter__apply(&filter, snap);
	for (size_t i = 0; i < snap->vm_cnt; i++)
		end += sprintf(end, "%d ", snap->vms[i].pid);
	end += sprintf(end, "|");
	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		end += sprintf(end, " %d", snap->vcpus[i].tid);
	assert_string_equal(text, expected);
	assert_int_equal(matches, snap->vm_cnt || snap->vcpu_cnt);
	/* Everything left matches the filter, so that applying it again removes nothing. */
	filter__apply(&filter, snap);
	assert_int_equal(filter__matches(&filter, snap), matches);
}

#define EVERYTHING "10 20 30 40 | 6 11 12 21 22 23 31 32"

static void test_empty_wants_everything(void **state)
{
	struct filter filter = { NONE, NONE, NONE, NONE };

	assert_true(filter__is_empty(&filter));
	assert_left(filter, EVERYTHING, *state);
}

static void test_pids(void **state)
{
	struct filter filter = { IDS(40, 10, 99), NONE, NONE, NONE };

	assert_false(filter__is_empty(&filter));
	assert_left(filter, "10 40 | 11 12", *state);
}

static void test_pid_without_a_vm(void **state)
{
	assert_left((struct filter){ IDS(5), NONE, NONE, NONE }, "| 6", *state);
}

static void test_tids(void **state)
{
	struct filter filter = { NONE, IDS(32, 12, 99, 6), NONE, NONE };

	assert_false(filter__is_empty(&filter));
	assert_left(filter, "10 30 | 6 12 32", *state);
}

static void test_vcpu_ids(void **state)
{
	struct filter filter = { NONE, NONE, NONE, VCPUS(1, 2, UINT32_MAX) };

	assert_false(filter__is_empty(&filter));
	assert_left(filter, "10 20 | 12 22 23", *state);
}

static void test_names(void **state)
{
	struct filter filter = { NONE, NONE, NAMES("idle", "web-[2-9]"), NONE };

	assert_false(filter__is_empty(&filter));
	assert_left(filter, "20 40 | 21 22 23", *state);
}

static void test_a_name_is_matched_whole(void **state)
{
	assert_left((struct filter){ NONE, NONE, NAMES("web", "eb-1", "DB"), NONE }, "|", *state);
}

static void test_a_pattern_matches_what_is_special_elsewhere(void **state)
{
	struct snapshot *snap = *state;

	strcpy(snap->vms[0].name, ".a/b,c");
	assert_left((struct filter){ NONE, NONE, NAMES("*a*,?"), NONE }, "10 | 11 12", snap);
}

static void test_any_name_is_no_name(void **state)
{
	assert_left((struct filter){ NONE, NONE, NAMES("*"), NONE },
		    "10 20 30 40 | 11 12 21 22 23 31 32", *state);
}

/* If several lists are given, each of them must have a matching element. */
static void test_lists_narrow_each_other(void **state)
{
	assert_left((struct filter){ IDS(10, 30), IDS(12, 22, 31), NAMES("web-*", "db"), NONE },
		    "10 30 | 12 31", *state);
}

static void test_all_four(void **state)
{
	assert_left((struct filter){ IDS(10, 20), IDS(11, 12, 22), NAMES("*2", "web-1"), VCPUS(1) },
		    "10 20 | 12 22", *state);
}

static void test_nothing_is_all_of_it(void **state)
{
	assert_left((struct filter){ IDS(10), IDS(21), NONE, NONE }, "|", *state);
}

static void test_empty_snapshot(void **state)
{
	struct snapshot empty = { 0 };

	(void)state;
	assert_left((struct filter){ NONE, IDS(1), NONE, NONE }, "|", &empty);
	assert_left((struct filter){ NONE, NONE, NONE, NONE }, "|", &empty);
}

/* Dropping elements must not change any field of those that stay. */
static void test_readings_stay_whole(void **state)
{
	struct snapshot *snap = *state;
	struct vcpu_reading vcpu = snap->vcpus[5];
	struct vm_reading vm = snap->vms[1];

	assert_left((struct filter){ NONE, IDS(23), NONE, NONE }, "20 | 23", snap);
	assert_memory_equal(&snap->vcpus[0], &vcpu, sizeof(vcpu));
	assert_memory_equal(&snap->vms[0], &vm, sizeof(vm));
}

static void test_free_leaves_an_empty_one(void **state)
{
	struct filter filter = {
		.pids = calloc(1, sizeof(pid_t)),
		.pid_cnt = 1,
		.names = calloc(1, sizeof(char *)),
		.name_cnt = 1,
	};

	(void)state;
	filter.names[0] = strdup("a");
	filter__free(&filter);
	assert_true(filter__is_empty(&filter));
	assert_null(filter.pids);
	assert_null(filter.names);
	filter__free(&filter);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SNAPSHOT_TEST(test_empty_wants_everything),
		SNAPSHOT_TEST(test_pids),
		SNAPSHOT_TEST(test_pid_without_a_vm),
		SNAPSHOT_TEST(test_tids),
		SNAPSHOT_TEST(test_vcpu_ids),
		SNAPSHOT_TEST(test_names),
		SNAPSHOT_TEST(test_a_name_is_matched_whole),
		SNAPSHOT_TEST(test_a_pattern_matches_what_is_special_elsewhere),
		SNAPSHOT_TEST(test_any_name_is_no_name),
		SNAPSHOT_TEST(test_lists_narrow_each_other),
		SNAPSHOT_TEST(test_all_four),
		SNAPSHOT_TEST(test_nothing_is_all_of_it),
		SNAPSHOT_TEST(test_empty_snapshot),
		SNAPSHOT_TEST(test_readings_stay_whole),
		SNAPSHOT_TEST(test_free_leaves_an_empty_one),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
