// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The processor aggregator's own word for the CPUs that it halts, in either place. */
#include <string.h>
#include "measure/acpi_pad.h"
#include "test.h"
#include "tree.h"

static void put_mask(const struct tree *tree, const char *bus, const char *mask)
{
	char path[128] = "sys/bus";
	const char *const parts[] = { bus, "drivers", "processor_aggregator", "ACPI000C:00" };

	tree__mkdir(tree, "sys");
	tree__mkdir(tree, "sys/bus");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		strcat(strcat(path, "/"), parts[i]);
		tree__mkdir(tree, path);
	}
	tree__write(tree, strcat(path, "/idlecpus"), mask, strlen(mask));
}

static void test_no_such_device(void **state)
{
	const struct tree *tree = *state;

	assert_false(acpi_pad__halts(&tree->fs));
}

static void test_it_has_no_cpus(void **state)
{
	put_mask(*state, "platform", "00000000,00000000\n");
	assert_false(acpi_pad__halts(&((const struct tree *)*state)->fs));
}

static void test_it_halts_cpus(void **state)
{
	put_mask(*state, "platform", "0000000a,00000000\n");
	assert_true(acpi_pad__halts(&((const struct tree *)*state)->fs));
}

static void test_it_halts_cpus_of_the_acpi_bus(void **state)
{
	put_mask(*state, "acpi", "3\n");
	assert_true(acpi_pad__halts(&((const struct tree *)*state)->fs));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree__setup, tree__teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_such_device),
		TEST(test_it_has_no_cpus),
		TEST(test_it_halts_cpus),
		TEST(test_it_halts_cpus_of_the_acpi_bus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
