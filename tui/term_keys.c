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

int term_read_key(mouse_state *mouse) {
    for (;;) { /* a key nobody knows is passed over */
        wint_t code = 0;
        int kind = get_wch(&code);
        if (kind == ERR) return K_NONE;
        int key = kind == KEY_CODE_YES ? translate(code, mouse) : (int)code;
        if (key == '\n') key = K_ENTER;
        if (key == '\b') key = K_BACKSPACE;
        if (key != K_NONE) return key;
    }
}
