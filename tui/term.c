/*
 * term.c - see term.h.
 */
#include "tui/term.h"

#include <curses.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/pairs.h"
#include "tui/palette.h"
#include "tui/rescue.h"
#include "tui/term_keys.h"
#include "tui/term_kind.h"
#include "tui/term_paint.h"

enum { ESCAPE_DELAY_MS = 40, FIRST_OWN_FD = 3, FIXED_COLOURS = 16, DIRECT_COLOURS = 1 << 15 };

struct terminal {
    FILE *in, *out;
    SCREEN *screen;
    theme_depth depth;
    term_glyphs glyphs;
    const theme *look;
    canvas shown; /* the last frame, to compare with */
    bool shown_valid;
    pairs *pairs;    /* NULL: no colours */
    bool truecolour; /* it takes 24 bits for a colour */
    mouse_state mouse;
    bool lost, away; /* gone for good; the shell has it for a while */
    int cursor;      /* curs_set last asked for */
    char *note;
};

/* ---- opening ---- */

/* A stream on a descriptor of our own for the terminal that FD is, or the controlling one. */
static FILE *own_stream(int fd, const char *mode) {
    int own = isatty(fd) ? fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OWN_FD) : open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (own < 0) return NULL;
    FILE *stream = fdopen(own, mode);
    if (!stream) close(own);
    return stream;
}

/* A terminal newer than this machine's terminfo (TERM=xterm-ghostty over SSH) is nearly always like xterm. */
static SCREEN *open_screen(terminal *t, const char *name) {
    t->screen = newterm((char *)name, t->out, t->in);
    if (t->screen || !name) return t->screen;
    static const char *const like[] = {"xterm-256color", "xterm", "vt100"};
    for (size_t i = 0; !t->screen && i < sizeof like / sizeof *like; i++) {
        t->screen = newterm((char *)like[i], t->out, t->in);
        if (t->screen)
            t->note = xasprintf("this machine does not know TERM=%s; treated as %s", name, like[i]);
    }
    return t->screen;
}

/* What leaves the alternate screen, shows the cursor and forgets colours and mouse. */
static void arm(void) {
    str restore = {0};
    static const char *const undo[] = {"sgr0", "op", "cnorm", "rmkx", "rmcup"};
    str_append(&restore, "\r");
    for (size_t i = 0; i < sizeof undo / sizeof *undo; i++)
        str_append(&restore, term_capability(undo[i]));
    if (*term_capability("kmous")) str_append(&restore, "\033[?1000l\033[?1002l\033[?1006l");
    rescue_arm(str_text(&restore));
    str_clear(&restore);
}

static void make_pair(int number, int foreground, int background) {
    /* A terminal whose colours are 24 bits has no palette beyond the first few. */
    bool direct = COLORS > DIRECT_COLOURS;
    if (direct && foreground >= FIXED_COLOURS) foreground = (int)theme_rgb(foreground);
    if (direct && background >= FIXED_COLOURS) background = (int)theme_rgb(background);
    init_extended_pair(number, foreground, background);
}

/* Moves with a button held, too; ncurses asks for clicks only. */
static void report_drags(terminal *t, bool on) {
    if (!*term_capability("kmous")) return;
    fputs(on ? "\033[?1002h" : "\033[?1002l", t->out);
    fflush(t->out);
}

