// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "export/exposition_writer.h"
#include "steer/sched_text.h"
#include "steer/steered.h"
#include "steer/steer_text.h"
#include "text/stream.h"

#define NS_PER_S 1000000000ULL

static struct json_object *cpus_json(const struct cpus *cpus)
{
	char text[CPUS_TEXT_MAX];

	return json_object_new_string(cpus__format(cpus, text));
}

static struct json_object *count_json(__u64 cnt)
{
	return json_object_new_int64((int64_t)cnt);
}

/* Returns the word of a refusal; NULL, which becomes null in JSON, when there is none. */
static struct json_object *refusal_json(enum refusal refusal)
{
	return refusal ? json_object_new_string(refusal__word(refusal)) : NULL;
}

static struct json_object *group_json(const struct steered *s)
{
	struct json_object *group = json_object_new_object();

	json_object_object_add(group, "cgroup", json_object_new_string(s->group.path));
	json_object_object_add(group, "by_systemd", json_object_new_boolean(s->group.is_unit));
	json_object_object_add(group, "original_cpus", cpus_json(&s->group.original));
	json_object_object_add(group, "cpus", cpus_json(&s->set));
	json_object_object_add(group, "narrowed", json_object_new_boolean(s->is_narrowed));
	json_object_object_add(group, "refusal", refusal_json(s->refusal));
	json_object_object_add(group, "writes", count_json(s->write_cnt));
	json_object_object_add(group, "failures", count_json(s->failure_cnt));
	json_object_object_add(group, "refusals", count_json(s->refusal_cnt));
	json_object_object_add(group, "narrowed_ns", count_json(s->narrowed_ns));
	json_object_object_add(group, "total_ns", count_json(s->total_ns));
	return group;
}

static char *take_line(struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	char *line = text ? strdup(text) : NULL;

	json_object_put(object);
	return line;
}

char *steer_text__status(const struct steer_account *account)
{
	struct json_object *status = json_object_new_object(), *groups = json_object_new_array();

	json_object_object_add(status, "schema", json_object_new_int(1));
	json_object_object_add(status, "pid", json_object_new_int(getpid()));
	json_object_object_add(status, "start_ns", count_json(account->start_ns));
	json_object_object_add(status, "interval_ns", count_json(account->interval_ns));
	json_object_object_add(status, "decisions", count_json(account->decision_cnt));
	json_object_object_add(status, "snapshot_failures",
			       count_json(account->snapshot_failure_cnt));
	json_object_object_add(status, "busy_cpus", cpus_json(account->busy));
	json_object_object_add(status, "cgroups", groups);
	for (size_t i = 0; i < account->cnt; i++)
		json_object_array_add(groups, group_json(&account->groups[i]));
	return take_line(status);
}

static const char *text_of(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}

static int64_t count_of(struct json_object *object, const char *key)
{
	return json_object_get_int64(json_object_object_get(object, key));
}

static const char *busy_of(struct json_object *status)
{
	const char *cpus = text_of(status, "busy_cpus");

	return *cpus ? cpus : "none";
}

static enum refusal refusal_of(const char *word)
{
	for (int refusal = 0; refusal < REFUSAL_CNT; refusal++)
		if (!strcmp(word, refusal__word(refusal)))
			return refusal;
	return REFUSAL_NONE;
}

static void print_group(struct json_object *group, FILE *out)
{
	const char *cpus = text_of(group, "cpus"), *original = text_of(group, "original_cpus");
	enum refusal refusal = refusal_of(text_of(group, "refusal"));
	double total_ns = (double)count_of(group, "total_ns");

	fprintf(out, "%s: CPUs %s of %s%s\n", text_of(group, "cgroup"), *cpus ? cpus : "all",
		*original ? original : "all",
		json_object_get_boolean(json_object_object_get(group, "by_systemd"))
			? ", set by systemd"
			: "");
	if (refusal)
		fprintf(out, "  not steered: %s\n", refusal__text(refusal));
	fprintf(out,
		"  narrowed %.1f%% of the time; %" PRId64 " writes, %" PRId64 " failures, %" PRId64
		" refusals\n",
		total_ns > 0 ? 100 * (double)count_of(group, "narrowed_ns") / total_ns : 0.0,
		count_of(group, "writes"), count_of(group, "failures"),
		count_of(group, "refusals"));
}

int steer_text__print_status(const char *text, FILE *out)
{
	struct json_object *status = json_tokener_parse(text), *groups, *scheduler;

	if (json_object_object_get_ex(status, "scheduler", &scheduler)) {
		fprintf(out, "PID %" PRId64 "\nbusy or unknown CPUs: %s\n", count_of(status, "pid"),
			busy_of(status));
		sched_text__print(scheduler, out);
		json_object_put(status);
		return stream__flush(out);
	}
	if (!json_object_object_get_ex(status, "cgroups", &groups) ||
	    !json_object_is_type(groups, json_type_array)) {
		json_object_put(status);
		return -EPROTO;
	}
	fprintf(out,
		"PID %" PRId64 ", every %.3g s; %" PRId64 " decisions, %" PRId64
		" snapshots failed\nbusy or unknown CPUs: %s\n",
		count_of(status, "pid"), (double)count_of(status, "interval_ns") / NS_PER_S,
		count_of(status, "decisions"), count_of(status, "snapshot_failures"),
		busy_of(status));
	for (size_t i = 0; i < json_object_array_length(groups); i++)
		print_group(json_object_array_get_idx(groups, i), out);
	json_object_put(status);
	return stream__flush(out);
}

