// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "export/exposition_writer.h"
#include "steer/sched_text.h"
#include "steer/scheduler.h"

static const char *const placement_words[PLACEMENT_CNT] = {
	[PLACED_IDLE] = "idle",
	[PLACED_FREE] = "free",
	[PLACED_BUSY] = "busy",
	[PLACED_PULLED] = "pulled",
};

static void add_count(struct json_object *object, const char *key, __u64 cnt)
{
	json_object_object_add(object, key, json_object_new_int64((int64_t)cnt));
}

char *sched_text__status(const struct scheduler_account *account, __u64 start_ns)
{
	struct json_object *status = json_object_new_object(),
			   *scheduler = json_object_new_object(),
			   *placed = json_object_new_object();
	char cpus[CPUS_TEXT_MAX], *line;
	const char *text;

	json_object_object_add(status, "schema", json_object_new_int(1));
	json_object_object_add(status, "pid", json_object_new_int(getpid()));
	add_count(status, "start_ns", start_ns);
	json_object_object_add(status, "busy_cpus",
			       json_object_new_string(cpus__format(&account->busy, cpus)));
	json_object_object_add(status, "scheduler", scheduler);
	for (int place = 0; place < PLACEMENT_CNT; place++)
		add_count(placed, placement_words[place], account->placed_cnt[place]);
	json_object_object_add(scheduler, "placed", placed);
	add_count(scheduler, "changes", account->flip_cnt);
	add_count(scheduler, "unread", account->unread_cnt);
	text = json_object_to_json_string_ext(status, JSON_C_TO_STRING_PLAIN);
	line = text ? strdup(text) : NULL;
	json_object_put(status);
	return line;
}

static int64_t count_of(struct json_object *object, const char *key)
{
	return json_object_get_int64(json_object_object_get(object, key));
}

void sched_text__print(struct json_object *scheduler, FILE *out)
{
	struct json_object *placed = json_object_object_get(scheduler, "placed");

	fprintf(out,
		"scheduler: tasks went to idle CPUs %" PRId64
		" times, to CPUs without a busy vCPU %" PRId64 ", to busy CPUs %" PRId64
		"; idle CPUs pulled %" PRId64 "\n",
		count_of(placed, "idle"), count_of(placed, "free"), count_of(placed, "busy"),
		count_of(placed, "pulled"));
	fprintf(out,
		"  CPUs became busy or free %" PRId64 " times; MPERF was not readable %" PRId64
		" times\n",
		count_of(scheduler, "changes"), count_of(scheduler, "unread"));
}

#define FAMILY(type_, name_, help_)                                                                \
	{                                                                                          \
		.prefix = "gtimehalt_steer_", .name = (name_), .unit = "", .help = { (help_) },    \
		.type = FAMILY_##type_                                                             \
	}

static void put(struct exposition_writer *w, const struct family *family, __u64 cnt)
{
	exposition_writer__family(w, family);
	exposition_writer__sample(w, NULL);
	exposition_writer__count(w, cnt);
}

int sched_text__metrics(const struct scheduler_account *account, char **text, size_t *len)
{
	static const struct family busy = FAMILY(GAUGE, "busy_cpus",
						 "CPUs whose vCPUs are busy or unknown."),
				   placed = FAMILY(COUNTER, "placements",
						   "Choices of a CPU for a task, by its kind."),
				   changes = FAMILY(COUNTER, "changes",
						    "CPUs that became busy or free."),
				   unread = FAMILY(COUNTER, "unread",
						   "Spans in which MPERF was not readable.");
	struct exposition_writer w = { .out = open_memstream(text, len),
				       .form = EXPOSITION_PROMETHEUS };
	int err;

	if (!w.out)
		return -ENOMEM;
	put(&w, &busy, (__u64)cpus__cnt(&account->busy));
	put(&w, &changes, account->flip_cnt);
	put(&w, &unread, account->unread_cnt);
	exposition_writer__family(&w, &placed);
	for (int place = 0; place < PLACEMENT_CNT; place++) {
		exposition_writer__sample(&w, NULL);
		exposition_writer__label(&w, "cpu", placement_words[place]);
		exposition_writer__count(&w, account->placed_cnt[place]);
	}
	exposition_writer__end(&w);
	err = ferror(w.out) ? -ENOMEM : 0;
	if (fclose(w.out) && !err)
		err = -ENOMEM;
	if (err)
		free(*text);
	return err;
}
