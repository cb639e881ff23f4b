// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "vm/cmdline.h"
#include "base/number.h"
#include "vm/qemu.h"
#include "vm/vmm.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct vmm {
	const char *programs[3]; /* prefixes of the file name */
	bool named_as_qemu;
	const char *name_option;
	const char *socket_option;
	const char *vcpu_prefix, *vcpu_suffix;
};

static const struct vmm vmms[] = {
	{
		/* "kvm": Proxmox VE and old Debian; "qemu-kvm": Red Hat */
		.programs = { "qemu", "kvm" },
		.named_as_qemu = true,
		/* accel/kvm/kvm-accel-ops.c; needs -name debug-threads=on or a recent QEMU */
		.vcpu_prefix = "CPU ",
		.vcpu_suffix = "/KVM",
	},
	{
		/*
		 * src/firecracker/src/main.rs; src/vmm/src/vstate/vcpu.rs. The jailer passes --id
		 * on. libkrun has the same names of threads, within programs of any name.
		 */
		.programs = { "firecracker" },
		.name_option = "--id",
		.socket_option = "--api-sock",
		.vcpu_prefix = "fc_vcpu ",
		.vcpu_suffix = "",
	},
	{
		/* src/main.rs; vmm/src/cpu.rs. Its VMs have no names. */
		.programs = { "cloud-hypervisor" },
		.socket_option = "--api-socket",
		.vcpu_prefix = "vcpu",
		.vcpu_suffix = "",
	},
	{
		/* src/crosvm/cmdline.rs (--name since 4bb586498); src/crosvm/sys/linux/vcpu.rs */
		.programs = { "crosvm" },
		.name_option = "--name",
		.socket_option = "--socket",
		.vcpu_prefix = "crosvm_vcpu",
		.vcpu_suffix = "",
	},
	{
		/* builtin-run.c: kvm_cpu_thread() and BUILD_OPTIONS() */
		.programs = { "lkvm", "kvmtool" },
		.name_option = "--name",
		.vcpu_prefix = "kvm-vcpu-",
		.vcpu_suffix = "",
	},
	{
		/*
		 * The shim of Kata Containers in Rust contains the VMM Dragonball:
		 * src/dragonball/src/vcpu/vcpu_impl.rs. containerd passes the sandbox as -id.
		 */
		.programs = { "containerd-shim-kata-v2" },
		.name_option = "-id",
		.vcpu_prefix = "db_vcpu",
		.vcpu_suffix = "",
	},
};

const struct vmm *vmm__of_program(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(vmms); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(vmms[i].programs); j++) {
			const char *program = vmms[i].programs[j];
			size_t len = program ? strlen(program) : 0;

			if (len && !strncmp(file, program, len) &&
			    !isalnum((unsigned char)file[len]))
				return &vmms[i];
		}
	}
	return NULL;
}

bool vmm__guest_name(const struct vmm *vmm, const struct cmdline *cmdline, char *raw, size_t size)
{
	/* For an unknown VMM try the option that most VMMs use. */
	const char *option = vmm ? vmm->name_option : "--name";
	const char *name;

	if ((!vmm || vmm->named_as_qemu) && qemu__guest_name(cmdline, raw, size))
		return true;
	name = option ? cmdline__option(cmdline, option) : NULL;
	if (!name)
		return false;
	snprintf(raw, size, "%s", name);
	return true;
}

static bool is_one_of(const char *word, size_t len, const char *const *list, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (strlen(list[i]) == len && !strncmp(word, list[i], len))
			return true;
	return false;
}

/* Returns the last component of a path that is `len` bytes long. */
static const char *last_part(const char *path, size_t len, size_t *part_len)
{
	const char *part = path + len;

	while (part > path && part[-1] != '/')
		part--;
	*part_len = (size_t)(path + len - part);
	return part;
}

bool vmm__socket_name(const struct vmm *vmm, const struct cmdline *cmdline, char *raw, size_t size)
{
	/*
	 * Kata names its sockets clh-api.sock and firecracker.socket, in a directory per sandbox.
	 */
	static const char *const alike[] = {
		"api",     "ch",     "clh-api",        "cloud-hypervisor",
		"control", "crosvm", "crosvm_control", "firecracker",
		"vm"
	};
	static const char *const shared[] = { "", "run", "tmp", "root" };
	static const char *const endings[] = { ".sock", ".socket" };
	const char *path, *part;
	size_t len, part_len;

	path = vmm && vmm->socket_option ? cmdline__option(cmdline, vmm->socket_option) : NULL;
	/* Cloud Hypervisor accepts PATH, path=PATH and fd=FD. */
	if (!path || !strncmp(path, "fd=", strlen("fd=")))
		return false;
	if (!strncmp(path, "path=", strlen("path=")))
		path += strlen("path=");
	part = last_part(path, strcspn(path, ","), &part_len);
	len = (size_t)(part - path);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t ending_len = strlen(endings[i]);

		if (part_len > ending_len &&
		    !strncmp(part + part_len - ending_len, endings[i], ending_len)) {
			part_len -= ending_len;
			break;
		}
	}
	if (is_one_of(part, part_len, alike, ARRAY_SIZE(alike)))
		part = last_part(path, len ? len - 1 : 0, &part_len);
	if (is_one_of(part, part_len, shared, ARRAY_SIZE(shared)))
		return false;
	snprintf(raw, size, "%.*s", (int)part_len, part);
	return true;
}

bool vmm__vcpu_id(char *comm, __u32 *vcpu_id)
{
	comm[strcspn(comm, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(vmms); i++) {
		size_t prefix_len = strlen(vmms[i].vcpu_prefix);
		size_t suffix_len = strlen(vmms[i].vcpu_suffix);
		size_t len = strlen(comm);
		__u64 value;

		if (len < prefix_len + suffix_len ||
		    strncmp(comm, vmms[i].vcpu_prefix, prefix_len) ||
		    strcmp(comm + len - suffix_len, vmms[i].vcpu_suffix))
			continue;
		comm[len - suffix_len] = '\0';
		if (number__parse(comm + prefix_len, UINT32_MAX, &value))
			return false;
		*vcpu_id = (__u32)value;
		return true;
	}
	return false;
}