static char *change_json(const struct steered *s, const struct cpus *had, const struct cpus *busy)
{
	struct json_object *change = json_object_new_object();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_object_object_add(change, "time_ns",
			       count_json((__u64)now.tv_sec * NS_PER_S + (__u64)now.tv_nsec));
	json_object_object_add(change, "cgroup", json_object_new_string(s->group.path));
	json_object_object_add(change, "before_cpus", cpus_json(had));
	json_object_object_add(change, "cpus", cpus_json(&s->set));
	json_object_object_add(change, "narrowed", json_object_new_boolean(s->is_narrowed));
	json_object_object_add(change, "refusal", refusal_json(s->refusal));
	json_object_object_add(change, "busy_cpus", cpus_json(busy));
	return take_line(change);
}

char *steer_text__change(const struct steered *s, const struct cpus *had, const struct cpus *busy,
			 bool json)
{
	char from[CPUS_TEXT_MAX], to[CPUS_TEXT_MAX], busy_text[CPUS_TEXT_MAX], *line;
	int len;

	if (json)
		return change_json(s, had, busy);
	len = asprintf(&line, "%s: CPUs %s -> %s (busy or unknown: %s)", s->group.path,
		       *cpus__format(had, from) ? from : "all",
		       *cpus__format(&s->set, to) ? to : "all",
		       *cpus__format(busy, busy_text) ? busy_text : "none");
	return len < 0 ? NULL : line;
}

#define FAMILY(type_, name_, unit_, help_)                                                         \
	{                                                                                          \
		.prefix = "gtimehalt_steer_", .name = (name_), .unit = (unit_),                    \
		.help = { (help_) }, .type = FAMILY_##type_                                        \
	}

static void put(struct exposition_writer *w, const struct family *family, __u64 cnt)
{
	exposition_writer__family(w, family);
	exposition_writer__sample(w, NULL);
	exposition_writer__count(w, cnt);
}

#define UNKNOWN (~0ULL)

static __u64 given_cnt(const struct steered *s)
{
	struct cpus effective;

	if (s->refusal == REFUSAL_GONE || cpuset__read_effective(&s->group.cpuset, &effective))
		return UNKNOWN;
	return (__u64)cpus__cnt(&effective);
}

/* In the order of values[] in put_group(). */
static const struct family group_families[] = {
	FAMILY(COUNTER, "writes", "", "Number of times that the CPUs of the cgroup were set."),
	FAMILY(COUNTER, "failures", "", "Writes that failed or did not come into effect."),
	FAMILY(COUNTER, "refusals", "",
	       "Number of times that the cgroup was refused, for any reason."),
	FAMILY(COUNTER, "narrowed_seconds", "seconds",
	       "Time in which the cgroup was kept off busy CPUs."),
	FAMILY(COUNTER, "watched_seconds", "seconds",
	       "Time for which the cgroup was steered or refused."),
	FAMILY(GAUGE, "cpus", "", "CPUs that the cgroup may use now."),
	FAMILY(GAUGE, "refused", "", "Whether the cgroup is refused now."),
};

#define GROUP_FAMILY_CNT (sizeof(group_families) / sizeof(group_families[0]))

static void put_group(struct exposition_writer *w, size_t number, const struct steered *s)
{
	const __u64 values[GROUP_FAMILY_CNT] = {
		s->write_cnt,
		s->failure_cnt,
		s->refusal_cnt,
		s->narrowed_ns,
		s->total_ns,
		given_cnt(s),
		s->refusal != REFUSAL_NONE,
	};

	if (values[number] == UNKNOWN)
		return;
	exposition_writer__sample(w, NULL);
	exposition_writer__label(w, "cgroup", s->group.path);
	exposition_writer__value(w, values[number]);
}

int steer_text__metrics(const struct steer_account *account, char **text, size_t *len)
{
	static const struct family decisions = FAMILY(COUNTER, "decisions", "",
						      "Intervals after which CPUs were chosen."),
				   snapshots = FAMILY(COUNTER, "snapshot_failures", "",
						      "Intervals without a measurement."),
				   busy = FAMILY(GAUGE, "busy_cpus", "",
						 "CPUs whose vCPUs are busy or unknown.");
	struct exposition_writer w = { .out = open_memstream(text, len),
				       .form = EXPOSITION_PROMETHEUS };
	int err;

	if (!w.out)
		return -ENOMEM;
	put(&w, &decisions, account->decision_cnt);
	put(&w, &snapshots, account->snapshot_failure_cnt);
	put(&w, &busy, (__u64)cpus__cnt(account->busy));
	for (size_t number = 0; number < GROUP_FAMILY_CNT; number++) {
		exposition_writer__family(&w, &group_families[number]);
		for (size_t i = 0; i < account->cnt; i++)
			put_group(&w, number, &account->groups[i]);
	}
	exposition_writer__end(&w);
	err = ferror(w.out) ? -ENOMEM : 0;
	if (fclose(w.out) && !err)
		err = -ENOMEM;
	if (err)
		free(*text);
	return err;
}
