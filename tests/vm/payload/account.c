// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * payload-account: how long the payload's vCPUs were halted, by their own logs, in a span of
 * CLOCK_MONOTONIC.
 *
 * Everything that the report does not cover is an error, not an estimate: a span beyond the vCPU's
 * run, a log that overflowed, a TSC without a mapping to CLOCK_MONOTONIC.
 *
 * A logged halt, from RDTSC to RDTSC, includes what the host does between the end of the halt and
 * the guest's next instruction: a VM exit and a VM entry. So halted_ns is too large by this time
 * for each halt: one or two microseconds on silicon, some 0.15 ms in the test bed.
 *
 * Exit status: 0 answered, 1 refused, 2 usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

static const char usage[] =
	"usage: payload-account [--from NS] [--to NS] [--vm N] [--vcpu N] REPORT\n"
	"\n"
	"Print how long the payload's vCPUs were halted, by their own logs, as a line of JSON for each vCPU.\n"
	"REPORT: a report of payload; - is stdin. NS: CLOCK_MONOTONIC; default: start and end of the run.\n";

struct number {
	bool is_given;
	int64_t value;
};

struct options {
	const char *report;
	struct number from, to, vm, vcpu;
};

/* A vCPU of the report; segments are pairs of ns. */
struct vcpu {
	int64_t vm_id, vcpu_id, tid, start_ns, end_ns, dropped, uncertain_ns;
	bool complete, mapped;
	struct json_object *segments;
};

static _Noreturn void __attribute__((format(printf, 2, 3)))
fail(int status, const char *format, ...)
{
	va_list args;

	fputs("payload-account: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static struct number parse_number(const char *option, const char *text)
{
	struct number number = { .is_given = true };
	char *end;

	if (!text)
		fail(2, "%s takes a number", option);
	errno = 0;
	number.value = strtoll(text, &end, 10);
	if (end == text || *end || errno || strchr(" \t\n\v\f\r", *text))
		fail(2, "%s: '%s' is not a number", option, text);
	return number;
}

/* Not getopt_long(), because it accepts abbreviated options. */
static struct options parse_options(char **argv)
{
	struct options opts = { 0 };
	struct {
		const char *name;
		struct number *number;
	} const numbers[] = {
		{ "--from", &opts.from },
		{ "--to", &opts.to },
		{ "--vm", &opts.vm },
		{ "--vcpu", &opts.vcpu },
	};
	const size_t cnt = sizeof(numbers) / sizeof(numbers[0]);

	while (*++argv) {
		const char *value = strchr(*argv, '=');
		size_t len = value ? (size_t)(value - *argv) : strlen(*argv);
		size_t i;

		if (!strcmp(*argv, "--help") || !strcmp(*argv, "-h")) {
			fputs(usage, stdout);
			exit(0);
		}
		for (i = 0; i < cnt; i++)
			if (strlen(numbers[i].name) == len && !strncmp(*argv, numbers[i].name, len))
				break;
		if (i < cnt)
			*numbers[i].number =
				parse_number(numbers[i].name, value ? value + 1 : *++argv);
		else if ((**argv == '-' && (*argv)[1]) || opts.report)
			fail(2, "unexpected argument '%s'; see --help", *argv);
		else
			opts.report = *argv;
		/* A missing value was refused above, so that argv cannot be past its end here. */
	}
	if (!opts.report)
		fail(2, "no report given; see --help");
	return opts;
}

/* Returns the contents of an ASCII file and its length. The caller frees the result. */
static char *read_all(const char *name, size_t *len)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "re") : stdin;
	size_t room = 1 << 16, cnt;
	char *text = malloc(room);

	if (!file)
		fail(1, "%s: %s", name, strerror(errno));
	*len = 0;
	while (text && (cnt = fread(text + *len, 1, room - *len, file)) > 0) {
		*len += cnt;
		if (*len == room)
			text = realloc(text, room *= 2);
	}
	if (!text || ferror(file))
		fail(1, "%s: %s", name, strerror(errno));
	for (size_t i = 0; i < *len; i++)
		if (text[i] & 0x80)
			fail(1, "%s: byte %zu is not ASCII", name, i);
	return text;
}

static struct json_object *parse(const char *name)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *report;
	size_t len;
	char *text = read_all(name, &len);

	if (!tokener || len > INT_MAX)
		fail(1, "%s: too long", name);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	report = json_tokener_parse_ex(tokener, text, (int)len);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		fail(1, "%s: no JSON: %s", name,
		     json_tokener_get_error(tokener) == json_tokener_continue
			     ? "it ends too early"
			     : json_tokener_error_desc(json_tokener_get_error(tokener)));
	for (size_t i = json_tokener_get_parse_end(tokener); i < len; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			fail(1, "%s: something follows the JSON", name);
	json_tokener_free(tokener);
	free(text);
	return report;
}

/* Returns a member of this type; fails if there is none. */
static struct json_object *member(struct json_object *object, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
		fail(1, "the report has no %s '%s'", json_type_to_name(type), key);
	return value;
}

