// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Results that test_vm.c cannot check through files: return values, limits, and bytes before they
 * are made printable.
 */
#include <string.h>
#include "vm/cmdline.h"
#include "vm/qemu.h"
#include "test.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* A string literal with its NULs, including the terminating one. */
#define CMDLINE(literal) (literal), sizeof(literal)

/* Extracts a name into a buffer of this size; nothing may be written beyond the buffer. */
static void assert_name(const char *cmdline, size_t len, size_t size, const char *expected)
{
	char raw[64];

	memset(raw, 'x', sizeof(raw));
	assert_true(qemu__guest_name(&(struct cmdline){ cmdline, len, false }, raw, size));
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
	/* An escaped (doubled) comma takes the room of one. */
	assert_name(CMDLINE("q\0-name\0a,,b,,c"), 4, "a,b");
	/* A name after one that was cut is still found. */
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
		{ CMDLINE("q\0-id\0a") },
		{ CMDLINE("q\0-id") },
		/*
		 * The name is beyond the length, as are the remains of an earlier command line in
		 * the same buffer.
		 */
		{ "q\0-name\0a", 7 },
	};
	char raw[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		memset(raw, 'x', sizeof(raw));
		assert_false(
			qemu__guest_name(&(struct cmdline){ lines[i].cmdline, lines[i].len, false },
					 raw, sizeof(raw)));
	}
}

/* If the command line was cut, only a NUL shows that a word is complete. */
static void half_a_word_is_none(void **state)
{
	static const char cmdline[] = "q\0-name\0old\0-name\0new";
	char raw[64];

	(void)state;
	assert_true(qemu__guest_name(&(struct cmdline){ cmdline, sizeof(cmdline) - 1, true }, raw,
				     sizeof(raw)));
	assert_string_equal(raw, "old");
	assert_true(qemu__guest_name(&(struct cmdline){ cmdline, sizeof(cmdline), true }, raw,
				     sizeof(raw)));
	assert_string_equal(raw, "new");
	/*
	 * If it was not cut, the last word is complete without a NUL: a process may overwrite its
	 * own title.
	 */
	assert_true(qemu__guest_name(&(struct cmdline){ cmdline, sizeof(cmdline) - 1, false }, raw,
				     sizeof(raw)));
	assert_string_equal(raw, "new");
}

static void proxmox_id_is_a_name_of_last_resort(void **state)
{
	(void)state;
	assert_name(CMDLINE("/usr/bin/kvm\0-id\000100\0-name\0web,debug-threads=on"), 64, "web");
	assert_name(CMDLINE("/usr/bin/kvm\0-id\000100\0-m\000512"), 64, "vm100");
	assert_name(CMDLINE("/usr/bin/kvm\0-id\000100\0-m\000512"), 5, "vm10");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_is_cut_to_fit),
		cmocka_unit_test(name_is_raw),
		cmocka_unit_test(no_name),
		cmocka_unit_test(half_a_word_is_none),
		cmocka_unit_test(proxmox_id_is_a_name_of_last_resort),
	};

	return cmocka_run_group_tests_name("qemu", tests, NULL, NULL);
}
