// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "vm/cmdline.h"
#include "test.h"
#include "vm/vmm.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* A string literal with its NULs, including the terminating one. */
#define CMDLINE(literal)                                                                           \
	{                                                                                          \
		(literal), sizeof(literal), false                                                  \
	}

static void programs_are_told_apart(void **state)
{
	static const char *const same[][4] = {
		{ "qemu-system-x86_64", "/usr/libexec/qemu-kvm", "/usr/bin/kvm",
		  "/opt/kata/bin/qemu-system-x86_64-snp-experimental (deleted)" },
		{ "firecracker", "/srv/jailer/firecracker/1/root/firecracker", "firecracker-v1.7",
		  "firecracker (deleted)" },
		{ "cloud-hypervisor", "/usr/bin/cloud-hypervisor", "cloud-hypervisor-static",
		  "cloud-hypervisor (deleted)" },
		{ "crosvm", "/usr/bin/crosvm", "crosvm-direct", "crosvm (deleted)" },
		{ "lkvm", "kvmtool", "/usr/bin/lkvm-static", "./lkvm" },
		{ "containerd-shim-kata-v2", "/opt/kata/bin/containerd-shim-kata-v2",
		  "./containerd-shim-kata-v2", "containerd-shim-kata-v2 (deleted)" },
	};
	static const char *const none[] = {
		"",
		"/",
		"/usr/bin/",
		"bash",
		"kvmd",
		"qemulike",
		"crosvmx",
		"/qemu/payload",
		"xqemu",
		"cloud-hyperviso",
		"containerd-shim-runc-v2",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		const struct vmm *vmm = vmm__of_program(same[i][0]);

		assert_non_null(vmm);
		for (size_t j = 1; j < ARRAY_SIZE(same[i]); j++)
			assert_ptr_equal(vmm__of_program(same[i][j]), vmm);
		if (i)
			assert_ptr_not_equal(vmm, vmm__of_program(same[i - 1][0]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_null(vmm__of_program(none[i]));
}

struct name_case {
	const char *program;
	struct cmdline cmdline;
	const char *name; /* NULL: no name */
};

static void assert_names(const struct name_case *cases, size_t cnt,
			 bool (*get)(const struct vmm *vmm, const struct cmdline *cmdline,
				     char *raw, size_t size))
{
	char raw[64];

	for (size_t i = 0; i < cnt; i++) {
		const struct vmm *vmm = vmm__of_program(cases[i].program);

		memset(raw, 'x', sizeof(raw));
		if (get(vmm, &cases[i].cmdline, raw, sizeof(raw)) != (cases[i].name != NULL))
			fail_msg("case %zu: \"%.63s\"", i, raw);
		if (cases[i].name)
			assert_string_equal(raw, cases[i].name);
	}
}

static void guest_names(void **state)
{
	static const struct name_case cases[] = {
		{ "qemu-system-x86_64", CMDLINE("q\0-name\0guest=a,,b,debug-threads=on"), "a,b" },
		{ "qemu-system-x86_64", CMDLINE("q\0--name=a"), NULL },
		{ "kvm", CMDLINE("kvm\0-id\000100\0-name\0web,debug-threads=on"), "web" },
		{ "firecracker",
		  CMDLINE("fc\0--id\0"
			  "551e7604-e35c-42b3\0--no-api"),
		  "551e7604-e35c-42b3" },
		{ "firecracker", CMDLINE("fc\0--name\0no"), NULL },
		{ "cloud-hypervisor", CMDLINE("ch\0--name\0no\0--id\0no"), NULL },
		{ "crosvm", CMDLINE("crosvm\0--log-level=debug\0run\0--name\0web\0vmlinux"),
		  "web" },
		{ "crosvm", CMDLINE("crosvm\0run\0--name=web\0vmlinux"), "web" },
		{ "lkvm", CMDLINE("lkvm\0run\0--name\0a,b\0-c\0002"), "a,b" },
		{ "lkvm", CMDLINE("lkvm\0run\0-c\0002"), NULL },
		{ "containerd-shim-kata-v2",
		  CMDLINE("containerd-shim-kata-v2\0-namespace\0k8s.io\0-id\0"
			  "5f3a"),
		  "5f3a" },
		{ "my-monitor", CMDLINE("m\0--name\0a"), "a" },
		{ "my-monitor", CMDLINE("m\0--name=a"), "a" },
		{ "my-monitor", CMDLINE("m\0-name\0guest=a"), "a" },
		{ "my-monitor", CMDLINE("m\0a"), NULL },
	};

	(void)state;
	assert_names(cases, ARRAY_SIZE(cases), vmm__guest_name);
}

static void socket_names(void **state)
{
	static const struct name_case cases[] = {
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0/run/ch/web.sock"), "web" },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket=/run/ch/web.socket"), "web" },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0path=web.sock,x=/y"), "web" },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0web"), "web" },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0fd=5"), NULL },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0path="), NULL },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0/"), NULL },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0/run/vc/vm/5f1/clh-api.sock"),
		  "5f1" },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0/run/api.sock"), NULL },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0api.sock"), NULL },
		{ "cloud-hypervisor", CMDLINE("ch\0--api-socket\0/run/.sock"), ".sock" },
		{ "firecracker", CMDLINE("fc\0--api-sock\0/run/firecracker.socket"), NULL },
		{ "firecracker", CMDLINE("fc\0--api-sock\0/run/vms/web/firecracker.socket"),
		  "web" },
		{ "crosvm", CMDLINE("crosvm\0run\0--socket\0/run/vm/web/crosvm.sock"), "web" },
		{ "qemu-kvm", CMDLINE("q\0--socket\0/run/web.sock"), NULL },
		{ "my-monitor", CMDLINE("m\0--api-socket\0/run/web.sock"), NULL },
	};

	(void)state;
	assert_names(cases, ARRAY_SIZE(cases), vmm__socket_name);
}

