// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "vm/cmdline.h"

const char *cmdline__next(const struct cmdline *cmdline, size_t *pos)
{
	const char *word = cmdline->text + *pos;
	size_t word_len;

	if (*pos >= cmdline->len)
		return NULL;
	word_len = strlen(word);
	if (cmdline->cut && *pos + word_len == cmdline->len)
		return NULL;
	*pos += word_len + 1;
	return word;
}

const char *cmdline__option(const struct cmdline *cmdline, const char *option)
{
	const char *word, *value = NULL;
	size_t len = strlen(option);
	bool is_value = false;
	size_t pos = 0;

	while ((word = cmdline__next(cmdline, &pos))) {
		if (is_value)
			value = word;
		else if (!strncmp(word, option, len) && word[len] == '=')
			value = word + len + 1;
		is_value = !is_value && !strcmp(word, option);
	}
	return value && *value ? value : NULL;
}
