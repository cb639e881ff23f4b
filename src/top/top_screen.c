// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <ncurses.h>
#include <term.h>
#include "base/log.h"
#include "top/top_canvas.h"
#include "top/top_screen.h"
#include "top/top_state.h"
#include "top/top_stuck.h"
#include "text/utf8.h"

/* Time within which bytes that follow an Escape are taken for one function key. */
#define ESCAPE_MS 25

struct top_screen {
	struct top_canvas canvas; /* first member: put() and show_cursor() cast it back */
	SCREEN *curses;
	struct top_stuck stuck;
	bool left; /* the terminal is restored; another process may use it */
	attr_t styles[TOP_STYLE_CNT];
	bool shows_utf8;
	int cursor_row, cursor_column; /* row -1: hidden */
};

int top_screen__check(void)
{
	/* Terminal capabilities: move the cursor, clear the screen. */
	static const char *const needed[] = { "cup", "clear" };
	const char *name = getenv("TERM");
	int err = 0, found;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		pr_err("--top: stdin and stdout must be a terminal");
		return -ENOTTY;
	}
	if (!name || !*name || setupterm(name, STDOUT_FILENO, &found) != OK) {
		pr_err("--top: unknown terminal; set TERM to its type");
		return -ENOTTY;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!tigetstr(needed[i]))
			err = -ENOTTY;
	}
	del_curterm(cur_term);
	if (err)
		pr_err("--top: this terminal cannot show a full screen");
	return err;
}

/* Selects attributes that the terminal supports. Colours are only an addition to other marks. */
static void make_styles(struct top_screen *screen)
{
	static const struct {
		enum top_style style;
		short colour;
	} colours[] = {
		{ TOP_STYLE_WARNING, COLOR_YELLOW }, { TOP_STYLE_BUSY, COLOR_GREEN },
		{ TOP_STYLE_HOST, COLOR_RED },       { TOP_STYLE_WAIT, COLOR_YELLOW },
		{ TOP_STYLE_HALTED, COLOR_CYAN },    { TOP_STYLE_UNKNOWN, COLOR_MAGENTA },
	};

	screen->styles[TOP_STYLE_HEADING] = A_BOLD;
	screen->styles[TOP_STYLE_SORTED] = A_BOLD | A_REVERSE;
	screen->styles[TOP_STYLE_CURSOR] = A_REVERSE;
	screen->styles[TOP_STYLE_WARNING] = A_BOLD;
	if (!has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
		short pair = (short)(i + 1);

		if (init_pair(pair, colours[i].colour, -1) != ERR)
			screen->styles[colours[i].style] |= (attr_t)COLOR_PAIR(pair);
	}
}

/*
 * Copies a glyph, or "?" if the C library disagrees about its width, because curses would misplace
 * what follows. Returns the number of bytes.
 */
static size_t shown_glyph(const struct top_screen *screen, const struct utf8_glyph *glyph, char *to)
{
	size_t len;
	__s32 code = utf8__decode(glyph->bytes, &len);

	if (code < 0x80 || (screen->shows_utf8 && wcwidth((wchar_t)code) == glyph->width)) {
		memcpy(to, glyph->bytes, glyph->len);
		return glyph->len;
	}
	memset(to, '?', (size_t)glyph->width);
	return (size_t)glyph->width;
}

static void put(struct top_canvas *canvas, int row, int column, enum top_style style,
		const char *text)
{
	struct top_screen *screen = (struct top_screen *)canvas;
	int left = canvas->column_cnt - column;
	char shown[1024];
	size_t len = 0;

	if (row < 0 || row >= canvas->row_cnt || column < 0)
		return;
	while (*text) {
		struct utf8_glyph glyph = utf8__next_glyph(&text);

		left -= glyph.width;
		if (left < 0 || len + 4 >= sizeof(shown))
			break;
		len += shown_glyph(screen, &glyph, shown + len);
	}
	(void)attrset((int)screen->styles[style]);
	(void)mvaddnstr(row, column, shown, (int)len);
}

static void show_cursor(struct top_canvas *canvas, int row, int column)
{
	struct top_screen *screen = (struct top_screen *)canvas;

	screen->cursor_row = row;
	screen->cursor_column = column;
}

