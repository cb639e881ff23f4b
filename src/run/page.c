// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "export/textfile.h"
#include "run/page.h"
#include "render/render_page.h"
#include "report/histogram.h"
#include "report/summary.h"
#include "report/timeline.h"

struct page {
	const char *path;
	struct textfile *file;
	struct timeline timeline;
	struct summary summary;
	struct histogram histogram; /* of all VMs */
	bool has_histogram;
};

int page__new(const char *path, struct page **page)
{
	struct page *made = calloc(1, sizeof(*made));
	int err;

	if (!made) {
		pr_err("cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	made->path = path;
	made->timeline.has_vcpus = true;
	err = textfile__new(path, &made->file);
	if (err) {
		page__free(made);
		return err;
	}
	*page = made;
	return 0;
}

void page__free(struct page *page)
{
	if (!page)
		return;
	textfile__free(page->file);
	timeline__free(&page->timeline);
	summary__free(&page->summary);
	free(page);
}

int page__add(struct page *page, const struct report *report)
{
	int err = timeline__add(&page->timeline, report);

	for (size_t i = 0; i < report->vm_cnt; i++) {
		if (!report->vms[i].histogram)
			continue;
		histogram__add(&page->histogram, report->vms[i].histogram);
		page->has_histogram = true;
	}
	return err ? err : summary__add(&page->summary, report);
}

int page__write(struct page *page)
{
	char *text = NULL;
	size_t size;
	FILE *out;
	int err;

	if (!page->timeline.interval_cnt)
		return 0;
	out = open_memstream(&text, &size);
	err = out ? render__page(&page->timeline, &page->summary,
				 page->has_histogram ? &page->histogram : NULL, out)
		  : -errno;
	if (out && fclose(out) && !err)
		err = -errno;
	if (err)
		pr_err("cannot make %s: %s", page->path, strerror(-err));
	else
		err = textfile__write(page->file, text, size);
	free(text);
	return err;
}
