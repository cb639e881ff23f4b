// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "columns.h"
#include "render.h"
#include "utf8.h"

#define NS_PER_S 1000000000ULL

/* Of the "schema" member: goes up when a member changes its meaning or is taken away. */
#define JSON_SCHEMA 1

static const char *mode_name(enum measure_mode mode)
{
	return mode == MODE_ENTRY ? "entry" : "switch";
}

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

static int add_metrics(struct json_object *parent, const struct metrics *metrics)
{
	for (int i = 0; i < COLUMN_CNT; i++) {
		__u64 value = metrics->value[column_defs[i].metric];
		int err;

		if (value != METRIC_UNKNOWN)
			err = add_u64(parent, column_defs[i].key, value);
		else
			err = json_object_object_add(parent, column_defs[i].key, NULL) ? -ENOMEM
										       : 0;
		if (err)
			return err;
	}
	return 0;
}

/* A name as a JSON string: U+FFFD for each byte that is not UTF-8, for which JSON has no room. */
static int add_name(struct json_object *parent, const char *key, const char *name)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char *text = malloc(strlen(name) * (sizeof(replacement) - 1) + 1);
	char *end = text;
	int err;

	if (!text)
		return -ENOMEM;
	while (*name) {
		size_t len;

		if (utf8__decode(name, &len) < 0)
			end = stpcpy(end, replacement);
		else
			end = mempcpy(end, name, len);
		name += len;
	}
	err = add_member(parent, key, json_object_new_string_len(text, end - text));
	free(text);
	return err;
}

static int add_time(struct json_object *parent, const char *key, __u64 real_ns)
{
	time_t seconds = real_ns / NS_PER_S;
	char day[32], text[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09lluZ", day, real_ns % NS_PER_S);
	return add_member(parent, key, json_object_new_string(text));
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

/* Objects are added to their parent while they are empty, so that there is one owner throughout. */
static int add_vcpu(struct json_object *array, const struct vcpu_report *vcpu)
{
	struct json_object *object = json_object_new_object();
	int err = add_element(array, object);

	if (!err)
		err = add_u64(object, "vcpu", vcpu->vcpu_id);
	if (!err)
		err = add_member(object, "tid", json_object_new_int(vcpu->tid));
	return err ? err : add_metrics(object, &vcpu->metrics);
}

static int add_vm(struct json_object *array, const struct report *report, size_t idx)
{
	const struct vm_report *vm = &report->vms[idx];
	struct json_object *object = json_object_new_object();
	struct json_object *total, *vcpus;
	int err = add_element(array, object);

	if (!err)
		err = add_member(object, "pid", json_object_new_int(vm->pid));
	if (!err)
		err = add_u64(object, "instance", instance_of(report, idx));
	if (!err)
		err = add_name(object, "name", vm->name);
	if (err)
		return err;
	total = json_object_new_object();
	err = add_member(object, "total", total);
	if (!err)
		err = add_metrics(total, &vm->metrics);
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
		err = add_time(root, "time", report->end.real_ns);
	if (!err)
		err = add_u64(root, "interval_ns", report->interval_ns);
	if (!err)
		err = add_u64(root, "start_monotonic_ns", report->begin.mono_ns);
	if (!err)
		err = add_u64(root, "end_monotonic_ns", report->end.mono_ns);
	if (!err)
		err = add_member(root, "mode", json_object_new_string(mode_name(report->mode)));
	if (!err)
		err = add_ratio(root, "mperf_ratio", report->mperf_ratio);
	if (!err)
		err = add_health(root, &report->health);
	if (err)
		return err;
	vms = json_object_new_array();
	err = add_member(root, "vms", vms);
	for (size_t i = 0; i < report->vm_cnt && !err; i++)
		err = add_vm(vms, report, i);
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
	if (!err && fprintf(out, "%s\n", text) < 0)
		err = -errno;
	json_object_put(root);
	if (!err && fflush(out))
		err = -errno;
	if (!err && ferror(out))
		err = -EIO;
	return err;
}
