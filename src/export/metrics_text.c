// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "export/metrics_text.h"
#include "export/metrics_writer.h"
#include "export/totals.h"
#include "recording/recording.h"
#include "report/columns.h"
#include "text/stream.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum level {
	LEVEL_VCPU,
	LEVEL_VM,
	LEVEL_NODE,
	LEVEL_CNT,
};

static const struct level_def {
	const char *prefix;
	const char *whose;
} level_defs[LEVEL_CNT] = {
	[LEVEL_VCPU] = { "gtimehalt_vcpu_", ", of a vCPU." },
	[LEVEL_VM] = { "gtimehalt_vm_", ", of all vCPUs of a VM." },
	[LEVEL_NODE] = { "gtimehalt_node_", ", of all vCPUs of the host since the start." },
};

static const struct metric_def {
	enum metric metric;
	const char *name, *unit, *help;
	bool not_of_vcpus;
} metric_defs[] = {
	{ METRIC_LOADED_NS, "loaded_seconds", "seconds", "Time loaded on a CPU", false },
	{ METRIC_HALTED_NS, "halted_seconds", "seconds", "Time halted inside the guest", false },
	{ METRIC_GUEST_NS, "guest_seconds", "seconds", "Time in guest mode", false },
	{ METRIC_BUSY_NS, "busy_seconds", "seconds", "Time in guest mode and not halted", false },
	{ METRIC_HOST_NS, "host_seconds", "seconds", "Time loaded while the host handled an exit",
	  false },
	{ METRIC_WAIT_NS, "wait_seconds", "seconds",
	  "Time runnable while another thread had the CPU, which the guest sees as steal", false },
	{ METRIC_BLOCKED_NS, "blocked_seconds", "seconds", "Time asleep in the host", false },
	{ METRIC_ENTRY_CNT, "entries", "", "VM entries", false },
	{ METRIC_UNMEASURED_NS, "unmeasured_seconds", "seconds",
	  "Time loaded without MPERF, whose halted part is missing", false },
	{ METRIC_CLAMPED_NS, "clamped_seconds", "seconds",
	  "Time that was added or taken away to make the sums close", true },
};

static const struct family vm_info_family = {
	"gtimehalt_", "vm", "", { "A VM: its process and its name.", NULL }, FAMILY_INFO
};
static const struct family vcpus_family = {
	"gtimehalt_", "vm_vcpus", "", { "vCPUs that a VM has.", NULL }, FAMILY_GAUGE
};
static const struct family vms_family = {
	"gtimehalt_", "vms", "", { "VMs that there are.", NULL }, FAMILY_GAUGE
};
static const struct family stints_family = {
	"gtimehalt_",
	"vm_stint_halted_seconds",
	"seconds",
	{ "How long stints, from a VM entry to its exit, were halted: those of 1.024 us and more.",
	  NULL },
	FAMILY_HISTOGRAM,
};
static const struct family info_family = {
	"", "gtimehalt", "", { "What measures, and how.", NULL }, FAMILY_INFO
};
static const struct family ratio_family = { "gtimehalt_",
					    "mperf_ratio",
					    "ratio",
					    { "Rate of MPERF over that of TSC.", NULL },
					    FAMILY_GAUGE };
static const struct family scrapes_family = {
	"gtimehalt_", "scrapes", "", { "Answers to requests for metrics.", NULL }, FAMILY_COUNTER
};
static const struct family run_family = { "gtimehalt_",
					  "bpf_run_seconds",
					  "seconds",
					  { "Time that a BPF program ran.", NULL },
					  FAMILY_COUNTER };
static const struct family runs_family = {
	"gtimehalt_", "bpf_runs", "", { "Runs of a BPF program.", NULL }, FAMILY_COUNTER
};

/* In the order of failure_defs. */
static const struct family failure_families[FAILURE_CNT] = {
	{ "gtimehalt_",
	  "lost_windows",
	  "",
	  { "Windows whose end was not seen: their time is missing.", NULL },
	  FAMILY_COUNTER },
	{ "gtimehalt_",
	  "mperf_errors",
	  "",
	  { "Reads of MPERF that failed.", NULL },
	  FAMILY_COUNTER },
	{ "gtimehalt_",
	  "map_full",
	  "",
	  { "Windows of threads for which the map of vCPUs had no room.", NULL },
	  FAMILY_COUNTER },
};

