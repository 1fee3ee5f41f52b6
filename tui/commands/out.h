/*
 * out.h - standard output of the headless commands.
 *
 * Written through a buffer of our own onto a private copy of descriptor 1, while descriptor 1 itself is
 * pointed at standard error: what libraries print cannot get into a JSON document. A failed write (full disk,
 * closed pipe) is remembered and becomes the exit code.
 */
#ifndef TUI_COMMANDS_OUT_H
#define TUI_COMMANDS_OUT_H

#include <stdbool.h>

enum { OUT_COLUMNS = 78 };

void out_open(void); /* once, before anything else opens files */
/* Give descriptor 1 back to whoever writes to the terminal itself: the workbench. */
void out_release(void);
bool out_terminal(void); /* standard output is a terminal */
int out_width(void);     /* its columns; 0 when it is none */

void out_text(const char *text);
void out_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
void out_line(const char *text); /* with a newline, and handed to the system at once */
/* TEXT wrapped to OUT_COLUMNS, each line after INDENT blanks; '\n' ends a line as well. */
void out_wrapped(const char *text, int indent);
bool out_flush(void);  /* false when a write has failed */
bool out_broken(void); /* the reader went away, or the disk is full: no need to go on */

/* Flush; CODE, or EXIT_FAILED with a message when something could not be written. */
int out_close(int code);

#endif
