/*
 * term_kind.h - what kind of terminal it is: what its environment and its description say. For term.c.
 */
#ifndef TUI_TERM_KIND_H
#define TUI_TERM_KIND_H

#include "tui/term.h"

/* Takes the locale up. UTF-8 when it says so; also when nothing at all was said, as in most containers and
 * bare SSH logins. */
term_glyphs term_choose_glyphs(bool ascii);

/* These ask ncurses, which has the screen by then. */
const char *term_capability(const char *name); /* a text of its description; "": it has none by that NAME */
theme_depth term_colour_depth(void);           /* starts colours where there are any */
/* It says it takes 24 bits: in the environment, as most do, or in its description. */
bool term_takes_truecolour(theme_depth depth);

#endif
