// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include "render/render_page.h"
#include "report/histogram.h"
#include "report/summary.h"
#include "report/timeline.h"
#include "text/time_text.h"
#include "text/utf8.h"

/* The bytes of page.html. The path is relative to the folder in which make runs. */
__asm__(".pushsection .rodata\n"
	"page_html: .incbin \"src/render/page.html\"\n"
	"page_html_end:\n"
	".popsection\n");
extern const char page_html[] __attribute__((visibility("hidden")));
extern const char page_html_end[] __attribute__((visibility("hidden")));

struct page_parts {
	const struct timeline *timeline;
	const struct summary *summary;
	const struct histogram *histogram;
	FILE *out;
};

/*
 * The parts of time in the pictures, from below; the names are those of page.html. In MODE_SWITCH
 * busy and host are one.
 */
static const struct drawn_part {
	const char *name, *label, *label_in_switch; /* NULL: not in this mode */
	enum part part, also;
} drawn_parts[] = {
	{ "busy", "busy", "busy or host", PART_BUSY, PART_USED },
	{ "host", "host", NULL, PART_HOST, PART_HOST },
	{ "wait", "wait", "wait", PART_WAIT, PART_WAIT },
	{ "unknown", "unknown", "unknown", PART_UNKNOWN, PART_UNKNOWN },
	{ "blocked", "idle (blocked)", "idle (blocked)", PART_BLOCKED, PART_BLOCKED },
	{ "halted", "idle (halted)", "idle (halted)", PART_HALTED, PART_HALTED },
};

#define DRAWN_CNT (sizeof(drawn_parts) / sizeof(*drawn_parts))

/* How a character is written that would have a meaning where a name is. */
#define ESCAPE_HTML "&#%d;"
#define ESCAPE_JSON "\\u%04x"

/* Writes the label of a VM; has_others: its process has other VMs. */
static void put_label(FILE *out, const char *name, unsigned int instance, bool has_others,
		      const char *escape)
{
	while (*name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		if (glyph.len == 1 && strchr("<>&\"'\\", *glyph.bytes))
			/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral) */
			fprintf(out, escape, *glyph.bytes);
		else
			fwrite(glyph.bytes, 1, glyph.len, out);
	}
	if (has_others)
		fprintf(out, "#%u", instance);
}

static __u64 length_ns(const struct timeline *timeline)
{
	return timeline->end.mono_ns - timeline->begin.mono_ns;
}

static void put_title(const struct page_parts *page)
{
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];

	time_text__local(page->timeline->begin.real_ns, from);
	time_text__local(page->timeline->end.real_ns, to);
	fprintf(page->out, "gtimehalt: %zu VM%s, %s to %s", page->timeline->vm_cnt,
		page->timeline->vm_cnt == 1 ? "" : "s", from, to);
}

/* Writes a number with the given decimals, as integers: the locale cannot yield a comma. */
static void put_decimal(FILE *out, double value, int decimals)
{
	__u64 scale = decimals == 1 ? 10 : 100, shown;

	if (!(value >= 0) || value > 1e15) {
		fputs("&ndash;", out);
		return;
	}
	shown = (__u64)(value * (double)scale + 0.5);
	fprintf(out, "%llu.%0*llu", shown / scale, decimals, shown % scale);
}

static void put_mean(const struct page_parts *page, const char *name, double vcpus)
{
	fprintf(page->out, "%s ", name);
	put_decimal(page->out, vcpus, 1);
}

