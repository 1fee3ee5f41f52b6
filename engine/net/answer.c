/*
 * answer.c - see answer.h; RFC 9110, sections 8.6 to 8.8 and 14.4.
 */
#include "engine/net/answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 1024, STATUS_LEAST = 100, STATUS_MOST = 599 };

/* The whole number at *TEXT, which is moved behind it; -1 when there is none, or one that does not fit. */
static int64_t number_at(const char **text) {
    if (**text < '0' || **text > '9') return -1;
    char *end;
    errno = 0;
    long long value = strtoll(*text, &end, 10);
    *text = end;
    return errno ? -1 : value;
}

static void take_status(answer *a, const char *line) {
    const char *blank = strchr(line, ' ');
    *a = (answer){.length = -1, .first = -1, .whole = -1};
    if (!blank) return;
    blank += strspn(blank, " ");
    int64_t status = number_at(&blank);
    if (status >= STATUS_LEAST && status <= STATUS_MOST) a->status = (int)status;
}

/* "bytes 100-199/200", "bytes 100-199/" followed by a star, or for 416 "bytes", a star, "/200". */
static void take_range(answer *a, const char *value) {
    if (strncasecmp(value, "bytes", 5) != 0) return;
    value += 5;
    value += strspn(value, " =");
    int64_t first = number_at(&value), last = -1;
    if (first >= 0 && *value == '-') {
        value++;
        last = number_at(&value);
    } else if (*value == '*') {
        value++;
    }
    int64_t whole = -1;
    if (*value == '/') {
        value++;
        whole = number_at(&value);
    }
    if (last >= first && first >= 0) a->first = first;
    if (whole < 0 || whole > last) a->whole = whole;
}

/* A weak ETag ("W/...") promises nothing about single bytes. A date is second best. */
static void take_validator(answer *a, const char *value, bool date) {
    bool have_tag = a->validator[0] == '"';
    if (strlen(value) >= VALIDATOR_MAX || (date ? have_tag || !value[0] : value[0] != '"')) return;
    memcpy(a->validator, value, strlen(value) + 1);
}

void answer_line(answer *a, const char *line, size_t length) {
    char text[LINE_MAX_BYTES];
    while (length && strchr("\r\n \t", line[length - 1]))
        length--;
    if (!length || length >= sizeof text) return;
    memcpy(text, line, length);
    text[length] = '\0';
    if (!strncasecmp(text, "HTTP/", 5)) {
        take_status(a, text);
        return;
    }
    char *value = strchr(text, ':');
    if (!value) return;
    *value++ = '\0';
    value += strspn(value, " \t");
    const char *number = value;
    if (!strcasecmp(text, "Content-Length")) a->length = number_at(&number);
    if (!strcasecmp(text, "Content-Range")) take_range(a, value);
    if (!strcasecmp(text, "ETag")) take_validator(a, value, false);
    if (!strcasecmp(text, "Last-Modified")) take_validator(a, value, true);
}

int64_t answer_total(const answer *a) {
    if (a->whole >= 0) return a->whole;
    return a->status == 200 ? a->length : -1;
}