static void set_modes(terminal *t) {
    set_escdelay(ESCAPE_DELAY_MS);
    raw(); /* Ctrl-C and Ctrl-Z are keys: the program decides, and saves first */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    term_define_keys();
    nodelay(stdscr, TRUE);
    scrollok(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    intrflush(stdscr, FALSE);
    mousemask(BUTTON1_PRESSED | BUTTON3_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED | REPORT_MOUSE_POSITION,
              NULL);
    mouseinterval(0);
    report_drags(t, true);
}

thaw_status term_open(bool ascii, terminal **out) {
    terminal *t = xcalloc(1, sizeof *t);
    thaw_status status = thaw_ok();
    const char *name = getenv("TERM");
    t->glyphs = term_choose_glyphs(ascii);
    t->cursor = -1;
    t->in = own_stream(STDIN_FILENO, "r");
    t->out = own_stream(STDOUT_FILENO, "w");
    if (!t->in || !t->out) {
        status = thaw_error(THAW_ERR_USAGE,
                            "the workbench needs a terminal; `thaw help` lists what works without one");
        goto fail;
    }
    rescue_save(fileno(t->out)); /* before ncurses changes anything */
    if (!open_screen(t, name)) {
        status = thaw_error(THAW_ERR_UNSUPPORTED, "cannot use the terminal \"%s\"; try TERM=xterm-256color",
                            name ? name : "");
        goto fail;
    }
    if (!*term_capability("cup")) {
        endwin();
        status = thaw_error(
            THAW_ERR_UNSUPPORTED,
            "the terminal \"%s\" cannot move its cursor; try TERM=xterm or vt100, or the commands in "
            "`thaw help`",
            name ? name : "");
        goto fail;
    }
    arm();
    t->depth = term_colour_depth();
    t->truecolour = term_takes_truecolour(t->depth);
    if (t->depth != DEPTH_MONO) t->pairs = pairs_new(COLOR_PAIRS - 1, make_pair);
    set_modes(t);
    canvas_init(&t->shown, 1, 1);
    *out = t;
    return status;
fail:
    rescue_disarm();
    if (t->screen) delscreen(t->screen);
    if (t->in) fclose(t->in);
    if (t->out) fclose(t->out);
    free(t->note);
    free(t);
    return status;
}

static void give_back(terminal *t) {
    curs_set(1);
    report_drags(t, false);
    endwin();
}

void term_close(terminal *t) {
    if (!t) return;
    if (!t->lost && !t->away) give_back(t);
    rescue_disarm();
    canvas_clear(&t->shown);
    pairs_free(t->pairs);
    delscreen(t->screen);
    fclose(t->in);
    fclose(t->out);
    free(t->note);
    free(t);
}

/* ---- showing ---- */

/* The number of a role's colours. */
static int role_pair(terminal *t, int foreground, int background) {
    if (!t->pairs || (foreground == COLOUR_DEFAULT && background == COLOUR_DEFAULT)) return 0;
    return pairs_role(t->pairs, foreground, background);
}

static attr_t curses_attributes(int attributes) {
    attr_t out = A_NORMAL;
    if (attributes & ATTR_BOLD) out |= A_BOLD;
    if (attributes & ATTR_DIM) out |= A_DIM;
    if (attributes & ATTR_UNDERLINE) out |= A_UNDERLINE;
    if (attributes & ATTR_REVERSE) out |= A_REVERSE;
    if (attributes & ATTR_ITALIC) out |= A_ITALIC;
    return out;
}

static void put_character(int row, int col, const canvas_cell *cell, attr_t attributes, int pair) {
    wchar_t text[] = {(wchar_t)cell->point, (wchar_t)cell->mark[0], (wchar_t)cell->mark[1], 0};
    cchar_t out;
    if (setcchar(&out, text, attributes, 0, &pair) == OK) mvadd_wch(row, col, &out);
}

/* A picture's cell in the nearest colours of the palette. Those that can be shown exactly are painted over
 * (term_paint.c): for ncurses they are one colour, so that it sends little of what will not be seen. */
static void put_picture(terminal *t, int row, int col, const canvas_cell *cell) {
    int pair = 0;
    if (t->pairs && !t->truecolour)
        pair = pairs_picture(t->pairs, palette_nearest_256(cell->ink), palette_nearest_256(cell->paper));
    put_character(row, col, cell, A_NORMAL, pair);
}

static void put_cell(terminal *t, int row, int col, const canvas_cell *cell) {
    if (cell->picture) {
        put_picture(t, row, col, cell);
        return;
    }
    theme_style style = t->look->style[cell->role][t->depth];
    int attributes = style.attributes | cell->attributes;
    if (cell->ground < ROLE_COUNT) {
        theme_style ground = t->look->style[cell->ground][t->depth];
        style.background = ground.background;
        if (cell->role == ROLE_TEXT || style.foreground == style.background)
            style.foreground = ground.foreground;
        attributes |= ground.attributes;
        if (ground.attributes & ATTR_REVERSE)
            attributes &= ~ATTR_DIM; /* dim ink on a bright ground is unreadable */
    }
    put_character(row, col, cell, curses_attributes(attributes),
                  role_pair(t, style.foreground, style.background));
}

static void place_cursor(terminal *t, int row, int col) {
    int wanted = row >= 0;
    /* Nobody sees where a hidden cursor is: it stays where the last cell was written. */
    if (wanted != t->cursor) leaveok(stdscr, curs_set(wanted) != ERR && !wanted);
    t->cursor = wanted;
    move(wanted ? row : 0, wanted ? col : 0);
}

/* After ncurses, before the frame is remembered. */
static void paint_pictures(terminal *t, const canvas *c, bool all) {
    str sent = {0};
    term_paint(c, all ? NULL : &t->shown, &sent);
    if (sent.length) {
        fwrite(sent.data, 1, sent.length, t->out);
        fflush(t->out);
    }
    str_clear(&sent);
}

void term_show(terminal *t, const canvas *c, int cursor_row, int cursor_col) {
    if (!t || t->lost || t->away || !t->look) return;
    if (t->shown.rows != c->rows || t->shown.cols != c->cols) {
        canvas_resize(&t->shown, c->rows, c->cols);
        t->shown_valid = false;
    }
    for (int row = 0; row < c->rows; row++) {
        const canvas_cell *now = &c->cell[(size_t)row * (size_t)c->cols];
        canvas_cell *old = &t->shown.cell[(size_t)row * (size_t)c->cols];
        for (int col = 0; col < c->cols; col++) {
            bool changed = !t->shown_valid || !canvas_cell_same(&now[col], &old[col]) ||
                           (col + 1 < c->cols && now[col + 1].point == 0 && old[col + 1].point != 0);
            if (changed && now[col].point) put_cell(t, row, col, &now[col]);
        }
    }
    place_cursor(t, cursor_row, cursor_col);
    refresh();
    if (t->truecolour) paint_pictures(t, c, !t->shown_valid);
    memcpy(t->shown.cell, c->cell, (size_t)c->rows * (size_t)c->cols * sizeof *c->cell);
    t->shown_valid = true;
}

void term_repaint(terminal *t) {
    if (!t || t->lost) return;
    t->shown_valid = false;
    clearok(stdscr, TRUE);
}

void term_set_theme(terminal *t, const theme *look) {
    if (!t) return;
    t->look = look;
    t->shown_valid = false;
    if (t->pairs) pairs_reset(t->pairs); /* numbers are given anew: themes differ in their pairs */
    if (t->lost) return;
    reset_color_pairs();
    clearok(stdscr, TRUE);
}

void term_bell(terminal *t) {
    if (t && !t->lost) beep();
}

bool term_suspend(terminal *t) {
    if (!t || t->lost) return true;
    def_prog_mode();
    report_drags(t, false);
    endwin();
    t->away = true;
    rescue_away(true);
    raise(SIGSTOP);
    return term_resume(t);
}

bool term_resume(terminal *t) {
    pid_t owner = tcgetpgrp(fileno(t->in));
    if (t->lost || (owner >= 0 && owner != getpgrp())) return false;
    reset_prog_mode();
    report_drags(t, true);
    t->away = false;
    rescue_away(false);
    t->cursor = -1;
    term_repaint(t);
    return true;
}

void term_leave(terminal *t, const char *farewell) {
    if (!t || t->lost) return;
    if (!t->away) give_back(t);
    fputs(farewell, t->out);
    fflush(t->out);
    term_lost(t);
}

/* Whatever holds the terminal open would keep whoever waits for its end waiting: a window, an SSH session. */
static void drop_descriptors(void) {
    DIR *all = opendir("/proc/self/fd");
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const struct dirent *one; all && nothing >= 0 && (one = readdir(all));) {
        int fd = (int)strtol(one->d_name, NULL, 10);
        if (one->d_name[0] == '.' || fd == nothing) continue;
        if (!isatty(fd) && errno != EIO) continue; /* EIO: it was one */
        dup3(nothing, fd, fd > STDERR_FILENO ? O_CLOEXEC : 0);
    }
    if (nothing >= 0) close(nothing);
    if (all) closedir(all);
}

