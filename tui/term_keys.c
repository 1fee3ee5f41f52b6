/*
 * term_keys.c - see term_keys.h.
 */
#include "tui/term_keys.h"

#include <curses.h>
#include <stddef.h>
#include <stdio.h>

#include "tui/key.h"

enum { BUTTON_LEFT = 1, BUTTON_RIGHT = 3, WHEEL_UP = 4, WHEEL_DOWN = 5 };

typedef struct key_pair {
    int curses, ours;
} key_pair;

static const key_pair pairs[] = {
    {KEY_UP, K_UP},
    {KEY_DOWN, K_DOWN},
    {KEY_LEFT, K_LEFT},
    {KEY_RIGHT, K_RIGHT},
    {KEY_HOME, K_HOME},
    {KEY_END, K_END},
    {KEY_PPAGE, K_PGUP},
    {KEY_NPAGE, K_PGDN},
    {KEY_A1, K_HOME},
    {KEY_C1, K_END},
    {KEY_A3, K_PGUP},
    {KEY_C3, K_PGDN},
    {KEY_FIND, K_HOME},
    {KEY_SELECT, K_END},
    {KEY_IC, K_INSERT},
    {KEY_DC, K_DELETE},
    {KEY_BTAB, K_BACKTAB},
    {KEY_ENTER, K_ENTER},
    {KEY_BACKSPACE, K_BACKSPACE},
    {KEY_RESIZE, K_RESIZE},
    {KEY_F(1), K_F1},
    {KEY_F(2), K_F2},
    {KEY_F(3), K_F3},
    {KEY_F(4), K_F4},
    {KEY_F(5), K_F5},
    {KEY_F(6), K_F6},
    {KEY_F(7), K_F7},
    {KEY_F(8), K_F8},
    {KEY_F(9), K_F9},
    {KEY_F(10), K_F10},
    {KEY_F(11), K_F11},
    {KEY_F(12), K_F12},
};

/* Beside what terminfo knows: TERM is often not quite the truth over SSH. */
static const struct {
    const char *sequence;
    int curses;
} sequences[] = {
    {"\033[H", KEY_HOME},   {"\033OH", KEY_HOME},   {"\033[1~", KEY_HOME}, {"\033[7~", KEY_HOME},
    {"\033[F", KEY_END},    {"\033OF", KEY_END},    {"\033[4~", KEY_END},  {"\033[8~", KEY_END},
    {"\033[A", KEY_UP},     {"\033OA", KEY_UP},     {"\033[B", KEY_DOWN},  {"\033OB", KEY_DOWN},
    {"\033[C", KEY_RIGHT},  {"\033OC", KEY_RIGHT},  {"\033[D", KEY_LEFT},  {"\033OD", KEY_LEFT},
    {"\033[5~", KEY_PPAGE}, {"\033[6~", KEY_NPAGE}, {"\033[2~", KEY_IC},   {"\033[3~", KEY_DC},
    {"\033[Z", KEY_BTAB},   {"\033OM", KEY_ENTER},
};

void term_define_keys(void) {
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++)
        define_key(sequences[i].sequence, sequences[i].curses);
}

/* False: a report that means nothing here, like that of a button let go. */
static bool mouse_event_of(const MEVENT *from, mouse_event *to) {
    static const struct {
        mmask_t state;
        int button;
    } meaning[] = {
        {BUTTON1_PRESSED, BUTTON_LEFT}, {BUTTON3_PRESSED, BUTTON_RIGHT},      {BUTTON4_PRESSED, WHEEL_UP},
        {BUTTON5_PRESSED, WHEEL_DOWN},  {REPORT_MOUSE_POSITION, BUTTON_LEFT}, /* reported with a button held
                                                                                 only, see term.c */
    };
    for (size_t i = 0; i < sizeof meaning / sizeof *meaning; i++) {
        if (!(from->bstate & meaning[i].state)) continue;
        *to = (mouse_event){from->y, from->x, meaning[i].button, meaning[i].state == REPORT_MOUSE_POSITION};
        return true;
    }
    return false;
}

/* ncurses gathers what came together under one key, and hands it out newest first. */
static void read_mouse(mouse_state *mouse) {
    MEVENT event;
    while (mouse->count < MOUSE_EVENTS_MAX && getmouse(&event) == OK)
        mouse->count += mouse_event_of(&event, &mouse->later[mouse->count]);
}

