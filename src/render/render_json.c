// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include "report/columns.h"
#include "report/spent.h"
#include "render/render.h"
#include "text/json_text.h"
#include "text/stream.h"
#include "text/time_text.h"

/* Value of the "schema" member. Increment it when a member changes its meaning or is removed. */
#define JSON_SCHEMA 1

static void add_u64_or_null(struct json_text *text, const char *key, __u64 value, __u64 unknown)
{
	if (value == unknown)
		json_text__add_null(text, key);
	else
		json_text__add_u64(text, key, value);
}

static void add_metrics(struct json_text *text, const struct metrics *metrics)
{
	for (int i = 0; i < COLUMN_CNT; i++)
		add_u64_or_null(text, column_defs[i].key, metrics->value[column_defs[i].metric],
				METRIC_UNKNOWN);
}

/* Adds a boolean; null if `is` is below 0. */
static void add_known_bool(struct json_text *text, const char *key, int is)
{
	if (is < 0)
		json_text__add_null(text, key);
	else
		json_text__add(text, key, json_object_new_boolean(is));
}

static void add_can_halt(struct json_text *text, enum halting halting)
{
	add_known_bool(text, "can_halt",
		       halting == HALTING_UNKNOWN ? -1 : halting == HALTING_MEASURED);
}

static struct json_object *new_time(__u64 real_ns)
{
	char time[TIME_TEXT_SIZE];

	time_text__rfc3339(real_ns, time);
	return json_object_new_string(time);
}

/*
 * Writes as many digits as --mperf-ratio accepts; with all 17, 0.97 would be 0.96999999999999997.
 */
static struct json_object *new_ratio(double ratio)
{
	struct json_object *object = json_object_new_double(ratio);

	if (object)
		json_object_set_serializer(object, json_object_double_to_json_string,
					   (void *)"%.9g", NULL);
	return object;
}

static void add_health(struct json_text *text, const struct health *health)
{
	json_text__open(text, "health", '{');
	for (size_t i = 0; i < FAILURE_CNT; i++)
		json_text__add_u64(text, failure_defs[i].key, failure_cnt(health, i));
	json_text__close(text, '}');
}

static void add_host(struct json_text *text, const struct report *report)
{
	struct spent spent = spent__of(report);

	json_text__open(text, "host", '{');
	add_u64_or_null(text, "cpus", report->online_cpu_cnt, 0);
	json_text__add_u64(text, "vms", report->vm_cnt);
	json_text__add_u64(text, "vcpus", vcpu_cnt_of_all(report));
	json_text__add_u64(text, "wall_ns", spent.wall_ns);
	json_text__add_u64(text, "idle_ns", spent.idle_ns);
	add_u64_or_null(text, "busy_ns", spent.busy_ns, METRIC_UNKNOWN);
	add_u64_or_null(text, "host_ns", spent.host_ns, METRIC_UNKNOWN);
	json_text__add_u64(text, "used_ns", spent.used_ns);
	json_text__add_u64(text, "wait_ns", spent.wait_ns);
	json_text__add_u64(text, "unknown_ns", spent.unknown_ns);
	json_text__close(text, '}');
}

static void add_bucket(struct json_text *text, const struct histogram *histogram,
		       unsigned int bucket)
{
	__u64 low_ns, high_ns;

	histogram__bounds(bucket, &low_ns, &high_ns);
	json_text__open(text, NULL, '[');
	json_text__add_u64(text, NULL, low_ns);
	json_text__add_u64(text, NULL, high_ns);
	json_text__add_u64(text, NULL, histogram->cnt[bucket]);
	json_text__close(text, ']');
}

static void add_quantile(struct json_text *text, const char *key, const struct histogram *histogram,
			 unsigned int permille)
{
	__u64 ns;

	if (histogram__quantile(histogram, permille, &ns))
		json_text__add_u64(text, key, ns);
	else
		json_text__add_null(text, key);
}

static void add_histogram(struct json_text *text, const struct histogram *histogram)
{
	if (!histogram) {
		json_text__add_null(text, "histogram");
		return;
	}
	json_text__open(text, "histogram", '{');
	json_text__add_u64(text, "count", histogram__halted_cnt(histogram));
	add_u64_or_null(text, "below_count", histogram->below_cnt, HISTOGRAM_UNKNOWN);
	json_text__add_u64(text, "halted_ns", histogram->halted_ns);
	add_quantile(text, "p50_ns", histogram, 500);
	add_quantile(text, "p90_ns", histogram, 900);
	add_quantile(text, "p99_ns", histogram, 990);
	add_quantile(text, "max_ns", histogram, 1000);
	json_text__open(text, "buckets", '[');
	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++)
		if (histogram->cnt[i])
			add_bucket(text, histogram, i);
	json_text__close(text, ']');
	json_text__close(text, '}');
}

static void add_vcpu(struct json_text *text, const struct vcpu_report *vcpu)
{
	json_text__open(text, NULL, '{');
	json_text__add_u64(text, "vcpu", vcpu->vcpu_id);
	json_text__add_u64(text, "tid", (__u64)vcpu->tid);
	add_metrics(text, &vcpu->metrics);
	add_histogram(text, vcpu->histogram);
	json_text__close(text, '}');
}

static void add_vm(struct json_text *text, const struct report *report, const struct vm_report *vm)
{
	json_text__open(text, NULL, '{');
	json_text__add_u64(text, "pid", (__u64)vm->pid);
	json_text__add_u64(text, "instance", instance_of(report, vm));
	json_text__add_name(text, "name", vm->name);
	add_known_bool(text, "idle_in_blocked", idle_in_blocked(&vm->metrics));
	add_can_halt(text, vm->halting);
	json_text__add_u64(text, "vcpu_count", vcpu_cnt_of(vm));
	json_text__open(text, "total", '{');
	add_metrics(text, &vm->metrics);
	add_histogram(text, vm->histogram);
	json_text__close(text, '}');
	json_text__open(text, "vcpus", '[');
	for (size_t i = 0; i < vm->vcpu_cnt; i++)
		add_vcpu(text, &vm->vcpus[i]);
	json_text__close(text, ']');
	json_text__close(text, '}');
}

static void add_report(struct json_text *text, const struct report *report)
{
	json_text__open(text, NULL, '{');
	json_text__add_u64(text, "schema", JSON_SCHEMA);
	json_text__add(text, "time", new_time(report->end.real_ns));
	json_text__add_u64(text, "interval_ns", report->interval_ns);
	json_text__add_u64(text, "start_monotonic_ns", report->begin.mono_ns);
	json_text__add_u64(text, "end_monotonic_ns", report->end.mono_ns);
	json_text__add(text, "mode", json_object_new_string(mode__name(report->mode)));
	json_text__add(text, "pinned", json_object_new_boolean(report->pinned));
	json_text__add(text, "mperf_ratio", new_ratio(report->mperf_ratio));
	add_health(text, &report->health);
	add_host(text, report);
	json_text__open(text, "vms", '[');
	for (size_t i = 0; i < report->vm_cnt; i++)
		add_vm(text, report, &report->vms[i]);
	json_text__close(text, ']');
	json_text__close(text, '}');
}

int render__json(const struct report *report, FILE *out)
{
	struct json_text text = { 0 };
	int err;

	add_report(&text, report);
	err = json_text__write(&text, out);
	json_text__free(&text);
	return err ? err : stream__flush(out);
}
