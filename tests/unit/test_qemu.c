// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What test_vm.c cannot see through files: results, limits, and bytes before they are printable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "qemu.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* A string literal with its NULs, and the last. */
#define CMDLINE(literal) (literal), sizeof(literal)

/* The name in a buffer of this size, with nothing written behind it. */
static void assert_name(const char *cmdline, size_t len, size_t size, const char *expected)
{
	char raw[64];

	memset(raw, 'x', sizeof(raw));
	assert_true(qemu__guest_name(cmdline, len, false, raw, size));
	assert_string_equal(raw, expected);
	for (size_t i = size; i < sizeof(raw); i++)
		assert_int_equal(raw[i], 'x');
}

static void name_is_cut_to_fit(void **state)
{
	(void)state;
	assert_name(CMDLINE("q\0-name\0guest=abc,process=p"), 5, "abc");
	assert_name(CMDLINE("q\0-name\0guest=abc,process=p"), 4, "abc");
	assert_name(CMDLINE("q\0-name\0guest=abc,process=p"), 3, "ab");
	assert_name(CMDLINE("q\0-name\0guest=abc,process=p"), 2, "a");
	/* A comma written twice takes the room of one. */
	assert_name(CMDLINE("q\0-name\0a,,b,,c"), 4, "a,b");
	/* What follows one that was cut is still found. */
	assert_name(CMDLINE("q\0-name\0guest=abcdef,guest=xy"), 4, "xy");
}

static void name_is_raw(void **state)
{
	(void)state;
	assert_name(CMDLINE("q\0-name\0a\n\x1b[2J\xff\xc3\x7f"), 64, "a\n\x1b[2J\xff\xc3\x7f");
	assert_name(CMDLINE("q\0-name\0 "), 64, " ");
}

static void no_name(void **state)
{
	static const struct {
		const char *cmdline;
		size_t len;
	} lines[] = {
		{ "", 0 },
		{ CMDLINE("") },
		{ CMDLINE("q\0-name") },
		{ CMDLINE("q\0-name\0") },
		{ CMDLINE("q\0-name\0guest=") },
		{ CMDLINE("q\0-name\0,guest") },
		{ CMDLINE("q\0-name\0=a") },
		{ CMDLINE("q\0-name\0guest=a,guest=") },
		{ CMDLINE("q\0-name\0a\0-name\0guest=") },
		{ CMDLINE("q\0-name\0process=a,debug-threads=on") },
		{ CMDLINE("q\0-NAME\0a") },
		/* Beyond the length, as bytes of an earlier command line in the same buffer. */
		{ "q\0-name\0a", 7 },
	};
	char raw[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		memset(raw, 'x', sizeof(raw));
		assert_false(
			qemu__guest_name(lines[i].cmdline, lines[i].len, false, raw, sizeof(raw)));
	}
}

/* A word is known to be whole by the NUL behind it. */
static void half_a_word_is_none(void **state)
{
	static const char cmdline[] = "q\0-name\0old\0-name\0new";
	char raw[64];

	(void)state;
	assert_true(qemu__guest_name(cmdline, sizeof(cmdline) - 1, true, raw, sizeof(raw)));
	assert_string_equal(raw, "old");
	assert_true(qemu__guest_name(cmdline, sizeof(cmdline), true, raw, sizeof(raw)));
	assert_string_equal(raw, "new");
	/* Whole although nothing follows: a process may write its own title. */
	assert_true(qemu__guest_name(cmdline, sizeof(cmdline) - 1, false, raw, sizeof(raw)));
	assert_string_equal(raw, "new");
}

static void vcpu_ids(void **state)
{
	static const struct {
		const char *comm;
		__u32 id;
	} good[] = {
		{ "CPU 0/KVM", 0 },
		{ "CPU 0/KVM\n", 0 },
		{ "CPU 12/KVM\n", 12 },
		{ "CPU 4095/KVM\n", 4095 },
		{ "CPU 4294967295/KVM", UINT32_MAX },
		{ "CPU 1/KVM\nCPU 2/KVM\n", 1 },
	};
	char comm[64];
	__u32 id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		strcpy(comm, good[i].comm);
		id = ~good[i].id;
		assert_true(qemu__vcpu_id(comm, &id));
		assert_int_equal(id, good[i].id);
	}
}

static void no_vcpu_ids(void **state)
{
	static const char *const bad[] = {
		"",           "\n",          "CPU",        "CPU ",        "CPU 1",
		"CPU 1/",     "CPU 1/KV",    "CPU 1/KVM ", "CPU 1/KVM/",  "CPU 1/TCG",
		"CPU /KVM",   "CPU +1/KVM",  "CPU -1/KVM", "CPU 1.0/KVM", "CPU 0x1/KVM",
		"CPU  1/KVM", "CPU 1 /KVM",  " CPU 1/KVM", "cpu 1/KVM",   "CPU 4294967296/KVM",
		"CPU1/KVM",   "\nCPU 1/KVM", "CPU \n1/KVM"
	};
	char comm[64];
	__u32 id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		strcpy(comm, bad[i]);
		id = 77;
		if (qemu__vcpu_id(comm, &id))
			fail_msg("\"%s\" is taken for vCPU %u", bad[i], id);
		assert_int_equal(id, 77);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_is_cut_to_fit),
		cmocka_unit_test(name_is_raw),
		cmocka_unit_test(no_name),
		cmocka_unit_test(half_a_word_is_none),
		cmocka_unit_test(vcpu_ids),
		cmocka_unit_test(no_vcpu_ids),
	};

	return cmocka_run_group_tests_name("qemu", tests, NULL, NULL);
}
