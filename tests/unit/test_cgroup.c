// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "vm/cgroup.h"
#include "test.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

static void names(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "0::/machine.slice/machine-qemu\\x2d1\\x2df30.scope/libvirt/emulator\n", "f30" },
		{ "0::/machine.slice/machine-qemu\\x2d12\\x2dweb\\x2d1.scope\n", "web-1" },
		{ "0::/machine.slice/machine-ch\\x2d3\\x2ddb.scope/libvirt", "db" },
		{ "0::/machine.slice/machine-qemu\\x2dembed\\x2d1a2b\\x2d3\\x2ddb.scope\n", "db" },
		/* cgroup v1: the first hierarchy that contains the scope counts. */
		{ "12:pids:/system.slice\n4:cpu,cpuacct:/machine.slice/"
		  "machine-qemu\\x2d1\\x2da.scope/vcpu0\n0::/\n",
		  "a" },
		{ "4:cpu,cpuacct:/machine/qemu-1-a-2-b.libvirt-qemu/emulator\n", "a-2-b" },
		/* Any byte may be escaped; invalid escapes are kept as they are. */
		{ "0::/machine-qemu\\x2d1\\x2d\\xc3\\xb6\\x0a.scope", "\xc3\xb6\n" },
		{ "0::/machine-qemu\\x2d1\\x2d\\xzz\\x00\\x2.scope", "\\xzz\\x00\\x2" },
	};
	char raw[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(raw, 'x', sizeof(raw));
		assert_true(cgroup__guest_name(cases[i].text, raw, sizeof(raw)));
		assert_string_equal(raw, cases[i].name);
	}
}

static void no_names(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"0::/\n",
		"0::/user.slice/user-0.slice/session-1.scope\n",
		"0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-0123.scope\n",
		"0::/qemu.slice/100.scope\n",
		"0::/machine.slice/machine-ubuntu.scope\n",
		"0::/machine.slice/machine-qemu\\x2d1\\x2d.scope\n",
		"0::/machine.slice/machine-qemu\\x2d\\x2da.scope\n",
		"0::/machine.slice/machine-1\\x2d2\\x2da.scope\n",
		"0::/machine-.scope\n",
		"0::/machine-qemu\\x2d1\\x2da.slice\n",
		"0::/.libvirt-qemu\n",
	};
	char raw[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (cgroup__guest_name(texts[i], raw, sizeof(raw)))
			fail_msg("\"%s\" has the name \"%s\"", texts[i], raw);
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void managers(void **state)
{
	static const struct {
		const char *text, *name; /* NULL: none */
	} cases[] = {
		{ "0::/system.slice/docker-" ID ".scope\n", "docker-0123456789ab" },
		{ "0::/machine.slice/libpod-" ID ".scope/container\n", "libpod-0123456789ab" },
		{ "0::/kubepods.slice/kubepods-pod0.slice/cri-containerd-" ID ".scope\n",
		  "cri-containerd-0123456789ab" },
		{ "0::/docker/" ID "\n", "0123456789ab" },
		{ "0::/kata_overhead/" ID "\n", "0123456789ab" },
		{ "4:cpu,cpuacct:/docker/" ID "\n0::/system.slice/containerd.service\n",
		  "0123456789ab" },
		{ "0::/system.slice/docker.service/docker/" ID "/init.scope\n", "0123456789ab" },
		{ "0::/system.slice/system-firecracker.slice/firecracker@web.service\n",
		  "firecracker@web.service" },
		{ "0::/user.slice/user-0.slice/user@0.service/app.slice/vm.service\n",
		  "vm.service" },
		{ "0::/user.slice/user-0.slice/user@0.service\n", NULL },
		{ "0::/user.slice/user-0.slice/session-1.scope\n", NULL },
		{ "0::/qemu.slice/100.scope\n", NULL },
		{ "0::/cafe\n", NULL },
		{ "0::/x" ID "\n", NULL },
		{ "0::/.service\n", NULL },
		{ "0::/\n", NULL },
		{ "", NULL },
	};
	char raw[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool found = cgroup__manager_name(cases[i].text, raw, sizeof(raw));

		if (found != !!cases[i].name)
			fail_msg("%s", cases[i].text);
		if (found)
			assert_string_equal(raw, cases[i].name);
	}
}

static void name_is_cut_to_fit(void **state)
{
	static const char before[] = "0::/machine-qemu\\x2d1\\x2d";
	char text[600], raw[8];

	(void)state;
	memset(raw, 'x', sizeof(raw));
	assert_true(cgroup__guest_name("0::/machine-qemu\\x2d1\\x2dabcdef.scope", raw, 4));
	assert_string_equal(raw, "abc");
	for (size_t i = 4; i < sizeof(raw); i++)
		assert_int_equal(raw[i], 'x');

	/*
	 * Longer than any path component can be: no name is found in it, nothing crashes, and the
	 * search goes on after it.
	 */
	memset(text, 'a', sizeof(text));
	memcpy(text, before, sizeof(before) - 1);
	strcpy(text + sizeof(text) - 40, ".scope/machine-qemu\\x2d1\\x2db.scope");
	assert_true(cgroup__guest_name(text, raw, sizeof(raw)));
	assert_string_equal(raw, "b");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(no_names),
		cmocka_unit_test(managers),
		cmocka_unit_test(name_is_cut_to_fit),
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
