// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The names of two VMs, separated by a NUL, in everything that shows names: tables, histograms,
 * CSV, JSON, metrics, the full screen, messages. The names may contain any bytes.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "export/totals.h"
#include "forms.h"
#include "fuzz.h"
#include "report/account.h"
#include "screen.h"
#include "shown.h"
#include "text/line.h"
#include "text/utf8.h"
#include "top/top_notes.h"
#include "top/top_state.h"

#define S      1000000000ULL
#define VM_CNT 3

/* The length of the longest name that fits into a snapshot. */
#define NAME_MAX_LEN (sizeof(((struct vm_reading *)NULL)->name) - 1)

static const struct metrics metrics = { { S, S / 2, S / 500, S / 2, S / 2 - S / 500, 0, 0, S / 2,
					  10, S / 100, 0 } };
static const struct histogram histogram = { .below_cnt = 2, .halted_ns = 4000, .cnt = { 1, 0, 1 } };

struct site {
	struct report report;
	struct vm_report vms[VM_CNT];
	struct vcpu_report vcpus[VM_CNT];
};

/* The first two VMs are in one process and have the same name. */
static void make_report(struct site *site, const char *first, const char *second)
{
	*site = (struct site){ .report = { .interval_ns = S,
					   .begin = { .mono_ns = S },
					   .end = { .mono_ns = 2 * S, .real_ns = 1763908001 * S },
					   .mperf_ratio = 0.97,
					   .health = { 1, 2, 3, 4, 5 },
					   .vm_cnt = VM_CNT,
					   .vcpu_cnt = VM_CNT } };
	site->report.vms = site->vms;
	site->report.vcpus = site->vcpus;
	for (size_t i = 0; i < VM_CNT; i++) {
		site->vcpus[i] = (struct vcpu_report){ .tid = 11 + (pid_t)i,
						       .metrics = metrics,
						       .histogram = &histogram };
		site->vms[i] = (struct vm_report){
			.pid = i < 2 ? 10 : 4194304,
			.vm_id = i + 1,
			.name = i < 2 ? first : second,
			.metrics = metrics,
			.histogram = &histogram,
			.vcpus = &site->vcpus[i],
			.vcpu_cnt = 1,
		};
	}
}

static void check_lines(const char *name)
{
	for (int width = 1; width < LINE_WIDTH; width = width * 2 + 1) {
		enum name_cut cut = (enum name_cut)(width / 2 % NAME_CUT_CNT);
		struct line line = { 0 };

		line__add(&line, "  ");
		line__add_name(&line, name, width, cut);
		FUZZ_ASSERT(line.width <= width + 2 && line.len <= sizeof(line.text));
		shown__check_safe(line.text, line.len);
	}
}

/* Whatever the bytes, each glyph has 1 to 4 bytes, and decoding stops at the end of the text. */
static void check_glyphs(const char *name)
{
	const char *end = name + strlen(name);

	while (*name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		FUZZ_ASSERT(name <= end && glyph.len >= 1 && glyph.len <= 4);
		FUZZ_ASSERT(glyph.width >= 0 && glyph.width <= 2);
		shown__check_safe(glyph.bytes, glyph.len);
	}
}

static void check_screen(const struct report *report, const char *filter)
{
	const struct top_state_opts opts = { .interval_ns = S };
	struct top_notes notes = { 0 };
	struct top_state state;
	char *shown = shown__name(filter);
	size_t len = strnlen(shown, sizeof(state.filter) - 1);

	/* Cut between characters, because only whole characters can be typed. */
	while (shown[len] && (shown[len] & 0xc0) == 0x80)
		len--;
	top_state__init(&state, &opts);
	memcpy(state.filter, shown, len);
	for (int columns = 1; columns < 300; columns = columns * 3) {
		FUZZ_ASSERT(!top_state__update(&state, report));
		FUZZ_ASSERT(!top_notes__make(report, &state.view, &report->health, 1, &notes));
		for (size_t i = 0; i < notes.line_cnt; i++)
			shown__check_safe(notes.lines[i], strlen(notes.lines[i]));
		*state.filter = '\0';
		state.unfolded = true;
		screen__draw(&state, report, &notes, 25, columns);
		state.page = columns > 80 ? TOP_PAGE_NOTES : TOP_PAGE_ROWS;
	}
	top_notes__free(&notes);
	top_state__free(&state);
	free(shown);
}

static void check_message(const char *name)
{
	struct fuzz_said said;

	fuzz_said__begin(&said);
	pr_err("VM '%s'", name);
	pr_warn("%s", name);
	fuzz_said__end(&said);
	fuzz_said__free(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes rest = { data, size };
	char *first = fuzz_bytes__take_string(&rest, '\0');
	char *second = fuzz_bytes__take_string(&rest, '\0');
	struct totals totals;
	struct site site;

	first[strnlen(first, NAME_MAX_LEN)] = '\0';
	second[strnlen(second, NAME_MAX_LEN)] = '\0';
	make_report(&site, first, second);
	check_glyphs(first);
	check_lines(first);
	check_message(first);
	/* There is no terminal: a line has a whole name beside what fits into LINE_WIDTH. */
	forms__check(&site.report, LINE_WIDTH + (int)NAME_MAX_LEN);
	totals__init(&totals);
	forms__check_metrics(&site.report, &totals);
	FUZZ_ASSERT(totals__vm_cnt(&totals) == 2);
	totals__free(&totals);
	check_screen(&site.report, second);
	free(first);
	free(second);
	return 0;
}
