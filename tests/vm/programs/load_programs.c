// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_programs - loads each BPF program of the tool, to test it with this kernel's verifier, once
 * without and once with all of its features. Prints TAP. This also covers programs that the tool
 * never loads on a host because another hook is better there.
 *
 * usage: load_programs RUN_FUNCTION       svm_vcpu_run or vmx_vcpu_run, of a module that is loaded
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "gtimehalt.h"
#include "gtimehalt.skel.h"

static int number;

static int say_all(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

/* fentry and fexit programs on KVM; the iterator needs only the kernel's own types. */
static bool is_fentry(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_TRACING &&
	       bpf_program__expected_attach_type(prog) != BPF_TRACE_ITER;
}

static bool kvm_has_btf(void)
{
	return !access("/sys/kernel/btf/kvm", F_OK);
}

/* Loads the program `name`, or all programs that this host can attach if name is NULL. */
static int load(const char *name, const char *run_function, bool everything)
{
	struct gtimehalt_bpf *skel = gtimehalt_bpf__open();
	struct bpf_program *prog;
	int err = 0;

	if (!skel)
		return -1;
	bpf_object__for_each_program(prog, skel->obj)
	{
		bool wanted = name ? !strcmp(name, bpf_program__name(prog))
				   : !is_fentry(prog) || kvm_has_btf();

		bpf_program__set_autoload(prog, wanted);
		if (wanted && !err && is_fentry(prog) &&
		    strstr(bpf_program__name(prog), "vcpu_run"))
			err = bpf_program__set_attach_target(prog, 0, run_function);
	}
	skel->rodata->targ_watched_only = everything;
	skel->rodata->targ_scaled = everything;
	skel->rodata->targ_check = everything;
	skel->rodata->targ_histogram = everything;
	skel->rodata->targ_guest = everything;
	skel->rodata->targ_pinned = everything;
	bpf_map__set_autocreate(skel->maps.cpu_accounts,
				everything || !name || strstr(name, "check"));
	bpf_map__set_autocreate(skel->maps.stints, everything);
	bpf_map__set_autocreate(skel->maps.blank_stints, everything);
	bpf_map__set_max_entries(skel->maps.cpu_beats, (__u32)libbpf_num_possible_cpus());
	bpf_map__set_max_entries(skel->maps.counter_events,
				 (__u32)libbpf_num_possible_cpus() * EVENT_CNT_PER_CPU);
	bpf_map__set_max_entries(skel->maps.cpu_healths, (__u32)libbpf_num_possible_cpus());
	if (!err)
		err = gtimehalt_bpf__load(skel);
	gtimehalt_bpf__destroy(skel);
	return err;
}

/* Prints the result for one program. is_loaded: all programs together have been loaded. */
static bool test(const struct bpf_program *prog, const char *run_function, bool everything,
		 bool is_loaded)
{
	const char *name = bpf_program__name(prog);
	const char *how = everything ? "with everything switched on" : "plain";

	++number;
	if (is_fentry(prog) && !kvm_has_btf()) {
		printf("ok %d - %s, %s # skip kvm has no BTF here\n", number, name, how);
		return true;
	}
	if (is_loaded || !load(name, run_function, everything)) {
		printf("ok %d - %s, %s\n", number, name, how);
		return true;
	}
	printf("not ok %d - %s, %s\n", number, name, how);
	return false;
}

int main(int argc, char **argv)
{
	struct gtimehalt_bpf *skel;
	struct bpf_program *prog;
	bool passed = true;

	if (argc != 2)
		return 2;
	libbpf_set_print(say_all);
	skel = gtimehalt_bpf__open();
	if (!skel)
		return 1;
	for (int everything = 0; everything < 2; everything++) {
		/* Programs are loaded separately only to find out which one is at fault. */
		bool is_loaded = !load(NULL, argv[1], everything);

		bpf_object__for_each_program(prog, skel->obj) passed &=
			test(prog, argv[1], everything, is_loaded);
	}
	printf("1..%d\n", number);
	gtimehalt_bpf__destroy(skel);
	return !passed;
}
