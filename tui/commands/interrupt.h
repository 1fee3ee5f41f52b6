/*
 * interrupt.h - Ctrl-C and its kin during long headless work.
 *
 * The first interrupt is a wish that the work winds up, the second a demand, the third ends the process on
 * the spot. Nothing is damaged even then: every file thaw writes gets its name only when it is complete.
 */
#ifndef TUI_COMMANDS_INTERRUPT_H
#define TUI_COMMANDS_INTERRUPT_H

#include <stdbool.h>

/* Take SIGINT, SIGTERM and SIGHUP over, unless whoever started us has them ignored. They then arrive only
 * inside interrupt_wait. Call before threads start. */
void interrupt_watch(void);
/* For work that does not wait: let the signals in anywhere. */
void interrupt_allow(void);
int interrupt_count(void);

/* Wait until FD is readable, TIMEOUT seconds have passed or an interrupt came. */
void interrupt_wait(int fd, double timeout);

#endif