/* json-c returns the largest or smallest number for those beyond 64 bits. */
static int64_t integer(struct json_object *value, const char *what)
{
	int64_t number = json_object_get_int64(value);

	if (!json_object_is_type(value, json_type_int) || number == INT64_MAX ||
	    number == INT64_MIN)
		fail(1, "the report has no proper number '%s'", what);
	return number;
}

static int64_t number_of(struct json_object *object, const char *key)
{
	return integer(member(object, key, json_type_int), key);
}

static bool truth_of(struct json_object *object, const char *key)
{
	return json_object_get_boolean(member(object, key, json_type_boolean));
}

static struct vcpu vcpu_of(struct json_object *object)
{
	return (struct vcpu){
		.vm_id = number_of(object, "vm"),
		.vcpu_id = number_of(object, "vcpu"),
		.tid = number_of(object, "tid"),
		.start_ns = number_of(object, "start_ns"),
		.end_ns = number_of(object, "end_ns"),
		.dropped = number_of(object, "dropped"),
		.uncertain_ns = number_of(object, "uncertain_ns"),
		.complete = truth_of(object, "complete"),
		.mapped = truth_of(object, "mapped"),
		.segments = member(object, "segments", json_type_array),
	};
}

#define REFUSE(v, format, ...)                                                                     \
	fail(1, "vm %" PRId64 " vcpu %" PRId64 ": " format, (v)->vm_id, (v)->vcpu_id, ##__VA_ARGS__)

static void check(const struct vcpu *v, int64_t from, int64_t to)
{
	if (!v->complete)
		REFUSE(v, "the guest did not end its account");
	if (!v->mapped)
		REFUSE(v, "its TSC has no mapping to CLOCK_MONOTONIC");
	if (v->dropped)
		REFUSE(v, "its log overflowed, %" PRId64 " halts are missing", v->dropped);
	if (from < v->start_ns || to > v->end_ns)
		REFUSE(v, "its run is %" PRId64 " to %" PRId64, v->start_ns, v->end_ns);
	if (to <= from)
		REFUSE(v, "an empty span");
}

/*
 * Prints a share of 0 to 1, rounded to 6 digits, in the shortest form that has a point or an
 * exponent, as Python does.
 */
static void print_share(double share)
{
	char text[32];
	int millionths;
	size_t len;

	snprintf(text, sizeof(text), "%.6f", share);
	millionths = (int)strtol(strchr(text, '.') + 1, NULL, 10);
	if (share < 0.5 && millionths > 0 && millionths < 100) {
		if (millionths >= 10 && millionths % 10)
			printf("%d.%de-05", millionths / 10, millionths % 10);
		else
			printf("%de-%02d", millionths < 10 ? millionths : millionths / 10,
			       millionths < 10 ? 6 : 5);
		return;
	}
	len = strlen(text);
	while (text[len - 1] == '0' && text[len - 2] != '.')
		text[--len] = 0;
	fputs(text, stdout);
}

static void account(const struct options *opts, const struct vcpu *v)
{
	int64_t from = opts->from.is_given ? opts->from.value : v->start_ns;
	int64_t to = opts->to.is_given ? opts->to.value : v->end_ns;
	int64_t halted_ns = 0;
	size_t halt_cnt = 0;

	check(v, from, to);
	for (size_t i = 0; i < json_object_array_length(v->segments); i++) {
		struct json_object *segment = json_object_array_get_idx(v->segments, i);
		int64_t begin, end;

		if (!json_object_is_type(segment, json_type_array) ||
		    json_object_array_length(segment) != 2)
			REFUSE(v, "segment %zu is not a pair", i);
		begin = integer(json_object_array_get_idx(segment, 0), "segments");
		end = integer(json_object_array_get_idx(segment, 1), "segments");
		if (end < begin)
			REFUSE(v, "segment %zu ends before it begins", i);
		if (end <= from || begin >= to)
			continue;
		halted_ns += (end < to ? end : to) - (begin > from ? begin : from);
		halt_cnt++;
	}
	printf("{\"vm\": %" PRId64 ", \"vcpu\": %" PRId64 ", \"tid\": %" PRId64, v->vm_id,
	       v->vcpu_id, v->tid);
	printf(", \"span_ns\": %" PRId64 ", \"halted_ns\": %" PRId64 ", \"halts\": %zu", to - from,
	       halted_ns, halt_cnt);
	fputs(", \"share\": ", stdout);
	print_share((double)halted_ns / (double)(to - from));
	printf(", \"uncertain_ns\": %" PRId64 "}\n", v->uncertain_ns);
}

int main(int argc, char **argv)
{
	struct options opts;
	struct json_object *report, *vcpus;
	bool found = false;

	if (argc < 1)
		return 2;
	opts = parse_options(argv);
	report = parse(opts.report);
	vcpus = member(report, "vcpus", json_type_array);
	for (size_t i = 0; i < json_object_array_length(vcpus); i++) {
		struct vcpu v = vcpu_of(json_object_array_get_idx(vcpus, i));

		if ((opts.vm.is_given && opts.vm.value != v.vm_id) ||
		    (opts.vcpu.is_given && opts.vcpu.value != v.vcpu_id))
			continue;
		found = true;
		account(&opts, &v);
	}
	if (!found)
		fail(1, "no such vCPU");
	json_object_put(report);
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
