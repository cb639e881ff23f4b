// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include "report/columns.h"
#include "render/render.h"
#include "text/stream.h"
#include "text/time_text.h"
#include "text/utf8.h"

/* Of the "schema" member: goes up when a member changes its meaning or is taken away. */
#define JSON_SCHEMA 1

/*
 * Adds a member and takes the value over. NULL stands for a value for which there was no memory, not
 * for a null. Returns 0 or -ENOMEM.
 */
static int add_member(struct json_object *parent, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_object_add(parent, key, value)) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int add_element(struct json_object *array, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_array_add(array, value)) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int add_u64(struct json_object *parent, const char *key, __u64 value)
{
	return add_member(parent, key, json_object_new_uint64(value));
}

/* Of all values the one that json-c has no object for. */
static int add_null(struct json_object *parent, const char *key)
{
	return json_object_object_add(parent, key, NULL) ? -ENOMEM : 0;
}

static int add_metrics(struct json_object *parent, const struct metrics *metrics)
{
	int err = 0;

	for (int i = 0; i < COLUMN_CNT && !err; i++) {
		__u64 value = metrics->value[column_defs[i].metric];
		const char *key = column_defs[i].key;

		err = value != METRIC_UNKNOWN ? add_u64(parent, key, value) : add_null(parent, key);
	}
	return err;
}

static int add_idle_in_blocked(struct json_object *parent, const struct metrics *metrics)
{
	const char *key = "idle_in_blocked";
	int is = idle_in_blocked(metrics);

	return is < 0 ? add_null(parent, key)
		      : add_member(parent, key, json_object_new_boolean(is));
}

/* json-c escapes fewer of the characters that act on a terminal than there are. */
static int add_name(struct json_object *parent, const char *name)
{
	char *text = malloc(strlen(name) + 1);
	char *end = text;
	int err;

	if (!text)
		return -ENOMEM;
	while (*name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		end = mempcpy(end, glyph.bytes, glyph.len);
	}
	err = add_member(parent, "name", json_object_new_string_len(text, (int)(end - text)));
	free(text);
	return err;
}

static int add_time(struct json_object *parent, __u64 real_ns)
{
	char text[TIME_TEXT_SIZE];

	time_text__rfc3339(real_ns, text);
	return add_member(parent, "time", json_object_new_string(text));
}

/* With as many digits as --mperf-ratio takes; all 17 would show 0.97 as 0.96999999999999997. */
static int add_ratio(struct json_object *parent, const char *key, double ratio)
{
	struct json_object *value = json_object_new_double(ratio);

	if (!value)
		return -ENOMEM;
	json_object_set_serializer(value, json_object_double_to_json_string, (void *)"%.9g", NULL);
	return add_member(parent, key, value);
}

static int add_health(struct json_object *parent, const struct health *health)
{
	struct json_object *object = json_object_new_object();
	int err = add_member(parent, "health", object);

	for (size_t i = 0; i < FAILURE_CNT && !err; i++)
		err = add_u64(object, failure_defs[i].key, failure_cnt(health, i));
	return err;
}

static int add_bucket(struct json_object *array, const struct histogram *histogram,
		      unsigned int bucket)
{
	struct json_object *triple = json_object_new_array();
	int err = add_element(array, triple);
	__u64 low_ns, high_ns;

	histogram__bounds(bucket, &low_ns, &high_ns);
	if (!err)
		err = add_element(triple, json_object_new_uint64(low_ns));
	if (!err)
		err = add_element(triple, json_object_new_uint64(high_ns));
	return err ? err : add_element(triple, json_object_new_uint64(histogram->cnt[bucket]));
}

static int add_quantile(struct json_object *parent, const char *key,
			const struct histogram *histogram, unsigned int permille)
{
	__u64 ns;

	return histogram__quantile(histogram, permille, &ns) ? add_u64(parent, key, ns)
							     : add_null(parent, key);
}

