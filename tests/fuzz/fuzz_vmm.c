// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The names of a VM, from its command line and from the path of its cgroup. An input is the path of
 * a program, a line break, and the words of a command line, separated by NULs; the part after the
 * line break is also used as a path.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz.h"
#include "vm/cgroup.h"
#include "vm/cmdline.h"
#include "vm/qemu.h"
#include "vm/vmm.h"

#define NAME_SIZE 512
#define CUT_SIZE  7

typedef bool (*find_name)(const struct vmm *vmm, const struct cmdline *cmdline, char *raw,
			  size_t size);

static bool find_qemu(const struct vmm *vmm, const struct cmdline *cmdline, char *raw, size_t size)
{
	(void)vmm;
	return qemu__guest_name(cmdline, raw, size);
}

/* A name that was cut must be a prefix of the whole name. */
static void check_found(const char *whole, bool found, const char *cut, bool found_cut)
{
	FUZZ_ASSERT(found == found_cut);
	if (found) {
		FUZZ_ASSERT(strnlen(whole, NAME_SIZE) < NAME_SIZE);
		FUZZ_ASSERT(strnlen(cut, CUT_SIZE) < CUT_SIZE);
		FUZZ_ASSERT(!strncmp(whole, cut, strlen(cut)));
		FUZZ_ASSERT(strlen(cut) == CUT_SIZE - 1 || !strcmp(whole, cut));
	}
}

static void check_name(find_name find, const struct vmm *vmm, const struct cmdline *cmdline)
{
	char *whole = fuzz__alloc(NAME_SIZE), *cut = fuzz__alloc(CUT_SIZE);
	bool found = find(vmm, cmdline, whole, NAME_SIZE);

	check_found(whole, found, cut, find(vmm, cmdline, cut, CUT_SIZE));
	free(whole);
	free(cut);
}

static void check_words(const struct cmdline *cmdline)
{
	size_t pos = 0, end = 0;
	const char *word;

	while ((word = cmdline__next(cmdline, &pos))) {
		FUZZ_ASSERT(word == cmdline->text + end);
		end += strlen(word) + 1;
		/* The last word may lack its NUL. */
		FUZZ_ASSERT(end <= cmdline->len + 1);
	}
	FUZZ_ASSERT(!cmdline__next(cmdline, &pos));
	FUZZ_ASSERT(end >= cmdline->len || cmdline->cut);
}

static void check_cmdline(const char *program, const char *text, size_t len)
{
	for (int cut = 0; cut < 2; cut++) {
		const struct cmdline cmdline = { text, len, cut };
		const struct vmm *vmm = vmm__of_program(program);

		check_words(&cmdline);
		check_name(vmm__guest_name, vmm, &cmdline);
		check_name(vmm__guest_name, NULL, &cmdline);
		check_name(vmm__socket_name, vmm, &cmdline);
		check_name(find_qemu, NULL, &cmdline);
	}
}

static void check_cgroup(const char *text)
{
	char *whole = fuzz__alloc(NAME_SIZE), *cut = fuzz__alloc(CUT_SIZE);
	bool found = cgroup__guest_name(text, whole, NAME_SIZE);

	check_found(whole, found, cut, cgroup__guest_name(text, cut, CUT_SIZE));
	FUZZ_ASSERT(!found || *whole);
	free(whole);
	free(cut);
}

/* QEMU's option parser expects commas in values to be doubled. */
static void check_qemu_round_trip(const char *name)
{
	static const char begin[] = "qemu\0-name\0debug-threads=on,guest=";
	size_t len = sizeof(begin) - 1;
	char *text = fuzz__alloc(len + 2 * strlen(name) + 16), *raw = fuzz__alloc(NAME_SIZE);
	struct cmdline cmdline = { .text = text };

	memcpy(text, begin, len);
	for (const char *from = name; *from; from++) {
		text[len++] = *from;
		if (*from == ',')
			text[len++] = ',';
	}
	strcpy(text + len, ",process=x");
	cmdline.len = len + sizeof(",process=x");
	FUZZ_ASSERT(qemu__guest_name(&cmdline, raw, NAME_SIZE) == (*name != '\0'));
	FUZZ_ASSERT(!*name || !strncmp(raw, name, NAME_SIZE - 1));
	free(text);
	free(raw);
}

/* Escaping as in systemd.unit(5), "String escaping", which virSystemdMakeScopeName() does. */
static void check_cgroup_round_trip(const char *name)
{
	static const char begin[] = "0::/machine.slice/machine-qemu\\x2d3\\x2d";
	char *text = fuzz__alloc(sizeof(begin) + 4 * strlen(name) + 64);
	char *raw = fuzz__alloc(NAME_SIZE);
	char *to = stpcpy(text, begin);

	for (const char *from = name; *from; from++)
		to += isalnum((unsigned char)*from) ? sprintf(to, "%c", *from)
						    : sprintf(to, "\\x%02x", (__u8)*from);
	strcpy(to, ".scope/libvirt/emulator\n");
	/* A path component is at most NAME_MAX (255) bytes long. */
	if (strcspn(strstr(text, "machine-"), "/") <= 255) {
		FUZZ_ASSERT(cgroup__guest_name(text, raw, NAME_SIZE) == (*name != '\0'));
		FUZZ_ASSERT(!*name || !strcmp(raw, name));
	}
	free(text);
	free(raw);
}

/* Longer names than the kernel's 15 bytes must be handled, too. */
static void check_comm(const char *text)
{
	static const char *const forms[][2] = {
		{ "CPU ", "/KVM\n" },  { "fc_vcpu ", "" },  { "vcpu", "" },
		{ "crosvm_vcpu", "" }, { "kvm-vcpu-", "" },
	};
	char *comm = fuzz__string(text, strlen(text));
	__u32 number = 4711;

	if (!vmm__vcpu_id(comm, &number))
		FUZZ_ASSERT(number == 4711);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char made[32];
		__u32 again;

		snprintf(made, sizeof(made), "%s%u%s", forms[i][0], number, forms[i][1]);
		FUZZ_ASSERT(vmm__vcpu_id(made, &again) && again == number);
	}
	free(comm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes rest = { data, size };
	char *program = fuzz_bytes__take_string(&rest, '\n');
	char *text = fuzz__string(rest.at, rest.left);

	check_cmdline(program, text, rest.left);
	check_cgroup(text);
	check_comm(text);
	check_qemu_round_trip(program);
	check_cgroup_round_trip(program);
	free(program);
	free(text);
	return 0;
}
