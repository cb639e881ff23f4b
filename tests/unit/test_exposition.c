// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "export/exposition.h"
#include "export/totals.h"
#include "recording/recording.h"
#include "report_fixture.h"

struct page {
	struct totals totals;
	struct recording_header header;
	struct exposition_source source;
	struct exposition text;
};

static int begin(void **state)
{
	struct page *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	totals__init(&p->totals);
	p->header = (struct recording_header){
		.gtimehalt_version = "9.8.7",
		.kernel_release = "6.12.0",
		.mode = MODE_SWITCH,
		.window_hook = "fentry",
	};
	p->source = (struct exposition_source){ .totals = &p->totals, .header = &p->header };
	for (int i = 0; i < SCALAR_CNT; i++)
		p->source.scalars[i] = SCALAR_UNKNOWN;
	*state = p;
	return 0;
}

static int end(void **state)
{
	struct page *p = *state;

	totals__free(&p->totals);
	exposition__free(&p->text);
	free(p);
	return 0;
}

#define PAGE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static const char *text_of(struct page *p, enum exposition_form form)
{
	assert_int_equal(exposition__make(&p->text, &p->source, form), 0);
	assert_int_equal(strlen(p->text.bytes), p->text.size - 1);
	return p->text.bytes;
}

/* Adds a VM with one vCPU; all values except the given ones are unknown. */
static void add_vm_of(struct page *p, const char *name, __u64 halted_ns, __u64 clamped_ns,
		      const struct histogram *histogram)
{
	struct vcpu_report vcpu = { .tid = 8, .vcpu_id = 3, .metrics = all_unknown };
	struct vm_report vm = { .pid = 7, .name = name, .vcpus = &vcpu, .vcpu_cnt = 1 };
	struct report report = {
		.vms = &vm,
		.vm_cnt = 1,
		.vcpu_cnt = 1,
		.mperf_ratio = 0.97,
		.end.mono_ns = S,
		.health = { 1, 2, 3, 4, 5 },
	};

	vcpu.metrics.value[METRIC_HALTED_NS] = halted_ns;
	vcpu.metrics.value[METRIC_CLAMPED_NS] = clamped_ns;
	vm.histogram = histogram;
	assert_int_equal(totals__add(&p->totals, &report), 0);
}

static void fill(struct page *p)
{
	static const struct scrape_cnt scrapes[] = { { 200, 5 } };
	static const struct program_stats programs[] = { { "vcpu_load", 4, 1500 } };

	add_vm_of(p, "a\"b\\c", 1234567890123456789ULL, 1, NULL);
	p->source.scalars[SCALAR_SNAPSHOT_CNT] = 2;
	p->source.scalars[SCALAR_PROCESS_RESIDENT_BYTES] = 4096;
	p->source.scrapes = scrapes;
	p->source.scrape_code_cnt = 1;
	p->source.programs = programs;
	p->source.program_cnt = 1;
}

