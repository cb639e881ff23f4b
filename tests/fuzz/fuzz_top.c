// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Keys on the full screen. An input is text as it is typed; bytes from 0xf8 on, which occur in no
 * UTF-8 text, stand for special keys, new reports, and new sizes of the screen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz.h"
#include "report/account.h"
#include "screen.h"
#include "text/utf8.h"
#include "top/top_notes.h"
#include "top/top_report.h"
#include "top/top_state.h"

#define S        1000000000ULL
#define VM_CNT   6
#define VCPU_CNT 16

/* Longer inputs would only take more time. */
#define KEY_MAX 256

enum {
	BYTE_KEY = 0xf8, /* the next byte says which */
	BYTE_REPORT,
	BYTE_SIZE,
};

struct site {
	struct report report;
	struct vm_report vms[VM_CNT];
	struct vcpu_report vcpus[VCPU_CNT];
	struct top_report shown;
	struct top_notes notes;
	struct top_state state;
	int row_cnt, column_cnt;
};

static struct metrics take_metrics(__u8 seed)
{
	struct metrics metrics;

	for (int i = 0; i < METRIC_CNT; i++) {
		metrics.value[i] = S / (1 + (seed + i * 7) % 13);
		if ((seed + i) % 11 == 10)
			metrics.value[i] = METRIC_UNKNOWN;
	}
	metrics.value[METRIC_WALL_NS] = S;
	return metrics;
}

/* The bits of `seed` decide which VMs the report has. */
static void make_report(struct site *site, __u8 seed)
{
	static const char *const names[VM_CNT] = {
		"web-1",   "web-2", "db \xe4\xb8\x96",
		"\x1b[2J", "",      "a long name, of which not all has room in a row"
	};
	struct report *report = &site->report;

	report->vm_cnt = report->vcpu_cnt = 0;
	report->mode = seed & 0x80 ? MODE_SWITCH : MODE_ENTRY;
	report->health.lost_window_cnt = seed & 0x40;
	report->mperf_ratio = 1.5;
	report->interval_ns = S;
	for (int i = 0; i < VM_CNT; i++) {
		struct vm_report *vm = &site->vms[report->vm_cnt];

		if (seed & 1 << i)
			continue;
		*vm = (struct vm_report){
			.pid = 100 + i / 2,
			.vm_id = (__u64)i,
			.name = names[i],
			.metrics = take_metrics(seed + (__u8)i),
			.vcpus = &site->vcpus[report->vcpu_cnt],
			.vcpu_cnt = (size_t)i % 4,
		};
		for (size_t j = 0; j < vm->vcpu_cnt; j++)
			site->vcpus[report->vcpu_cnt++] = (struct vcpu_report){
				.tid = vm->pid + 10 * (i + 1) + (pid_t)j,
				.vcpu_id = (__u32)j,
				.metrics = take_metrics((__u8)(seed + j)),
			};
		report->vm_cnt++;
	}
	if (!site->state.paused)
		FUZZ_ASSERT(!top_report__copy(report, &site->shown));
}

static __u32 take_key(struct fuzz_bytes *bytes)
{
	static const __u32 keys[] = {
		TOP_KEY_UP,        TOP_KEY_DOWN,      TOP_KEY_LEFT, TOP_KEY_RIGHT,  TOP_KEY_PAGE_UP,
		TOP_KEY_PAGE_DOWN, TOP_KEY_HOME,      TOP_KEY_END,  TOP_KEY_HELP,   TOP_KEY_REPAINT,
		TOP_KEY_ENTER,     TOP_KEY_BACKSPACE, TOP_KEY_KILL, TOP_KEY_ESCAPE, 0x10ffff,
	};

	return keys[fuzz_bytes__take(bytes) % (sizeof(keys) / sizeof(keys[0]))];
}

/* Takes a code point, or a byte that is invalid in UTF-8: a terminal may send anything. */
static __u32 take_typed(struct fuzz_bytes *bytes)
{
	char text[5] = "";
	size_t len = bytes->left < 4 ? bytes->left : 4;
	__s32 code;

	memcpy(text, bytes->at, len);
	code = utf8__decode(text, &len);
	if (code < 0)
		return fuzz_bytes__take(bytes);
	bytes->at += len;
	bytes->left -= len;
	return (__u32)code;
}

/* Returns whether the program goes on. */
static bool step(struct site *site, struct fuzz_bytes *bytes)
{
	enum top_event event = TOP_GO_ON;

	switch (*bytes->at) {
	case BYTE_REPORT:
		fuzz_bytes__take(bytes);
		make_report(site, fuzz_bytes__take(bytes));
		break;
	case BYTE_SIZE:
		fuzz_bytes__take(bytes);
		site->row_cnt = 1 + fuzz_bytes__take(bytes) % 60;
		site->column_cnt = 1 + fuzz_bytes__take(bytes);
		break;
	case BYTE_KEY:
		fuzz_bytes__take(bytes);
		FUZZ_ASSERT(!top_state__key(&site->state, take_key(bytes), &event));
		break;
	default:
		FUZZ_ASSERT(!top_state__key(&site->state, take_typed(bytes), &event));
		break;
	}
	FUZZ_ASSERT(event == TOP_GO_ON || event == TOP_INTERVAL || event == TOP_QUIT);
	return event != TOP_QUIT;
}

static void update(struct site *site)
{
	const struct report *report = &site->shown.report;

	FUZZ_ASSERT(!top_state__update(&site->state, report));
	if (report->interval_ns)
		FUZZ_ASSERT(!top_notes__make(report, &site->state.view, &report->health, 1,
					     &site->notes));
	screen__draw(&site->state, report, &site->notes, site->row_cnt, site->column_cnt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = { data, size < KEY_MAX ? size : KEY_MAX };
	struct site *site = fuzz__alloc(sizeof(*site));
	__u8 flags = fuzz_bytes__take(&bytes);
	const struct top_state_opts opts = {
		.view = { .level = flags & 1 ? VIEW_VCPUS : VIEW_VMS_AND_VCPUS,
			  .row_max = flags & 2 ? 3 : 0,
			  .sorted = flags & 4,
			  .sort = COLUMN_WAIT },
		.interval_ns = S,
	};

	site->report.vms = site->vms;
	site->report.vcpus = site->vcpus;
	site->row_cnt = 24;
	site->column_cnt = 80;
	top_state__init(&site->state, &opts);
	if (flags & 8)
		make_report(site, 0);
	update(site);
	while (bytes.left && step(site, &bytes))
		update(site);
	top_state__free(&site->state);
	top_notes__free(&site->notes);
	top_report__free(&site->shown);
	free(site);
	return 0;
}
