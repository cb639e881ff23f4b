// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/accept.h"
#include "test.h"

#define OPENMETRICS "application/openmetrics-text"

static void assert_form(enum exposition_form form, const char *const *fields, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (accept__form(fields[i]) != form)
			fail_msg("'%s'", fields[i] ? fields[i] : "(none)");
	}
}

static void who_gets_openmetrics(void **state)
{
	static const char *const fields[] = {
		OPENMETRICS,
		OPENMETRICS ";version=1.0.0",
		OPENMETRICS "; version=\"1.0.0\" ; charset=utf-8",
		"Application/OpenMetrics-Text ; Version=1.0.0;Q=0.001",
		/* Prometheus, older and newer */
		OPENMETRICS ";version=1.0.0," OPENMETRICS
			    ";version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
		"encoding=delimited;q=0.4," OPENMETRICS
		";version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		"text/plain;q=0.5, " OPENMETRICS ";q=0.500",
		"text/plain," OPENMETRICS,
		"text/plain;q=0," OPENMETRICS ";q=0.1",
		",,;=," OPENMETRICS,
	};

	(void)state;
	assert_form(EXPOSITION_OPENMETRICS, fields, sizeof(fields) / sizeof(fields[0]));
}

static void who_gets_text(void **state)
{
	static const char *const fields[] = {
		NULL,
		"",
		",",
		"*/*",
		"application/*",
		"text/html,application/xhtml+xml,*/*;q=0.8",
		"text/plain;version=0.0.4",
		OPENMETRICS ";q=0",
		OPENMETRICS ";q=0.000, */*",
		OPENMETRICS ";q=0.2,text/plain;q=0.3",
		OPENMETRICS ";version=2.0.0",
		OPENMETRICS ";version=0.0.1",
		OPENMETRICS "x",
		/* no qualities */
		OPENMETRICS ";q=2",
		OPENMETRICS ";q=",
		OPENMETRICS ";q=0.9999",
		OPENMETRICS ";q=1.001",
		OPENMETRICS ";q=-1",
		OPENMETRICS ";q=0,5",
		OPENMETRICS ";q=01",
		OPENMETRICS ";q=0.x",
	};

	(void)state;
	assert_form(EXPOSITION_PROMETHEUS, fields, sizeof(fields) / sizeof(fields[0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_gets_openmetrics),
		cmocka_unit_test(who_gets_text),
	};

	return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
