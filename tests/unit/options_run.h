/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * options_run - parse command lines and capture what parsing prints.
 */
#ifndef OPTIONS_RUN_H
#define OPTIONS_RUN_H

#include <string.h>
#include "capture.h"
#include "base/log.h"
#include "options/option_table.h"

#define MAX_WORDS 8

/* The program whose command lines are parsed. */
static enum program run_program = PROGRAM_TOOL;

static inline void run_as(enum program program)
{
	run_program = program;
	log__set_program(program_texts[program].name);
}

struct run {
	enum options_verdict verdict;
	struct options opts;
	struct capture out, err;
};

/* Parses a command line: a program path followed by `words`, which end with NULL. */
static inline void run_words(struct run *run, const char **words)
{
	char path[] = "/usr/local/sbin/another-name";
	char *argv[MAX_WORDS + 2] = { path };
	int argc = 1;

	for (; words[argc - 1]; argc++) {
		assert_true(argc <= MAX_WORDS);
		argv[argc] = (char *)words[argc - 1];
	}
	memset(&run->opts, 0xa5, sizeof(run->opts));
	capture__begin(&run->out, stdout);
	capture__begin(&run->err, stderr);
	run->verdict = options__parse(run_program, argc, argv, &run->opts);
	capture__end(&run->err);
	capture__end(&run->out);
	/* The parser must not modify argv, not even its order. */
	assert_ptr_equal(argv[0], path);
	for (int i = 1; i < argc; i++)
		assert_ptr_equal(argv[i], words[i - 1]);
}

#define WORDS(...) ((const char *[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static inline void run_good(struct run *run, const char **words)
{
	run_words(run, words);
	assert_string_equal(run->err.text, "");
	assert_string_equal(run->out.text, "");
	assert_int_equal(run->verdict, OPTIONS_RUN);
}

/*
 * Parsing must print one line on stderr that begins with the program's name and contains `word`,
 * print nothing else, and leave the options untouched.
 */
static inline void run_bad(const char *word, const char **words)
{
	struct run run;
	struct options untouched;
	const char *text = run.err.text, *name = program_texts[run_program].name;

	memset(&untouched, 0xa5, sizeof(untouched));
	run_words(&run, words);
	assert_int_equal(run.verdict, OPTIONS_USAGE);
	assert_string_equal(run.out.text, "");
	assert_int_equal(strncmp(text, name, strlen(name)), 0);
	assert_int_equal(strncmp(text + strlen(name), ": ", 2), 0);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	if (!strstr(text + strlen(name) + 2, word))
		fail_msg("\"%s\" is not in: %s", word, text);
	assert_memory_equal(&run.opts, &untouched, sizeof(untouched));
}

#endif /* OPTIONS_RUN_H */
