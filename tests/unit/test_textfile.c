// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "capture.h"
#include "export/textfile.h"

struct folder {
	char dir[64];
	char path[96];
};

static int begin(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->dir, "/tmp/gtimehalt-textfile-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/g.prom", f->dir);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct folder *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static void assert_content(const struct folder *f, const char *expected)
{
	char text[64] = "";
	FILE *file = fopen(f->path, "r");

	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) < sizeof(text));
	fclose(file);
	assert_string_equal(text, expected);
}

static int count_files(const struct folder *f)
{
	DIR *dir = opendir(f->dir);
	int cnt = 0;

	assert_non_null(dir);
	while (readdir(dir))
		cnt++;
	closedir(dir);
	return cnt - 2;
}

static void it_is_replaced(void **state)
{
	struct folder *f = *state;
	struct textfile *file;
	struct stat before, after;
	mode_t mask = umask(0077);

	assert_int_equal(textfile__new(f->path, &file), 0);
	assert_int_equal(count_files(f), 0);
	assert_int_equal(textfile__write(file, "one\n", 4), 0);
	assert_content(f, "one\n");
	assert_int_equal(stat(f->path, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0644);
	assert_int_equal(textfile__write(file, "two", 3), 0);
	assert_content(f, "two");
	assert_int_equal(stat(f->path, &after), 0);
	assert_true(before.st_ino != after.st_ino);
	assert_int_equal(count_files(f), 1);
	textfile__free(file);
	umask(mask);
}

/* A link in place of the temporary file is replaced and not followed, whatever its owner. */
static void a_link_is_in_the_way(void **state)
{
	struct folder *f = *state;
	struct textfile *file;
	char link[128];

	snprintf(link, sizeof(link), "%s/.g.prom.new", f->dir);
	assert_int_equal(symlink("/dev/full", link), 0);
	assert_int_equal(textfile__new(f->path, &file), 0);
	assert_int_equal(textfile__write(file, "one\n", 4), 0);
	assert_content(f, "one\n");
	assert_int_equal(count_files(f), 1);
	textfile__free(file);
}

/* A path such as /dev/stdout is refused, at the start as well as later. */
static void what_is_no_file_is_not_replaced(void **state)
{
	struct folder *f = *state;
	struct textfile *file = NULL;
	struct capture err;
	int at_start, later;
	struct stat st;

	assert_int_equal(symlink("/dev/null", f->path), 0);
	capture__begin(&err, stderr);
	at_start = textfile__new(f->path, &file);
	capture__end(&err);
	assert_int_equal(at_start, -EMEDIUMTYPE);
	assert_non_null(strstr(err.text, "g.prom: it exists and is not a regular file\n"));
	assert_null(file);
	unlink(f->path);
	assert_int_equal(textfile__new(f->path, &file), 0);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	capture__begin(&err, stderr);
	later = textfile__write(file, "one\n", 4);
	capture__end(&err);
	assert_int_equal(later, -EMEDIUMTYPE);
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(count_files(f), 1);
	textfile__free(file);
}

static void a_failure_is_told_once(void **state)
{
	struct folder *f = *state;
	struct textfile *file;
	struct capture err;
	int results[3];

	assert_int_equal(textfile__new(f->path, &file), 0);
	assert_int_equal(textfile__write(file, "one\n", 4), 0);
	unlink(f->path);
	/* A directory in place of the file cannot be replaced. */
	assert_int_equal(mkdir(f->path, 0755), 0);
	capture__begin(&err, stderr);
	for (int i = 0; i < 3; i++)
		results[i] = textfile__write(file, "two\n", 4);
	capture__end(&err);
	for (int i = 0; i < 3; i++)
		assert_int_equal(results[i], -EISDIR);
	assert_non_null(strstr(err.text, "cannot write "));
	assert_ptr_equal(strchr(err.text, '\n'), err.text + strlen(err.text) - 1);
	assert_int_equal(count_files(f), 1);
	rmdir(f->path);
	assert_int_equal(textfile__write(file, "two\n", 4), 0);
	assert_content(f, "two\n");
	textfile__free(file);
}

static void there_is_no_folder(void **state)
{
	struct folder *f = *state;
	struct textfile *file = NULL;
	char path[128];
	struct capture err;
	int result, no_name;

	snprintf(path, sizeof(path), "%s/nowhere/g.prom", f->dir);
	capture__begin(&err, stderr);
	result = textfile__new(path, &file);
	no_name = textfile__new("/tmp/", &file);
	capture__end(&err);
	assert_int_equal(result, -ENOENT);
	assert_int_equal(no_name, -EISDIR);
	assert_non_null(strstr(err.text, "nowhere/g.prom: No such file or directory\n"));
	assert_null(file);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FOLDER_TEST(it_is_replaced),
		FOLDER_TEST(a_link_is_in_the_way),
		FOLDER_TEST(what_is_no_file_is_not_replaced),
		FOLDER_TEST(a_failure_is_told_once),
		FOLDER_TEST(there_is_no_folder),
	};

	return cmocka_run_group_tests_name("textfile", tests, NULL, NULL);
}
