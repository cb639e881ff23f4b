// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whole command lines, one word per line, for each of the programs: each is refused with one line
 * on stderr, or ends with a text on stdout, or is accepted without output. Accepted options must be
 * as options.h promises.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz.h"
#include "base/log.h"
#include "options/option_table.h"
#include "report/snapshot.h"

#define WORD_MAX 24

struct command_line {
	char *words[WORD_MAX + 2];
	int cnt;
};

static void take_words(struct fuzz_bytes *bytes, struct command_line *line)
{
	line->words[0] = fuzz__string("fuzz", 4);
	for (line->cnt = 1; bytes->left && line->cnt <= WORD_MAX; line->cnt++)
		line->words[line->cnt] = fuzz_bytes__take_string(bytes, '\n');
	line->words[line->cnt] = NULL;
}

static bool is_word(const struct command_line *line, const char *text)
{
	for (int i = 1; i < line->cnt; i++) {
		if (text >= line->words[i] && text <= line->words[i] + strlen(line->words[i]))
			return true;
	}
	return false;
}

/* Lists contain no duplicates. */
static void check_ids(const pid_t *ids, size_t cnt)
{
	FUZZ_ASSERT(cnt <= GTIMEHALT_MAX_WATCHED);
	for (size_t i = 0; i < cnt; i++) {
		FUZZ_ASSERT(ids[i] >= 1 && ids[i] <= 1 << 22);
		for (size_t j = 0; j < i; j++)
			FUZZ_ASSERT(ids[i] != ids[j]);
	}
}

static void check_options(enum program program, const struct options *opts,
			  const struct command_line *line)
{
	bool is_exporter = program == PROGRAM_EXPORTER;
	const char *const texts[] = { opts->pin.group, opts->record_path, opts->replay_path,
				      opts->textfile_path, opts->user };

	check_ids(opts->measure.filter.pids, opts->measure.filter.pid_cnt);
	check_ids(opts->measure.filter.tids, opts->measure.filter.tid_cnt);
	for (size_t i = 0; i < opts->measure.filter.name_cnt; i++)
		FUZZ_ASSERT(*opts->measure.filter.names[i]);
	FUZZ_ASSERT(opts->interval_ns >= 1000000 && opts->interval_ns <= 1000000000000000);
	FUZZ_ASSERT(opts->count <= UINT32_MAX && opts->view.row_max <= UINT32_MAX);
	FUZZ_ASSERT(opts->repeat || opts->count == 1);
	FUZZ_ASSERT(opts->measure.mperf_ratio >= 0 && opts->measure.mperf_ratio <= 4096);
	FUZZ_ASSERT(opts->measure.hook >= HOOK_AUTO && opts->measure.hook < HOOK_CNT);
	FUZZ_ASSERT(!opts->measure.histogram || opts->measure.mode == MODE_ENTRY);
	FUZZ_ASSERT(!opts->record_path || !opts->replay_path);
	FUZZ_ASSERT(is_exporter || (!opts->user && !opts->textfile_path && !opts->listen.len));
	FUZZ_ASSERT(!is_exporter || opts->textfile_path || opts->listen.len);
	FUZZ_ASSERT(!opts->pin.group || opts->pin.pin);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		FUZZ_ASSERT(!texts[i] || (*texts[i] && is_word(line, texts[i])));
}

/* Whatever patterns the filter has, it must select VMs and vCPUs consistently. */
static void use_filter(const struct filter *filter)
{
	static const char *const names[] = { "web-1", "", "a,b\\", "[x]*?", "\xff\xc3\xa9" };
	struct snapshot snap = { 0 };
	size_t vm_cnt;
	bool matches;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vm_reading *vm = snapshot__add_vm(&snap);
		struct vcpu_reading *vcpu = snapshot__add_vcpu(&snap);

		FUZZ_ASSERT(vm && vcpu);
		vm->pid = vcpu->pid = (pid_t)i + 1;
		vcpu->tid = (pid_t)i + 1;
		strcpy(vm->name, names[i]);
	}
	matches = filter__matches(filter, &snap);
	filter__apply(filter, &snap);
	vm_cnt = snap.vm_cnt;
	FUZZ_ASSERT(matches == (snap.vcpu_cnt > 0 || vm_cnt > 0));
	filter__apply(filter, &snap);
	FUZZ_ASSERT(snap.vm_cnt == vm_cnt);
	snapshot__free(&snap);
}

static enum options_verdict parse(enum program program, struct command_line *line,
				  struct options *opts, size_t *said_cnt, size_t *out_size)
{
	FILE *stdout_before = stdout;
	enum options_verdict verdict;
	struct fuzz_said said;
	char *out_text = NULL;

	stdout = open_memstream(&out_text, out_size);
	FUZZ_ASSERT(stdout);
	fuzz_said__begin(&said);
	verdict = options__parse(program, line->cnt, line->words, opts);
	*said_cnt = fuzz__line_cnt(fuzz_said__end(&said));
	fuzz_said__free(&said);
	FUZZ_ASSERT(!fclose(stdout));
	stdout = stdout_before;
	free(out_text);
	return verdict;
}

static void run_program(enum program program, struct command_line *line)
{
	const struct command_line before = *line;
	size_t said_cnt, out_size;
	struct options opts;

	switch (parse(program, line, &opts, &said_cnt, &out_size)) {
	case OPTIONS_RUN:
		FUZZ_ASSERT(!said_cnt && !out_size);
		check_options(program, &opts, line);
		use_filter(&opts.measure.filter);
		options__free(&opts);
		break;
	case OPTIONS_DONE:
		FUZZ_ASSERT(!said_cnt && out_size);
		break;
	case OPTIONS_USAGE:
		FUZZ_ASSERT(said_cnt == 1 && !out_size);
		break;
	}
	/* The array of words must not be changed. */
	FUZZ_ASSERT(!memcmp(line->words, before.words, sizeof(line->words[0]) * (size_t)line->cnt));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = { data, size };
	struct command_line line;

	take_words(&bytes, &line);
	for (enum program program = 0; program < PROGRAM_CNT; program++) {
		fuzz_said__program = program_texts[program].name;
		log__set_program(fuzz_said__program);
		run_program(program, &line);
	}
	for (int i = 0; i < line.cnt; i++)
		free(line.words[i]);
	return 0;
}