static void as_prometheus_has_it(void **state)
{
	struct page *p = *state;

	fill(p);
	assert_string_equal(
		text_of(p, EXPOSITION_PROMETHEUS),
		"# HELP gtimehalt_vcpu_halted_seconds_total Time halted inside the guest, of a "
		"vCPU.\n"
		"# TYPE gtimehalt_vcpu_halted_seconds_total counter\n"
		"gtimehalt_vcpu_halted_seconds_total{pid=\"7\",vm=\"a\\\"b\\\\c\",vcpu=\"3\"} "
		"1234567890.123456789\n"
		"# HELP gtimehalt_vm_halted_seconds_total Time halted inside the guest, of all "
		"vCPUs of a VM.\n"
		"# TYPE gtimehalt_vm_halted_seconds_total counter\n"
		"gtimehalt_vm_halted_seconds_total{pid=\"7\",vm=\"a\\\"b\\\\c\"} "
		"1234567890.123456789\n"
		"# HELP gtimehalt_vm_clamped_seconds_total Time added or removed to "
		"make the sums close, of all vCPUs of a VM.\n"
		"# TYPE gtimehalt_vm_clamped_seconds_total counter\n"
		"gtimehalt_vm_clamped_seconds_total{pid=\"7\",vm=\"a\\\"b\\\\c\"} 0.000000001\n"
		"# HELP gtimehalt_node_halted_seconds_total Time halted inside the guest, of all "
		"vCPUs of the host since the start.\n"
		"# TYPE gtimehalt_node_halted_seconds_total counter\n"
		"gtimehalt_node_halted_seconds_total 1234567890.123456789\n"
		"# HELP gtimehalt_node_clamped_seconds_total Time added or removed to "
		"make the sums close, of all vCPUs of the host since the start.\n"
		"# TYPE gtimehalt_node_clamped_seconds_total counter\n"
		"gtimehalt_node_clamped_seconds_total 0.000000001\n"
		"# HELP gtimehalt_vm_info A VM: its process and its name.\n"
		"# TYPE gtimehalt_vm_info gauge\n"
		"gtimehalt_vm_info{pid=\"7\",vm=\"a\\\"b\\\\c\"} 1\n"
		"# HELP gtimehalt_vm_vcpus Number of vCPUs of a VM.\n"
		"# TYPE gtimehalt_vm_vcpus gauge\n"
		"gtimehalt_vm_vcpus{pid=\"7\",vm=\"a\\\"b\\\\c\"} 1\n"
		"# HELP gtimehalt_vms Number of VMs.\n"
		"# TYPE gtimehalt_vms gauge\n"
		"gtimehalt_vms 1\n"
		"# HELP gtimehalt_info Version and configuration of the measurement.\n"
		"# TYPE gtimehalt_info gauge\n"
		"gtimehalt_info{version=\"9.8.7\",mode=\"switch\",window_hook=\"fentry\","
		"stint_hook=\"\",kernel=\"6.12.0\"} 1\n"
		"# HELP gtimehalt_mperf_ratio Rate of MPERF over that of TSC.\n"
		"# TYPE gtimehalt_mperf_ratio gauge\n"
		"gtimehalt_mperf_ratio 0.97\n"
		"# HELP gtimehalt_lost_windows_total Windows whose end was not seen: their time is "
		"missing.\n"
		"# TYPE gtimehalt_lost_windows_total counter\n"
		"gtimehalt_lost_windows_total 1\n"
		"# HELP gtimehalt_mperf_errors_total Reads of MPERF that failed.\n"
		"# TYPE gtimehalt_mperf_errors_total counter\n"
		"gtimehalt_mperf_errors_total 2\n"
		"# HELP gtimehalt_map_full_total Windows of threads for which the map of vCPUs had "
		"no room.\n"
		"# TYPE gtimehalt_map_full_total counter\n"
		"gtimehalt_map_full_total 3\n"
		"# HELP gtimehalt_hooks_off_total Snapshots before which the hooks did not run, or may "
		"not have: the time since the previous snapshot is missing.\n"
		"# TYPE gtimehalt_hooks_off_total counter\n"
		"gtimehalt_hooks_off_total 4\n"
		"# HELP gtimehalt_refused_windows_total Windows of processes that had used up their "
		"share of the room.\n"
		"# TYPE gtimehalt_refused_windows_total counter\n"
		"gtimehalt_refused_windows_total 5\n"
		"# HELP gtimehalt_scrapes_total Answers to requests for metrics.\n"
		"# TYPE gtimehalt_scrapes_total counter\n"
		"gtimehalt_scrapes_total{code=\"200\"} 5\n"
		"# HELP gtimehalt_bpf_run_seconds_total Time that a BPF program ran.\n"
		"# TYPE gtimehalt_bpf_run_seconds_total counter\n"
		"gtimehalt_bpf_run_seconds_total{program=\"vcpu_load\"} 0.000001500\n"
		"# HELP gtimehalt_bpf_runs_total Runs of a BPF program.\n"
		"# TYPE gtimehalt_bpf_runs_total counter\n"
		"gtimehalt_bpf_runs_total{program=\"vcpu_load\"} 4\n"
		"# HELP gtimehalt_snapshots_total Snapshots taken.\n"
		"# TYPE gtimehalt_snapshots_total counter\n"
		"gtimehalt_snapshots_total 2\n"
		"# HELP process_resident_memory_bytes Resident memory of the process.\n"
		"# TYPE process_resident_memory_bytes gauge\n"
		"process_resident_memory_bytes 4096\n");
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

/*
 * Only OpenMetrics has family names without _total, UNIT lines, the type info, and a final EOF
 * line.
 */
static void as_openmetrics_has_it(void **state)
{
	struct page *p = *state;
	const char *text;

	fill(p);
	text = text_of(p, EXPOSITION_OPENMETRICS);
	assert_has(text, "# HELP gtimehalt_vcpu_halted_seconds Time halted inside the guest, of a "
			 "vCPU.\n"
			 "# TYPE gtimehalt_vcpu_halted_seconds counter\n"
			 "# UNIT gtimehalt_vcpu_halted_seconds seconds\n"
			 "gtimehalt_vcpu_halted_seconds_total{pid=\"7\",vm=\"a\\\"b\\\\c\","
			 "vcpu=\"3\"} 1234567890.123456789\n"
			 "# HELP gtimehalt_vm_halted_seconds ");
	assert_has(text, "# TYPE gtimehalt_vm info\ngtimehalt_vm_info{");
	assert_has(text, "# TYPE gtimehalt info\ngtimehalt_info{");
	assert_has(text, "# TYPE gtimehalt_mperf_ratio gauge\n# UNIT gtimehalt_mperf_ratio ratio\n"
			 "gtimehalt_mperf_ratio 0.97\n");
	assert_has(text, "# TYPE gtimehalt_scrapes counter\ngtimehalt_scrapes_total{code=");
	assert_has(text, "# UNIT process_resident_memory_bytes bytes\n");
	assert_string_equal(text + p->text.size - 1 - strlen("4096\n# EOF\n"), "4096\n# EOF\n");
}

/* Names no longer contain line breaks at this point; if one did, it must not start a new line. */
static void names_are_hostile(void **state)
{
	struct page *p = *state;

	add_vm_of(p, "x\"} 1\ngtimehalt_vms 9\n# {\\", 1, 0, NULL);
	assert_has(text_of(p, EXPOSITION_PROMETHEUS),
		   "gtimehalt_vm_info{pid=\"7\",vm=\"x\\\"} 1?gtimehalt_vms 9?# {\\\\\"} 1\n");
	strcpy(p->header.kernel_release, "a\nb");
	assert_has(text_of(p, EXPOSITION_PROMETHEUS), ",kernel=\"a\\nb\"} 1\n");
}

static void buckets_add_up(void **state)
{
	static const char *const lines[] = {
		"le=\"4.096e-06\"} 1\n",   "le=\"1.6384e-05\"} 3\n",  "le=\"6.5536e-05\"} 3\n",
		"le=\"0.000262144\"} 3\n", "le=\"0.001048576\"} 3\n", "le=\"0.004194304\"} 3\n",
		"le=\"0.016777216\"} 3\n", "le=\"0.067108864\"} 3\n", "le=\"0.268435456\"} 3\n",
		"le=\"1.073741824\"} 3\n", "le=\"4.294967296\"} 3\n", "le=\"17.179869184\"} 3\n",
		"le=\"+Inf\"} 8\n",
	};
	struct histogram histogram = { .halted_ns = 70000000001 };
	struct page *p = *state;
	const char *at;

	histogram.cnt[15] = 1;
	histogram.cnt[16] = 2;
	histogram.cnt[STINT_BUCKET_CNT - 1] = 5;
	add_vm_of(p, "a", 1, 0, &histogram);
	at = text_of(p, EXPOSITION_OPENMETRICS);
	assert_has(at, "# TYPE gtimehalt_vm_stint_halted_seconds histogram\n"
		       "# UNIT gtimehalt_vm_stint_halted_seconds seconds\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "\ngtimehalt_vm_stint_halted_seconds_bucket{pid=\"7\",vm=\"a\",%s",
			 lines[i]);
		at = strstr(at, line);
		if (!at)
			fail_msg("%s", line);
		at += strlen(line) - 1;
	}
	assert_has(at, "\ngtimehalt_vm_stint_halted_seconds_count{pid=\"7\",vm=\"a\"} 8\n"
		       "gtimehalt_vm_stint_halted_seconds_sum{pid=\"7\",vm=\"a\"} 70.000000001\n");
}

static void nothing_is_known_yet(void **state)
{
	struct page *p = *state;

	assert_null(strstr(text_of(p, EXPOSITION_PROMETHEUS), "seconds"));
	assert_null(strstr(p->text.bytes, "mperf_ratio"));
	/* VMs may be running, but values need two snapshots. */
	assert_null(strstr(p->text.bytes, "gtimehalt_vm"));
}

/* A page is written over the previous one, which was longer. */
static void a_text_is_shorter_than_the_last(void **state)
{
	struct page *p = *state;
	const struct exposition_source empty = p->source;
	char *few = strdup(text_of(p, EXPOSITION_OPENMETRICS));

	assert_non_null(few);
	fill(p);
	assert_true(strlen(text_of(p, EXPOSITION_PROMETHEUS)) > 2 * strlen(few));
	totals__free(&p->totals);
	p->source = empty;
	assert_string_equal(text_of(p, EXPOSITION_OPENMETRICS), few);
	free(few);
}

static void a_stream_fails(void **state)
{
	struct page *p = *state;
	FILE *full = fopen("/dev/full", "w");

	fill(p);
	assert_non_null(full);
	assert_int_equal(exposition__write(&p->source, EXPOSITION_OPENMETRICS, full), -ENOSPC);
	fclose(full);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PAGE_TEST(as_prometheus_has_it), PAGE_TEST(as_openmetrics_has_it),
		PAGE_TEST(names_are_hostile),    PAGE_TEST(buckets_add_up),
		PAGE_TEST(nothing_is_known_yet), PAGE_TEST(a_text_is_shorter_than_the_last),
		PAGE_TEST(a_stream_fails),
	};

	return cmocka_run_group_tests_name("exposition", tests, NULL, NULL);
}