static void put_head(const struct page_parts *page)
{
	const struct timeline *timeline = page->timeline;
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE], length[TIME_TEXT_SIZE];
	double sums[PART_CNT] = { 0 }, all = 0, ns = (double)length_ns(timeline);

	for (size_t i = 0; i < timeline->vm_cnt; i++) {
		for (size_t j = 0; j < timeline->column_cnt; j++) {
			for (int part = 0; part < PART_CNT; part++)
				sums[part] += (double)timeline->vms[i].cells[j].ns[part];
		}
	}
	for (int part = 0; part < PART_CNT; part++)
		all += sums[part];
	time_text__local(timeline->begin.real_ns, from);
	time_text__local(timeline->end.real_ns, to);
	time_text__length(length_ns(timeline), length);
	fprintf(page->out, "<p>%s to %s, %s in %zu interval%s</p>\n<p><strong>", from, to, length,
		timeline->interval_cnt, timeline->interval_cnt == 1 ? "" : "s");
	put_decimal(page->out, all / ns, 1);
	fprintf(page->out, " vCPUs of %zu VM%s on average", timeline->vm_cnt,
		timeline->vm_cnt == 1 ? "" : "s");
	put_mean(page, ": idle", (sums[PART_HALTED] + sums[PART_BLOCKED]) / ns);
	if (timeline->mode == MODE_SWITCH) {
		put_mean(page, ", busy or host",
			 (sums[PART_BUSY] + sums[PART_HOST] + sums[PART_USED]) / ns);
	} else {
		put_mean(page, ", busy", (sums[PART_BUSY] + sums[PART_USED]) / ns);
		put_mean(page, ", host", sums[PART_HOST] / ns);
	}
	put_mean(page, ", wait", sums[PART_WAIT] / ns);
	if (sums[PART_UNKNOWN] / ns >= 0.05)
		put_mean(page, ", unknown", sums[PART_UNKNOWN] / ns);
	fputs("</strong></p>\n", page->out);
	if (timeline->column_cnt < timeline->interval_cnt)
		fprintf(page->out,
			"<p class=\"dim\">Pictures: intervals joined, up to %zu to one.</p>\n",
			timeline->joined_cnt);
	if (timeline->left_out_cnt)
		fputs("<p><strong>There were too many VMs and vCPUs: some are left out of the "
		      "pictures.</strong></p>\n",
		      page->out);
}