static void names_are_cut_to_fit(void **state)
{
	static const struct cmdline by_name = CMDLINE("lkvm\0run\0--name\0abcdef");
	static const struct cmdline by_socket = CMDLINE("ch\0--api-socket\0/run/abcdef.sock");
	char raw[8];

	(void)state;
	memset(raw, 'x', sizeof(raw));
	assert_true(vmm__guest_name(vmm__of_program("lkvm"), &by_name, raw, 4));
	assert_string_equal(raw, "abc");
	assert_true(vmm__socket_name(vmm__of_program("cloud-hypervisor"), &by_socket, raw, 3));
	assert_string_equal(raw, "ab");
	for (size_t i = 4; i < sizeof(raw); i++)
		assert_int_equal(raw[i], 'x');
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
		{ "fc_vcpu 3\n", 3 },
		{ "vcpu0\n", 0 },
		{ "vcpu127\n", 127 },
		{ "crosvm_vcpu15\n", 15 },
		{ "kvm-vcpu-7\n", 7 },
		{ "db_vcpu11\n", 11 },
	};
	char comm[64];
	__u32 id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		strcpy(comm, good[i].comm);
		id = ~good[i].id;
		assert_true(vmm__vcpu_id(comm, &id));
		assert_int_equal(id, good[i].id);
	}
}

static void no_vcpu_ids(void **state)
{
	static const char *const bad[] = {
		"",           "\n",          "CPU",         "CPU ",         "CPU 1",
		"CPU 1/",     "CPU 1/KV",    "CPU 1/KVM ",  "CPU 1/KVM/",   "CPU 1/TCG",
		"CPU /KVM",   "CPU +1/KVM",  "CPU -1/KVM",  "CPU 1.0/KVM",  "CPU 0x1/KVM",
		"CPU  1/KVM", "CPU 1 /KVM",  " CPU 1/KVM",  "cpu 1/KVM",    "CPU 4294967296/KVM",
		"CPU1/KVM",   "\nCPU 1/KVM", "CPU \n1/KVM", "fc_vcpu",      "fc_vcpu ",
		"fc_vcpu3",   "fc_vmm",      "vcpu",        "vcpu 1",       "vcpu-1",
		"vcpu1x",     "vcpu_stall",  "crosvm_vcpu", "crosvm_vcpu ", "kvm-vcpu-",
		"kvm-vcpu-x", "kvm-vcpu3",   "/KVM",        "CPU /KV",
	};
	char comm[64];
	__u32 id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		strcpy(comm, bad[i]);
		id = 77;
		if (vmm__vcpu_id(comm, &id))
			fail_msg("\"%s\" is taken for vCPU %u", bad[i], id);
		assert_int_equal(id, 77);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_are_told_apart),
		cmocka_unit_test(guest_names),
		cmocka_unit_test(socket_names),
		cmocka_unit_test(names_are_cut_to_fit),
		cmocka_unit_test(vcpu_ids),
		cmocka_unit_test(no_vcpu_ids),
	};

	return cmocka_run_group_tests_name("vmm", tests, NULL, NULL);
}