static int next_mouse(mouse_state *mouse) {
    if (!mouse->count) return K_NONE;
    mouse->now = mouse->later[--mouse->count];
    return K_MOUSE;
}

static int translate(wint_t code, mouse_state *mouse) {
    if (code == KEY_MOUSE) {
        read_mouse(mouse);
        return next_mouse(mouse);
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if ((wint_t)pairs[i].curses == code) return pairs[i].ours;
    return K_NONE;
}

/* ---- sequences that come in pieces, as over a slow line, or that ncurses does not know ---- */

enum { SEQUENCE_MAX = 32, WHEEL = 64, MOTION = 32, RELEASED = 3, X10_OFFSET = 32 };

/* BUTTON as terminals report it: 0 to 2, 64 and 65 the wheel; 32 is added while the mouse moves, 4 to 16 for
 * keys that are held. */
static bool reported(int button, int col, int row, mouse_event *to) {
    static const int buttons[] = {BUTTON_LEFT, 0, BUTTON_RIGHT};
    bool drag = button & MOTION;
    int which = button & (WHEEL | RELEASED);
    if (which == WHEEL || which == WHEEL + 1)
        *to = (mouse_event){row - 1, col - 1, which == WHEEL ? WHEEL_UP : WHEEL_DOWN, false};
    else if (which < RELEASED && buttons[which])
        *to = (mouse_event){row - 1, col - 1, buttons[which], drag};
    else
        return false;
    return row > 0 && col > 0;
}

/* "<BUTTON;COL;ROW" and 'M'; 'm' is a button let go. */
static bool reported_sgr(const char *text, int final, mouse_event *to) {
    int button, col, row;
    if (final != 'M' || sscanf(text, "<%d;%d;%d", &button, &col, &row) != 3) return false;
    return button >= 0 && reported(button, col, row, to);
}

static bool reported_x10(mouse_event *to) {
    wint_t code[3];
    for (int i = 0; i < 3; i++)
        if (get_wch(&code[i]) != OK || code[i] < X10_OFFSET) return false;
    return reported((int)code[0] - X10_OFFSET, (int)code[1] - X10_OFFSET, (int)code[2] - X10_OFFSET, to);
}

/* After "ESC [" or "ESC O": to its end, so that its letters are not taken for keys. What the mouse did
 * counts. */
static int read_sequence(wint_t introducer, mouse_state *mouse) {
    char text[SEQUENCE_MAX + 1] = "";
    wint_t code = 0;
    for (int i = 0; i < SEQUENCE_MAX; i++) {
        if (get_wch(&code) == ERR) return K_NONE;
        if (code >= '@' && code <= '~') break; /* the final byte, ECMA-48 section 5.4 */
        text[i] = (char)code;
    }
    mouse_event event;
    bool any = introducer == '[' &&
               (text[0] ? reported_sgr(text, (int)code, &event) : code == 'M' && reported_x10(&event));
    if (!any) return K_NONE;
    mouse->now = event;
    return K_MOUSE;
}

/* After an Escape. False: it was the key. */
static bool sequence_follows(mouse_state *mouse, int *key) {
    wint_t code;
    int kind = get_wch(&code);
    if (kind == ERR) return false;
    if (kind == KEY_CODE_YES || (code != '[' && code != 'O')) {
        if (kind == KEY_CODE_YES)
            ungetch((int)code);
        else
            unget_wch((wchar_t)code);
        return false;
    }
    *key = read_sequence(code, mouse);
    return true;
}

int term_read_key(mouse_state *mouse) {
    if (mouse->count) return next_mouse(mouse);
    for (;;) { /* a key nobody knows is passed over */
        wint_t code = 0;
        int kind = get_wch(&code);
        if (kind == ERR) return K_NONE;
        int key = kind == KEY_CODE_YES ? translate(code, mouse) : (int)code;
        if (kind != KEY_CODE_YES && key == K_ESC && sequence_follows(mouse, &key) && key == K_NONE) continue;
        if (key == '\n') key = K_ENTER;
        if (key == '\b') key = K_BACKSPACE;
        if (key != K_NONE) return key;
    }
}
