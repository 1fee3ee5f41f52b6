/*
 * str.h - a growing string with a ceiling, and the few text helpers everything needs.
 */
#ifndef ENGINE_BASE_STR_H
#define ENGINE_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* A growing string. Zero-initialise, append, then str_clear or str_take. data is always NUL-terminated once
 * used. */
typedef struct str {
    char *data;
    size_t length, capacity;
    bool cut; /* something did not fit under STR_MAX */
} str;

enum { STR_MAX = 1 << 28 };

void str_append(str *s, const char *text);
void str_append_n(str *s, const char *bytes, size_t count);
void str_appendf(str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_vappendf(str *s, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void str_reset(str *s); /* empty, keeps the memory */
void str_clear(str *s); /* frees */
char *str_take(str *s); /* the text, owned by the caller ("" when nothing was appended); s is empty after */
const char *str_text(const str *s); /* never NULL */

/* Edit distance with adjacent transpositions, for "did you mean". Texts over 64 characters compare as far
 * apart. */
int text_distance(const char *a, const char *b);

/* The entry of NAMES (COUNT of them) nearest to WORD, or NULL when none is near enough to be a typo of it. */
const char *text_nearest(const char *word, const char *const *names, size_t count);

/* Shell-style match of the whole of TEXT: '*' any run, '?' one character, '[a-z]' a set. '.' is not special.
 */
bool text_glob(const char *pattern, const char *text);

/* Bytes of the valid UTF-8 sequence that TEXT (not empty) starts with, 0 when it starts with none. */
size_t text_utf8_length(const char *text);

/* A copy of TEXT as valid UTF-8: every other byte becomes U+FFFD, as when JSON is written. Owned by caller.
 */
char *text_utf8(const char *text);

/* A copy of TEXT safe to print on one line: control characters as \n, \t, \xNN; invalid UTF-8 as \xNN. Owned
 * by caller. */
char *text_escape(const char *text);

/* "1 234 567", "11.7M", "44.7 MB" into a caller's buffer; return it. */
enum { NUMBER_TEXT_MAX = 32 };
const char *text_count(double value, char buffer[NUMBER_TEXT_MAX]); /* 0.27M, 11.7M, 1.8G, 512 */
const char *text_bytes(double bytes, char buffer[NUMBER_TEXT_MAX]); /* 44.7 MB (powers of 1024) */
/* "9.1 ms", "668 ms", "12.3 s" */
const char *text_duration(double seconds, char buffer[NUMBER_TEXT_MAX]);
const char *text_seconds(double seconds, char buffer[NUMBER_TEXT_MAX]); /* 0:07, 12:40, 3:02:11 */

#endif