static int fill_histogram(struct json_object *object, const struct histogram *histogram)
{
	struct json_object *buckets;
	int err = add_u64(object, "count", histogram__halted_cnt(histogram));

	if (!err)
		err = histogram->below_cnt == HISTOGRAM_UNKNOWN
			      ? add_null(object, "below_count")
			      : add_u64(object, "below_count", histogram->below_cnt);
	if (!err)
		err = add_u64(object, "halted_ns", histogram->halted_ns);
	if (!err)
		err = add_quantile(object, "p50_ns", histogram, 500);
	if (!err)
		err = add_quantile(object, "p90_ns", histogram, 900);
	if (!err)
		err = add_quantile(object, "p99_ns", histogram, 990);
	if (!err)
		err = add_quantile(object, "max_ns", histogram, 1000);
	if (err)
		return err;
	buckets = json_object_new_array();
	err = add_member(object, "buckets", buckets);
	for (unsigned int i = 0; i < STINT_BUCKET_CNT && !err; i++) {
		if (histogram->cnt[i])
			err = add_bucket(buckets, histogram, i);
	}
	return err;
}

static int add_histogram(struct json_object *parent, const struct histogram *histogram)
{
	struct json_object *object;
	int err;

	if (!histogram)
		return add_null(parent, "histogram");
	object = json_object_new_object();
	err = add_member(parent, "histogram", object);
	return err ? err : fill_histogram(object, histogram);
}

/* Objects are added to their parent while they are empty, so that there is one owner throughout. */
static int add_vcpu(struct json_object *array, const struct vcpu_report *vcpu)
{
	struct json_object *object = json_object_new_object();
	int err = add_element(array, object);

	if (!err)
		err = add_u64(object, "vcpu", vcpu->vcpu_id);
	if (!err)
		err = add_member(object, "tid", json_object_new_int(vcpu->tid));
	if (!err)
		err = add_metrics(object, &vcpu->metrics);
	return err ? err : add_histogram(object, vcpu->histogram);
}

static int add_vm(struct json_object *array, const struct report *report,
		  const struct vm_report *vm)
{
	struct json_object *object = json_object_new_object();
	struct json_object *total, *vcpus;
	int err = add_element(array, object);

	if (!err)
		err = add_member(object, "pid", json_object_new_int(vm->pid));
	if (!err)
		err = add_u64(object, "instance", instance_of(report, vm));
	if (!err)
		err = add_name(object, vm->name);
	if (!err)
		err = add_idle_in_blocked(object, &vm->metrics);
	if (err)
		return err;
	total = json_object_new_object();
	err = add_member(object, "total", total);
	if (!err)
		err = add_metrics(total, &vm->metrics);
	if (!err)
		err = add_histogram(total, vm->histogram);
	if (err)
		return err;
	vcpus = json_object_new_array();
	err = add_member(object, "vcpus", vcpus);
	for (size_t i = 0; i < vm->vcpu_cnt && !err; i++)
		err = add_vcpu(vcpus, &vm->vcpus[i]);
	return err;
}

static int fill_root(struct json_object *root, const struct report *report)
{
	struct json_object *vms;
	int err = add_u64(root, "schema", JSON_SCHEMA);

	if (!err)
		err = add_time(root, report->end.real_ns);
	if (!err)
		err = add_u64(root, "interval_ns", report->interval_ns);
	if (!err)
		err = add_u64(root, "start_monotonic_ns", report->begin.mono_ns);
	if (!err)
		err = add_u64(root, "end_monotonic_ns", report->end.mono_ns);
	if (!err)
		err = add_member(root, "mode", json_object_new_string(mode__name(report->mode)));
	if (!err)
		err = add_ratio(root, "mperf_ratio", report->mperf_ratio);
	if (!err)
		err = add_health(root, &report->health);
	if (err)
		return err;
	vms = json_object_new_array();
	err = add_member(root, "vms", vms);
	for (size_t i = 0; i < report->vm_cnt && !err; i++)
		err = add_vm(vms, report, &report->vms[i]);
	return err;
}

int render__json(const struct report *report, FILE *out)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	struct json_object *root = json_object_new_object();
	const char *text = NULL;
	int err = -ENOMEM;

	if (root)
		err = fill_root(root, report);
	if (!err)
		text = json_object_to_json_string_ext(root, flags);
	if (!err && !text)
		err = -ENOMEM;
	if (!err)
		err = stream__put(out, text);
	if (!err)
		err = stream__put(out, "\n");
	json_object_put(root);
	return err ? err : stream__flush(out);
}