void term_lost(terminal *t) {
    if (!t || t->lost) return;
    t->lost = true;
    rescue_terminal_lost();
    drop_descriptors();
}

/* ---- the rest ---- */

int term_fd(const terminal *t) {
    return fileno(t->in);
}

int term_key(terminal *t) {
    return t->lost || t->away ? K_NONE : term_read_key(&t->mouse);
}

void term_mouse(const terminal *t, int *row, int *col, int *button, bool *drag) {
    mouse_event m = t ? t->mouse.now : (mouse_event){0};
    *row = m.row;
    *col = m.col;
    *button = m.button;
    *drag = m.drag;
}

void term_look_at_size(terminal *t) {
    struct winsize size;
    if (!t || t->lost || t->away || ioctl(fileno(t->out), TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
        return;
    if (size.ws_row != LINES || size.ws_col != COLS)
        resizeterm(size.ws_row, size.ws_col); /* gives a K_RESIZE */
}

void term_size(const terminal *t, int *rows, int *cols) {
    (void)t;
    getmaxyx(stdscr, *rows, *cols);
}

term_glyphs term_glyph_set(const terminal *t) {
    return t->glyphs;
}

void term_set_glyphs(terminal *t, term_glyphs g) {
    t->glyphs = g;
}

theme_depth term_depth(const terminal *t) {
    return t->depth;
}

const char *term_note(const terminal *t) {
    return t->note ? t->note : "";
}
