/*
 * text.h - text in columns of a terminal.
 *
 * Bytes are not characters and characters are not columns: a class may be named in Chinese (two columns each)
 * or with combining accents (none). Everything that cuts or pads text for the screen goes through here.
 */
#ifndef TUI_TEXT_H
#define TUI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point at *TEXT, which is moved past it; 0 at the end, U+FFFD (one byte consumed) for bytes that
 * are no UTF-8. */
uint32_t text_decode(const char **text);
/* UTF-8 of POINT into BUFFER with a NUL after it; bytes written without the NUL. */
int text_encode(uint32_t point, char buffer[5]);

/* Columns of a code point: 0 combining, 1, or 2; -1 for what must not reach a terminal (control characters).
 */
int text_point_columns(uint32_t point);
/* Columns of TEXT; characters that must not reach a terminal count as one. */
int text_columns(const char *text);
/* Bytes of the longest beginning of TEXT that fits in COLUMNS; *USED (may be NULL) says how many it takes. */
size_t text_fit(const char *text, int columns, int *used);
/* A copy of TEXT that takes at most COLUMNS, its end replaced by "…" when it had to be cut ("~" when ASCII).
 * Owned by the caller. */
char *text_clip(const char *text, int columns, bool ascii);
/* The same, but what is cut is the beginning: for paths. */
char *text_clip_left(const char *text, int columns, bool ascii);

/* Bytes from offset AT to the next or previous character with its combining marks. */
size_t text_next(const char *text, size_t at);
size_t text_previous(const char *text, size_t at);

/* The nearest single ASCII character to a code point: '-' for a line, '*' for a dot, '?' when there is none.
 */
char text_ascii(uint32_t point);
/* A letter, or one of the lines and blocks that the fonts of text consoles have. */
bool text_in_box(uint32_t point);

#endif