static const struct family scalar_families[SCALAR_CNT] = {
	[SCALAR_SNAPSHOT_CNT] = { "gtimehalt_",
				  "snapshots",
				  "",
				  { "Snapshots taken.", NULL },
				  FAMILY_COUNTER },
	[SCALAR_SNAPSHOT_FAILURE_CNT] = { "gtimehalt_",
					  "snapshot_failures",
					  "",
					  { "Snapshots that failed.", NULL },
					  FAMILY_COUNTER },
	[SCALAR_SNAPSHOT_NS] = { "gtimehalt_",
				 "snapshot_seconds",
				 "seconds",
				 { "Time spent taking snapshots.", NULL },
				 FAMILY_COUNTER },
	[SCALAR_DROPPED_SERIES_CNT] = { "gtimehalt_",
					"dropped_series",
					"",
					{ "VMs and vCPUs that ended and were shown to nobody "
					  "after that.",
					  NULL },
					FAMILY_COUNTER },
	[SCALAR_CONNECTION_CNT] = { "gtimehalt_",
				    "connections",
				    "",
				    { "Connections that are open.", NULL },
				    FAMILY_GAUGE },
	[SCALAR_DROPPED_CONNECTION_CNT] = { "gtimehalt_",
					    "dropped_connections",
					    "",
					    { "Connections closed because a request or its answer "
					      "took too long.",
					      NULL },
					    FAMILY_COUNTER },
	[SCALAR_PROCESS_CPU_NS] = { "process_",
				    "cpu_seconds",
				    "seconds",
				    { "User and system CPU time of the process.", NULL },
				    FAMILY_COUNTER },
	[SCALAR_PROCESS_RESIDENT_BYTES] = { "process_",
					    "resident_memory_bytes",
					    "bytes",
					    { "Resident memory of the process.", NULL },
					    FAMILY_GAUGE },
	[SCALAR_PROCESS_OPEN_FD_CNT] = { "process_",
					 "open_fds",
					 "",
					 { "File descriptors that are open.", NULL },
					 FAMILY_GAUGE },
	[SCALAR_PROCESS_MAX_FD_CNT] = { "process_",
					"max_fds",
					"",
					{ "File descriptors that may be open.", NULL },
					FAMILY_GAUGE },
	[SCALAR_PROCESS_START_NS] = { "process_",
				      "start_time_seconds",
				      "seconds",
				      { "When the process started, since 1970.", NULL },
				      FAMILY_GAUGE },
};

static void label_vm(struct metrics_writer *w, const struct vm_total *vm)
{
	metrics_writer__number_label(w, "pid", (__u64)vm->total.pid);
	metrics_writer__label(w, "vm", vm->name);
}

static void write_vcpus(struct metrics_writer *w, const struct totals *totals, enum metric metric)
{
	for (size_t i = 0; i < totals__vcpu_cnt(totals); i++) {
		const struct total *vcpu = totals__vcpu(totals, i);
		const struct vm_total *vm;

		if (vcpu->sums.value[metric] == METRIC_UNKNOWN)
			continue;
		vm = totals__vm_of(totals, vcpu);
		if (!vm)
			continue;
		metrics_writer__sample(w, NULL);
		label_vm(w, vm);
		metrics_writer__number_label(w, "vcpu", vcpu->vcpu_id);
		metrics_writer__value(w, vcpu->sums.value[metric]);
	}
}

static void write_vms(struct metrics_writer *w, const struct totals *totals, enum metric metric)
{
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		const struct vm_total *vm = totals__vm(totals, i);

		if (vm->total.sums.value[metric] == METRIC_UNKNOWN)
			continue;
		metrics_writer__sample(w, NULL);
		label_vm(w, vm);
		metrics_writer__value(w, vm->total.sums.value[metric]);
	}
}

static void write_scalar(struct metrics_writer *w, const struct family *family, __u64 value)
{
	if (value == SCALAR_UNKNOWN)
		return;
	metrics_writer__family(w, family);
	metrics_writer__sample(w, NULL);
	metrics_writer__value(w, value);
}

static void write_metric(struct metrics_writer *w, const struct totals *totals, enum level level,
			 const struct metric_def *def)
{
	const struct family family = {
		.prefix = level_defs[level].prefix,
		.name = def->name,
		.unit = def->unit,
		.help = { def->help, level_defs[level].whose },
		.type = FAMILY_COUNTER,
	};

	if (level == LEVEL_NODE) {
		write_scalar(w, &family, totals->node.value[def->metric]);
		return;
	}
	metrics_writer__family(w, &family);
	if (level == LEVEL_VM)
		write_vms(w, totals, def->metric);
	else if (!def->not_of_vcpus)
		write_vcpus(w, totals, def->metric);
}

static void write_metrics(struct metrics_writer *w, const struct totals *totals)
{
	for (enum level level = 0; level < LEVEL_CNT; level++) {
		for (size_t i = 0; i < ARRAY_SIZE(metric_defs); i++)
			write_metric(w, totals, level, &metric_defs[i]);
	}
}