static void put_summary(const struct page_parts *page)
{
	FILE *out = page->out;

	fputs("<table><caption>What each VM used, and how much of it would be enough</caption>\n"
	      "<thead><tr><th scope=\"col\">VM</th>",
	      out);
	for (size_t i = 0; i < 10; i++) {
		static const char *const headings[] = {
			"PID",         "vCPUs",     "busy mean", "busy P95",   "busy max",
			"busy minute", "idle mean", "idle P50",  "wanted P95", "enough",
		};

		fprintf(out, "<th scope=\"col\">%s</th>", headings[i]);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
	for (size_t i = 0; i < page->summary->vm_cnt; i++) {
		const struct vm_summary *vm = &page->summary->vms[i];
		struct summary_spread busy = summary__spread(vm, SUMMARY_BUSY);
		struct summary_spread idle = summary__spread(vm, SUMMARY_IDLE);
		const double shown[] = {
			busy.mean,
			busy.p95,
			busy.max,
			busy.minute,
			idle.mean,
			idle.p50,
			summary__spread(vm, SUMMARY_WANTED).p95,
		};
		size_t enough = summary__enough_vcpus(vm);

		fputs("<tr><th scope=\"row\">", out);
		put_label(out, vm->name, vm->instance,
			  summary__is_one_of_several(page->summary, vm), ESCAPE_HTML);
		fprintf(out, "</th><td>%d</td><td>%zu</td>", vm->pid, vm->vcpu_cnt);
		for (size_t j = 0; j < sizeof(shown) / sizeof(*shown); j++) {
			fputs("<td>", out);
			put_decimal(out, shown[j], 2);
			fputs("</td>", out);
		}
		/* As in the summary, no more than there are. */
		if (enough)
			fprintf(out, "<td>%zu</td></tr>\n",
				enough < vm->vcpu_cnt ? enough : vm->vcpu_cnt);
		else
			fputs("<td>&ndash;</td></tr>\n", out);
	}
	fputs("</tbody></table>", out);
}

static void put_length(FILE *out, __u64 ns)
{
	char length[TIME_TEXT_SIZE];

	time_text__length(ns, length);
	fputs(length, out);
}

/* Writes a row for each power of two between the shortest and the longest halt. */
static void put_bars(const struct histogram *histogram, FILE *out)
{
	double cnts[STINT_BUCKET_CNT >> STINT_SUB_SHIFT] = { 0 }, max = 0;
	const size_t cnt = sizeof(cnts) / sizeof(*cnts);
	size_t first = cnt, end = 0;

	for (size_t i = 0; i < STINT_BUCKET_CNT; i++) {
		size_t row = i >> STINT_SUB_SHIFT;

		cnts[row] += (double)histogram->cnt[i];
		if (cnts[row] <= 0)
			continue;
		first = row < first ? row : first;
		end = row + 1;
		max = cnts[row] > max ? cnts[row] : max;
	}
	for (size_t row = first; row < end; row++) {
		__u64 low_ns, high_ns;

		histogram__bounds((unsigned int)(row << STINT_SUB_SHIFT), &low_ns, &high_ns);
		fputs("<tr><th scope=\"row\">", out);
		put_length(out, low_ns);
		fprintf(out, "</th><td>%.0f</td><td class=\"bar\">", cnts[row]);
		/* Tenths of a per cent, as integers, because of the locale. */
		if (cnts[row] > 0)
			fprintf(out, "<span style=\"width:calc(%.0f%% / 10)\"></span>",
				1000 * cnts[row] / max);
		fputs("</td></tr>\n", out);
	}
}

static void put_histogram(const struct page_parts *page)
{
	static const unsigned int permilles[] = { 500, 900, 990, 1000 };
	static const char *const names[] = { "p50", "p90", "p99", "longest" };
	FILE *out = page->out;

	if (!page->histogram)
		return;
	fputs("<section>\n<h2>How long halts took</h2>\n<p class=\"dim\">Of all VMs. Halts "
	      "within one stint, from VM entry to exit, add up to one. ",
	      out);
	for (size_t i = 0; i < sizeof(permilles) / sizeof(*permilles); i++) {
		__u64 ns;

		if (!histogram__quantile(page->histogram, permilles[i], &ns)) {
			fputs("No stint was halted for 1 us or longer.", out);
			break;
		}
		fprintf(out, "%s%s ", i ? ", " : "", names[i]);
		put_length(out, ns);
	}
	fputs("</p>\n<table style=\"width:100%\"><caption>Stints by how long they were halted, "
	      "from one length to the next</caption>\n<thead><tr><th scope=\"col\">from</th>"
	      "<th scope=\"col\">stints</th><th></th></tr></thead>\n<tbody>\n",
	      out);
	put_bars(page->histogram, out);
	fputs("</tbody></table>\n</section>", out);
}

/* Returns the per mille of a cell that a part is; -1 if the VM or vCPU did not exist. */
static int permille_of(const struct timeline_cell *cell, enum part part, enum part also)
{
	float wall_ns = timeline__wall_ns(cell), ns = cell->ns[part];

	if (also != part)
		ns += cell->ns[also];
	return wall_ns > 0 ? (int)((double)ns / (double)wall_ns * 1000 + 0.5) : -1;
}

/* Returns the per mille that a vCPU was not idle; -2 if nothing is known, -1 as above. */
static int used_of(const struct timeline_cell *cell)
{
	int unknown = permille_of(cell, PART_UNKNOWN, PART_UNKNOWN), used;

	if (unknown < 0 || unknown >= 1000)
		return unknown < 0 ? -1 : -2;
	used = 1000 - unknown - permille_of(cell, PART_HALTED, PART_BLOCKED);
	return used > 0 ? used : 0;
}

/* Writes a value for each column, or one for all; in the page null stands for -1, and -1 for -2. */
static void put_series(FILE *out, const int *values, size_t cnt)
{
	size_t same = 1;

	while (same < cnt && values[same] == values[0])
		same++;
	if (same == cnt && values[0] >= 0) {
		fprintf(out, "%d", values[0]);
		return;
	}
	for (size_t i = 0; i < cnt; i++) {
		fputc(i ? ',' : '[', out);
		if (values[i] == -1)
			fputs("null", out);
		else
			fprintf(out, "%d", values[i] < 0 ? -1 : values[i]);
	}
	fputc(']', out);
}

static void put_vm(const struct page_parts *page, const struct timeline_vm *vm)
{
	const struct timeline *timeline = page->timeline;
	int values[TIMELINE_COLUMNS_MAX];
	FILE *out = page->out;
	const char *gap = "";

	fputs("{\"name\":\"", out);
	put_label(out, vm->name, vm->instance, timeline__is_one_of_several(timeline, vm),
		  ESCAPE_JSON);
	fprintf(out, "\",\"pid\":%d,\"vcpus\":%zu,\"parts\":[", vm->pid, vm->vcpu_max);
	for (size_t i = 0; i < DRAWN_CNT; i++) {
		if (timeline->mode == MODE_SWITCH && !drawn_parts[i].label_in_switch)
			continue;
		for (size_t j = 0; j < timeline->column_cnt; j++)
			values[j] = permille_of(&vm->cells[j], drawn_parts[i].part,
						drawn_parts[i].also);
		fputs(gap, out);
		put_series(out, values, timeline->column_cnt);
		gap = ",";
	}
	fputs("],\n\"rows\":[", out);
	for (size_t i = 0; i < vm->vcpu_cnt; i++) {
		for (size_t j = 0; j < timeline->column_cnt; j++)
			values[j] = used_of(&vm->vcpus[i].cells[j]);
		fprintf(out, "%s{\"vcpu\":%u,\"used\":", i ? ",\n" : "", vm->vcpus[i].vcpu_id);
		put_series(out, values, timeline->column_cnt);
		fputc('}', out);
	}
	fputs("]}", out);
}

static void put_words(const struct page_parts *page, const char *key, bool are_labels)
{
	const char *gap = "";

	fprintf(page->out, "\"%s\":[", key);
	for (size_t i = 0; i < DRAWN_CNT; i++) {
		const struct drawn_part *drawn = &drawn_parts[i];
		const char *label =
			page->timeline->mode == MODE_SWITCH ? drawn->label_in_switch : drawn->label;

		if (!label)
			continue;
		fprintf(page->out, "%s\"%s\"", gap, are_labels ? label : drawn->name);
		gap = ",";
	}
	fputs("],\n", page->out);
}

static void put_data(const struct page_parts *page)
{
	const struct timeline *timeline = page->timeline;
	time_t begin = (time_t)(timeline->begin.real_ns / 1000000000);
	struct tm tm = { 0 };

	localtime_r(&begin, &tm);
	fprintf(page->out, "{\"begin_ms\":%llu,\"utc_offset_ms\":%ld,\n",
		timeline->begin.real_ns / 1000000, tm.tm_gmtoff * 1000);
	put_words(page, "parts", false);
	put_words(page, "labels", true);
	fputs("\"ends_ms\":[", page->out);
	for (size_t i = 0; i < timeline->column_cnt; i++)
		fprintf(page->out, "%s%.0f", i ? "," : "",
			(double)(timeline->columns[i].end_ns - timeline->begin.mono_ns) / 1e6);
	fputs("],\n\"vms\":[", page->out);
	for (size_t i = 0; i < timeline->vm_cnt; i++) {
		fputs(i ? ",\n" : "", page->out);
		put_vm(page, &timeline->vms[i]);
	}
	fputs("]}", page->out);
}

/* Writes what a word of the template stands for. */
static void put_word(const struct page_parts *page, const char *word, size_t len)
{
	static const struct {
		const char *word;
		void (*put)(const struct page_parts *page);
	} words[] = {
		{ "title", put_title },         { "head", put_head }, { "summary", put_summary },
		{ "histogram", put_histogram }, { "data", put_data },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strlen(words[i].word) == len && !memcmp(words[i].word, word, len))
			words[i].put(page);
	}
}

int render__page(const struct timeline *timeline, const struct summary *summary,
		 const struct histogram *histogram, FILE *out)
{
	const struct page_parts page = { timeline, summary, histogram, out };
	/* The first line is the licence of the template. */
	const char *text = (const char *)memchr(page_html, '\n', 4096) + 1;

	for (;;) {
		const char *mark = memmem(text, (size_t)(page_html_end - text), "@@", 2);
		const char *end =
			mark ? memmem(mark + 2, (size_t)(page_html_end - mark - 2), "@@", 2) : NULL;

		fwrite(text, 1, (size_t)((end ? mark : page_html_end) - text), out);
		if (!end)
			break;
		put_word(&page, mark + 2, (size_t)(end - mark - 2));
		text = end + 2;
	}
	return fflush(out) || ferror(out) ? -ENOMEM : 0;
}