int top_screen__new(struct top_screen **screen)
{
	struct top_screen *made;
	int err = top_screen__check();

	if (err)
		return err;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->canvas.put = put;
	made->canvas.show_cursor = show_cursor;
	/* Curses decodes bytes by the locale. */
	setlocale(LC_CTYPE, "");
	made->shows_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	use_tioctl(TRUE);
	top_stuck__open(&made->stuck);
	top_stuck__begin(false);
	made->curses = newterm(NULL, stdout, stdin);
	if (!made->curses) {
		top_stuck__end();
		pr_err("--top: this terminal cannot show a full screen");
		top_stuck__close(&made->stuck);
		setlocale(LC_CTYPE, "C");
		free(made);
		return -ENOTTY;
	}
	set_escdelay(ESCAPE_MS);
	(void)cbreak();
	(void)noecho();
	(void)nodelay(stdscr, TRUE);
	(void)keypad(stdscr, TRUE);
	make_styles(made);
	top_stuck__end();
	*screen = made;
	return 0;
}

struct top_canvas *top_screen__begin(struct top_screen *screen)
{
	getmaxyx(stdscr, screen->canvas.row_cnt, screen->canvas.column_cnt);
	screen->cursor_row = -1;
	(void)erase();
	return &screen->canvas;
}

void top_screen__show(struct top_screen *screen)
{
	bool shows_cursor = screen->cursor_row >= 0;

	top_stuck__begin(false);
	screen->left = false;
	(void)curs_set(shows_cursor);
	if (shows_cursor)
		(void)move(screen->cursor_row, screen->cursor_column);
	else
		(void)move(screen->canvas.row_cnt - 1, 0);
	(void)refresh();
	top_stuck__end();
}

static __u32 function_key(wint_t key)
{
	static const struct {
		wint_t curses;
		__u32 key;
	} keys[] = {
		{ KEY_UP, TOP_KEY_UP },
		{ KEY_DOWN, TOP_KEY_DOWN },
		{ KEY_LEFT, TOP_KEY_LEFT },
		{ KEY_RIGHT, TOP_KEY_RIGHT },
		{ KEY_PPAGE, TOP_KEY_PAGE_UP },
		{ KEY_NPAGE, TOP_KEY_PAGE_DOWN },
		{ KEY_HOME, TOP_KEY_HOME },
		{ KEY_END, TOP_KEY_END },
		{ KEY_F(1), TOP_KEY_HELP },
		{ KEY_ENTER, TOP_KEY_ENTER },
		{ KEY_BACKSPACE, TOP_KEY_BACKSPACE },
		{ KEY_RESIZE, TOP_KEY_REPAINT },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].curses == key)
			return keys[i].key;
	}
	return 0; /* some other key, which has no function */
}

__u32 top_screen__key(struct top_screen *screen)
{
	wint_t key;
	int kind = get_wch(&key);

	(void)screen;
	if (kind == ERR)
		return TOP_KEY_NONE;
	if (kind == KEY_CODE_YES)
		return function_key(key);
	if (key == '\r')
		return TOP_KEY_ENTER;
	if (key == '\b')
		return TOP_KEY_BACKSPACE;
	return key < TOP_KEY_NONE ? key : 0;
}

bool top_screen__is_gone(const struct top_screen *screen)
{
	struct pollfd terminal = { .fd = STDIN_FILENO, .events = POLLIN };
	int unread = 0;

	(void)screen;
	if (poll(&terminal, 1, 0) <= 0)
		return false;
	return terminal.revents & (POLLERR | POLLHUP | POLLNVAL) ||
	       ioctl(STDIN_FILENO, FIONREAD, &unread) || !unread;
}

void top_screen__repaint(struct top_screen *screen)
{
	struct winsize size;

	(void)screen;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col &&
	    is_term_resized(size.ws_row, size.ws_col))
		(void)resize_term(size.ws_row, size.ws_col);
	(void)clearok(stdscr, TRUE);
}

static void leave(struct top_screen *screen, bool is_ending)
{
	if (screen->left)
		return;
	top_stuck__begin(is_ending);
	(void)curs_set(1);
	(void)endwin();
	top_stuck__end();
	screen->left = true;
}

void top_screen__leave(struct top_screen *screen)
{
	leave(screen, false);
}

void top_screen__free(struct top_screen *screen)
{
	if (!screen)
		return;
	leave(screen, true);
	delscreen(screen->curses);
	top_stuck__close(&screen->stuck);
	setlocale(LC_CTYPE, "C");
	free(screen);
}