static void write_bucket(struct metrics_writer *w, const struct vm_total *vm, unsigned int bound,
			 __u64 cnt)
{
	char le[32] = "+Inf";

	/* As short as it is exact, which is how such a number is written everywhere. */
	if (bound < TOTALS_BOUND_CNT)
		snprintf(le, sizeof(le), "%.12g", (double)totals__stint_bound_ns(bound) / 1e9);
	metrics_writer__sample(w, "_bucket");
	label_vm(w, vm);
	metrics_writer__label(w, "le", le);
	metrics_writer__count(w, cnt);
}

static void write_histogram(struct metrics_writer *w, const struct vm_total *vm)
{
	__u64 cnt = 0;

	for (unsigned int i = 0; i <= TOTALS_BOUND_CNT; i++) {
		cnt += vm->stints.cnt[i];
		write_bucket(w, vm, i, cnt);
	}
	metrics_writer__sample(w, "_count");
	label_vm(w, vm);
	metrics_writer__count(w, cnt);
	metrics_writer__sample(w, "_sum");
	label_vm(w, vm);
	metrics_writer__value(w, vm->stints.halted_ns);
}

static void write_about_vms(struct metrics_writer *w, const struct totals *totals)
{
	metrics_writer__family(w, &stints_family);
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		if (totals__vm(totals, i)->stints.known)
			write_histogram(w, totals__vm(totals, i));
	}
	metrics_writer__family(w, &vm_info_family);
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		metrics_writer__sample(w, NULL);
		label_vm(w, totals__vm(totals, i));
		metrics_writer__count(w, 1);
	}
	metrics_writer__family(w, &vcpus_family);
	for (size_t i = 0; i < totals__vm_cnt(totals); i++) {
		const struct vm_total *vm = totals__vm(totals, i);

		metrics_writer__sample(w, NULL);
		label_vm(w, vm);
		metrics_writer__count(w, vm->total.seen ? vm->vcpu_cnt : 0);
	}
	write_scalar(w, &vms_family, totals__live_vm_cnt(totals));
}

static void write_info(struct metrics_writer *w, const struct recording_header *header)
{
	metrics_writer__family(w, &info_family);
	metrics_writer__sample(w, NULL);
	metrics_writer__label(w, "version", header->gtimehalt_version);
	metrics_writer__label(w, "mode", mode__name(header->mode));
	metrics_writer__label(w, "window_hook", header->window_hook);
	metrics_writer__label(w, "stint_hook", header->stint_hook);
	metrics_writer__label(w, "kernel", header->kernel_release);
	metrics_writer__count(w, 1);
}

static void write_programs(struct metrics_writer *w, const struct metrics_source *source)
{
	metrics_writer__family(w, &run_family);
	for (size_t i = 0; i < source->program_cnt; i++) {
		metrics_writer__sample(w, NULL);
		metrics_writer__label(w, "program", source->programs[i].name);
		metrics_writer__value(w, source->programs[i].run_ns);
	}
	metrics_writer__family(w, &runs_family);
	for (size_t i = 0; i < source->program_cnt; i++) {
		metrics_writer__sample(w, NULL);
		metrics_writer__label(w, "program", source->programs[i].name);
		metrics_writer__count(w, source->programs[i].run_cnt);
	}
}

/* What the tool says of itself. */
static void write_about_us(struct metrics_writer *w, const struct metrics_source *source)
{
	write_info(w, source->header);
	if (source->totals->mperf_ratio > 0) {
		metrics_writer__family(w, &ratio_family);
		metrics_writer__sample(w, NULL);
		metrics_writer__ratio(w, source->totals->mperf_ratio);
	}
	for (size_t i = 0; i < FAILURE_CNT; i++)
		write_scalar(w, &failure_families[i], failure_cnt(&source->totals->health, i));
	metrics_writer__family(w, &scrapes_family);
	for (size_t i = 0; i < source->scrape_code_cnt; i++) {
		metrics_writer__sample(w, NULL);
		metrics_writer__number_label(w, "code", source->scrapes[i].code);
		metrics_writer__count(w, source->scrapes[i].cnt);
	}
	write_programs(w, source);
	for (size_t i = 0; i < SCALAR_CNT; i++)
		write_scalar(w, &scalar_families[i], source->scalars[i]);
}

int metrics_text__write(const struct metrics_source *source, enum metrics_form form, FILE *out)
{
	struct metrics_writer writer = { .out = out, .form = form };

	write_metrics(&writer, source->totals);
	write_about_vms(&writer, source->totals);
	write_about_us(&writer, source);
	metrics_writer__end(&writer);
	return stream__flush(out);
}

int metrics_text__make(const struct metrics_source *source, enum metrics_form form, char **text,
		       size_t *len)
{
	char *made = NULL;
	size_t made_len;
	FILE *out = open_memstream(&made, &made_len);
	int err;

	if (!out)
		return -errno;
	err = metrics_text__write(source, form, out);
	if (fclose(out) && !err)
		err = -errno;
	if (err) {
		free(made);
		return err;
	}
	*text = made;
	*len = made_len;
	return 0;
}
