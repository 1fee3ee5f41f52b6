/*
 * term_keys.h - what ncurses calls keys, in our numbers.
 */
#ifndef TUI_TERM_KEYS_H
#define TUI_TERM_KEYS_H

#include <stdbool.h>

typedef struct mouse_event {
    int row, col, button;
    bool drag;
} mouse_event;

enum { MOUSE_EVENTS_MAX = 32 };

typedef struct mouse_state {
    mouse_event now;                     /* of the last K_MOUSE */
    mouse_event later[MOUSE_EVENTS_MAX]; /* reported together with it, the next one last */
    int count;
} mouse_state;

/* Teach ncurses what terminals send that are not the one TERM names (a multiplexer's Home, an rxvt's End). */
void term_define_keys(void);

/* The next key of the open ncurses screen, or K_NONE when there is none. */
int term_read_key(mouse_state *mouse);

#endif
