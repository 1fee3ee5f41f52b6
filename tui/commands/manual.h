/*
 * manual.h - the manual page, written from the tables of commands, options and actions.
 */
#ifndef TUI_COMMANDS_MANUAL_H
#define TUI_COMMANDS_MANUAL_H

/* Print docs/thaw.1 as roff (`thaw help --man`). */
void manual_print(void);

#endif
