// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A foreign recording is read to its end. The snapshots accepted are recorded again, which must
 * give the same; and each interval is shown in every form.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "export/totals.h"
#include "forms.h"
#include "fuzz.h"
#include "recording/recording.h"
#include "recordings.h"
#include "report/account.h"
#include "run/source_ops.h"
#include "shown.h"

/* The most snapshots per input: showing one takes half a millisecond. */
#define SNAPSHOT_MAX 8

static void check_header(const struct recording_header *header)
{
	const char *texts[] = { header->gtimehalt_version, header->kernel_release,
				header->window_hook, header->stint_hook };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		shown__check_safe(texts[i], strlen(texts[i]));
	FUZZ_ASSERT(header->mperf_ratio >= 0);
}

/* Checks the final result, and that there is a reason for it. */
static void check_end(struct recording_reader *r, int end)
{
	const char *reason = recording_reader__reason(r);
	struct snapshot snap = { 0 };

	FUZZ_ASSERT(end <= 0);
	shown__check_safe(reason, strlen(reason));
	FUZZ_ASSERT(!!*reason == (end == -ENODATA || end == -EBADMSG || end == -EFBIG ||
				  end == -EPROTONOSUPPORT));
	FUZZ_ASSERT(recording_reader__next(r, &snap) == end);
}

static size_t read_all(FILE *in, struct recording_header *header, struct snapshot *snaps)
{
	struct snapshot rest = { 0 };
	struct recording_reader *r;
	size_t cnt = 0;
	int got;

	FUZZ_ASSERT(!recording_reader__new(in, &r));
	got = recording_reader__header(r, header);
	if (!got)
		check_header(header);
	while (!got || got == 1) {
		got = recording_reader__next(r, cnt < SNAPSHOT_MAX ? &snaps[cnt] : &rest);
		if (got != 1)
			break;
		cnt += cnt < SNAPSHOT_MAX;
	}
	check_end(r, got);
	recording_reader__free(r);
	snapshot__free(&rest);
	return cnt;
}

/* Replays the input from a file, as the tool does it. */
static void replay(const uint8_t *data, size_t size)
{
	int fd = memfd_create("recording", 0);
	struct snapshot snap = { 0 };
	struct source *source;
	struct fuzz_said said;
	char path[64];
	int got;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FUZZ_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	fuzz_said__begin(&said);
	got = source_replay__new(path, &source);
	if (!got) {
		while ((got = source__next(source, &snap)) == 1)
			;
		source__free(source);
	}
	FUZZ_ASSERT(fuzz__line_cnt(fuzz_said__end(&said)) <= 1);
	FUZZ_ASSERT(!got || *said.text);
	fuzz_said__free(&said);
	snapshot__free(&snap);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot snaps[SNAPSHOT_MAX] = { 0 };
	struct recording_header header = { 0 };
	char *copy = fuzz__string(data, size);
	FILE *in = size ? fmemopen(copy, size, "r") : fopen("/dev/null", "re");
	struct report report = { 0 };
	struct totals totals;
	size_t cnt;

	FUZZ_ASSERT(in);
	cnt = read_all(in, &header, snaps);
	fclose(in);
	free(copy);
	replay(data, size);
	if (cnt)
		recordings__check_round_trip(&header, snaps, cnt);
	totals__init(&totals);
	for (size_t i = 1; i < cnt; i++) {
		FUZZ_ASSERT(!account__report(&snaps[i - 1], &snaps[i], &report));
		forms__check_sums(&report);
		forms__check(&report, INT_MAX);
		forms__check_metrics(&report, &totals);
	}
	totals__free(&totals);
	report__free(&report);
	for (size_t i = 0; i < SNAPSHOT_MAX; i++)
		snapshot__free(&snaps[i]);
	return 0;
}
