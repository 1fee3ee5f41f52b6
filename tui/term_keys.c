/*
 * term_keys.c - see term_keys.h.
 */
#include "tui/term_keys.h"

#include <curses.h>

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

static int read_mouse(mouse_state *mouse) {
    MEVENT event;
    if (getmouse(&event) != OK) return K_NONE;
    mouse->row = event.y;
    mouse->col = event.x;
    mouse->drag = false;
    if (event.bstate & BUTTON1_RELEASED) {
        mouse->down = false;
        return K_NONE;
    }
    if (event.bstate & BUTTON1_PRESSED) {
        mouse->button = BUTTON_LEFT;
        mouse->down = true;
    } else if (event.bstate & BUTTON3_PRESSED) {
        mouse->button = BUTTON_RIGHT;
    } else if (event.bstate & BUTTON4_PRESSED) {
        mouse->button = WHEEL_UP;
    } else if (event.bstate & BUTTON5_PRESSED) {
        mouse->button = WHEEL_DOWN;
    } else if ((event.bstate & REPORT_MOUSE_POSITION) && mouse->down) {
        mouse->drag = true;
    } else {
        return K_NONE;
    }
    return K_MOUSE;
}

static int translate(wint_t code, mouse_state *mouse) {
    if (code == KEY_MOUSE) return read_mouse(mouse);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if ((wint_t)pairs[i].curses == code) return pairs[i].ours;
    return K_NONE;
}

/* After an Escape: drop the rest of a sequence that ncurses does not know, so that its letters are not taken
 * for keys. True: there was one. */
static bool swallow_sequence(void) {
    enum { SEQUENCE_MAX = 32 };
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
    bool ended = false;
    for (int i = 0; i < SEQUENCE_MAX && !ended; i++) {
        kind = get_wch(&code);
        ended = kind == ERR || (code >= '@' && code <= '~'); /* the final byte, ECMA-48 section 5.4 */
    }
    return true;
}

int term_read_key(mouse_state *mouse) {
    for (;;) { /* a key nobody knows is passed over */
        wint_t code = 0;
        int kind = get_wch(&code);
        if (kind == ERR) return K_NONE;
        int key = kind == KEY_CODE_YES ? translate(code, mouse) : (int)code;
        if (kind != KEY_CODE_YES && key == K_ESC && swallow_sequence()) continue;
        if (key == '\n') key = K_ENTER;
        if (key == '\b') key = K_BACKSPACE;
        if (key != K_NONE) return key;
    }
}
