// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Single words: numbers, seconds, ratios, addresses, columns, lists of CPUs, HTTP Accept headers.
 * Each result is compared with an independent implementation.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/number.h"
#include "export/accept.h"
#include "fuzz.h"
#include "measure/core_kinds.h"
#include "base/listen_address.h"
#include "report/columns.h"

#define NANO 1000000000

/*
 * Parses a decimal number with 128 bits. Returns -1 if it is invalid, -2 if it has more than 64
 * bits or too many digits.
 */
static __int128 reference(const char *word, int frac_max, int scale)
{
	__int128 value = 0;
	const char *at = word;
	int frac = 0;

	while (isdigit((unsigned char)*at))
		at++;
	if (at == word)
		return -1;
	if (*at == '.' && frac_max) {
		const char *point = at++;

		while (isdigit((unsigned char)*at))
			at++;
		frac = (int)(at - point - 1);
		if (!frac || frac > frac_max)
			return -1;
	}
	if (*at)
		return -1;
	for (at = word; *at; at++) {
		if (*at != '.')
			value = value * 10 + (*at - '0');
		if (value > UINT64_MAX)
			return -2;
	}
	for (; frac < scale; frac++)
		value *= 10;
	return value > UINT64_MAX ? -2 : value;
}

/* Parses a time in nanoseconds, with or without a unit. Returns -1 and -2 as reference() does. */
static __int128 reference_seconds(const char *word)
{
	size_t len = strlen(word);
	bool is_ms = len >= 2 && !strcmp(word + len - 2, "ms");
	int scale = is_ms ? 6 : 9, factor = 1;
	char *number = strdup(word);
	__int128 value;

	FUZZ_ASSERT(number);
	if (is_ms) {
		number[len - 2] = '\0';
	} else if (len && strchr("smh", word[len - 1])) {
		factor = word[len - 1] == 'h' ? 3600 : word[len - 1] == 'm' ? 60 : 1;
		number[len - 1] = '\0';
	}
	value = reference(number, scale, scale);
	free(number);
	if (value >= 0)
		value *= factor;
	return value > UINT64_MAX ? -2 : value;
}

static void check_parsed(int err, __u64 value, __int128 expected, __u64 max)
{
	if (expected == -1) {
		FUZZ_ASSERT(err == -EINVAL && value == 4711);
	} else if (expected < 0 || expected > max) {
		FUZZ_ASSERT(err == -ERANGE && value == 4711);
	} else {
		FUZZ_ASSERT(!err && value == (__u64)expected);
	}
}

static void check_number(const char *word)
{
	static const __u64 maxima[] = { 0, 1, 255, UINT32_MAX, UINT64_MAX };
	double ratio = 4711;
	int err;

	for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
		__u64 value = 4711;

		err = number__parse(word, maxima[i], &value);
		check_parsed(err, value, reference(word, 0, 0), maxima[i]);
		value = 4711;
		err = number__parse_seconds(word, maxima[i], &value);
		check_parsed(err, value, reference_seconds(word), maxima[i]);
	}
	err = number__parse_ratio(word, 4096, &ratio);
	if (!err)
		FUZZ_ASSERT(ratio > 0 && ratio <= 4096 && fabs(ratio - strtod(word, NULL)) <= 1e-9);
	else
		FUZZ_ASSERT(ratio == 4711 && (err == -EINVAL) == (reference(word, 9, 9) == -1));
}

/* An address that was accepted can be formatted, and parsed again with the same result. */
static void check_address(const char *word)
{
	struct listen_address address, again;
	char text[LISTEN_ADDRESS_TEXT_SIZE];

	if (listen_address__parse(word, &address))
		return;
	listen_address__format(&address, text);
	FUZZ_ASSERT(strnlen(text, sizeof(text)) < sizeof(text));
	FUZZ_ASSERT(!listen_address__parse(text, &again));
	FUZZ_ASSERT(again.len == address.len);
	FUZZ_ASSERT(!memcmp(&again.socket, &address.socket, address.len));
}

static void check_column(const char *word)
{
	enum column column = COLUMN_CNT, again;

	if (!column__find(word, &column)) {
		FUZZ_ASSERT(column == COLUMN_CNT);
		return;
	}
	FUZZ_ASSERT(column < COLUMN_CNT && column_defs[column].heading);
	FUZZ_ASSERT(column__find(column_defs[column].key, &again) && again == column);
}

/*
 * RFC 9110: more media types may be appended after a comma. OpenMetrics with the highest quality
 * wins; Prometheus' text format with it changes nothing.
 */
static void check_accept(const char *word)
{
	char *more = fuzz__alloc(strlen(word) + 64);
	enum exposition_form form = accept__form(word);

	FUZZ_ASSERT(form == EXPOSITION_PROMETHEUS || form == EXPOSITION_OPENMETRICS);
	sprintf(more, "%s, application/openmetrics-text", word);
	FUZZ_ASSERT(accept__form(more) == EXPOSITION_OPENMETRICS);
	sprintf(more, "%s,text/plain;q=1,nonsense", word);
	if (form == EXPOSITION_PROMETHEUS)
		FUZZ_ASSERT(accept__form(more) == EXPOSITION_PROMETHEUS);
	free(more);
}

static void check_cpu_list(const char *word)
{
	for (int cpu = 0; cpu < 130; cpu += 13)
		FUZZ_ASSERT(cpulist__has(word, cpu) >> 1 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *word = fuzz__string(data, size);

	check_number(word);
	check_address(word);
	check_column(word);
	check_accept(word);
	check_cpu_list(word);
	free(word);
	return 0;
}
