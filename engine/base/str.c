/*
 * str.c - see str.h.
 */
#include "engine/base/str.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

void str_append_n(str *s, const char *bytes, size_t count) {
    if (s->length + count >= STR_MAX) {
        s->cut = true;
        count = s->length + 1 < STR_MAX ? STR_MAX - s->length - 1 : 0;
    }
    s->data = vec_reserve(s->data, &s->capacity, s->length + count + 1, 1);
    memcpy(s->data + s->length, bytes, count);
    s->length += count;
    s->data[s->length] = '\0';
}

void str_append(str *s, const char *text) {
    str_append_n(s, text, strlen(text));
}

void str_vappendf(str *s, const char *format, va_list args) {
    char *text = xvasprintf(format, args);
    str_append(s, text);
    free(text);
}

void str_appendf(str *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str_vappendf(s, format, args);
    va_end(args);
}

void str_reset(str *s) {
    s->length = 0;
    s->cut = false;
    if (s->data) s->data[0] = '\0';
}

void str_clear(str *s) {
    free(s->data);
    *s = (str){0};
}

char *str_take(str *s) {
    char *text = s->data ? s->data : xstrdup("");
    *s = (str){0};
    return text;
}

const char *str_text(const str *s) {
    return s->data ? s->data : "";
}

enum { DISTANCE_MAX = 64 };

int text_distance(const char *a, const char *b) {
    size_t na = strlen(a), nb = strlen(b);
    if (na > DISTANCE_MAX || nb > DISTANCE_MAX) return DISTANCE_MAX;
    int row[3][DISTANCE_MAX + 1];
    for (size_t j = 0; j <= nb; j++)
        row[0][j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int *now = row[i % 3], *before = row[(i + 2) % 3], *two_before = row[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int best = before[j - 1] + (a[i - 1] != b[j - 1]);
            if (before[j] + 1 < best) best = before[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && two_before[j - 2] + 1 < best) best = two_before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[na % 3][nb];
}

const char *text_nearest(const char *word, const char *const *names, size_t count) {
    const char *nearest = NULL;
    int limit = (int)(strlen(word) + 2) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        int distance = text_distance(word, names[i]);
        if (distance >= limit) continue;
        limit = distance;
        nearest = names[i];
    }
    return nearest;
}

/* Match one character against the set after '['; *END is left after the ']'. A set that never closes matches
 * '['. */
static bool glob_set(const char *pattern, char c, const char **end) {
    const char *p = pattern + 1;
    bool negate = *p == '!' || *p == '^', hit = false;
    if (negate) p++;
    for (bool first = true; *p && (first || *p != ']'); first = false) {
        char low = *p++, high = low;
        if (p[0] == '-' && p[1] && p[1] != ']') {
            high = p[1];
            p += 2;
        }
        if (c >= low && c <= high) hit = true;
    }
    if (!*p) {
        *end = pattern + 1;
        return c == '[';
    }
    *end = p + 1;
    return hit != negate;
}

bool text_glob(const char *pattern, const char *text) {
    const char *star = NULL, *retry = NULL;
    while (*text) {
        const char *after = pattern + 1;
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
            continue;
        }
        bool match = *pattern == '[' ? glob_set(pattern, *text, &after)
                                     : *pattern && (*pattern == '?' || *pattern == *text);
        if (match) {
            pattern = after;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

size_t text_utf8_length(const char *bytes) {
    const unsigned char *text = (const unsigned char *)bytes;
    size_t length = text[0] < 0x80                      ? 1
                    : text[0] >= 0xC2 && text[0] < 0xE0 ? 2
                    : (text[0] & 0xF0) == 0xE0          ? 3
                    : text[0] >= 0xF0 && text[0] < 0xF5 ? 4
                                                        : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    if (length == 3 && text[0] == 0xE0 && text[1] < 0xA0) return 0;
    if (length == 3 && text[0] == 0xED && text[1] >= 0xA0) return 0;
    if (length == 4 && text[0] == 0xF0 && text[1] < 0x90) return 0;
    if (length == 4 && text[0] == 0xF4 && text[1] >= 0x90) return 0;
    return length;
}

char *text_utf8(const char *text) {
    static const char replacement[] = "\xEF\xBF\xBD";
    str out = {0};
    while (*text) {
        size_t length = text_utf8_length(text);
        str_append_n(&out, length ? text : replacement, length ? length : sizeof replacement - 1);
        text += length ? length : 1;
    }
    return str_take(&out);
}

char *text_escape(const char *text) {
    str out = {0};
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t length = text_utf8_length((const char *)p);
        bool c1_control = length == 2 && p[0] == 0xC2 && p[1] < 0xA0;
        if (*p == '\n') {
            str_append(&out, "\\n");
        } else if (*p == '\t') {
            str_append(&out, "\\t");
        } else if (length && *p >= 0x20 && *p != 0x7F && !c1_control) {
            str_append_n(&out, (const char *)p, length);
            p += length;
            continue;
        } else {
            str_appendf(&out, "\\x%02x", *p);
        }
        p++;
    }
    return str_take(&out);
}

const char *text_count(double value, char buffer[NUMBER_TEXT_MAX]) {
    static const char unit[] = {' ', 'k', 'M', 'G', 'T', 'P'};
    int step = 1;
    double magnitude = fabs(value);
    if (magnitude < 1000) {
        snprintf(buffer, NUMBER_TEXT_MAX, "%.0f", value);
        return buffer;
    }
    /* A count of parameters reads best in millions from 100k to a billion: 0.27M, not 270k; 138M, not 0.14G.
     */
    if (magnitude >= 1e5) step++;
    for (double edge = 1e9; magnitude >= edge && step < 5; edge *= 1e3)
        step++;
    double scaled = value / pow(1000, step);
    int decimals = fabs(scaled) < 1 ? 2 : fabs(scaled) < 100 ? 1 : 0;
    snprintf(buffer, NUMBER_TEXT_MAX, "%.*f%c", decimals, scaled, unit[step]);
    return buffer;
}

const char *text_bytes(double bytes, char buffer[NUMBER_TEXT_MAX]) {
    static const char *const unit[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    int step = 0;
    while (fabs(bytes) >= 1024 && step < 5) {
        bytes /= 1024;
        step++;
    }
    snprintf(buffer, NUMBER_TEXT_MAX, "%.*f %s", step && fabs(bytes) < 100 ? 1 : 0, bytes, unit[step]);
    return buffer;
}

const char *text_duration(double seconds, char buffer[NUMBER_TEXT_MAX]) {
    bool whole = seconds >= 1;
    double value = whole ? seconds : seconds * 1e3;
    snprintf(buffer, NUMBER_TEXT_MAX, "%.*f %s", value < 100 ? 1 : 0, value, whole ? "s" : "ms");
    return buffer;
}

const char *text_seconds(double seconds, char buffer[NUMBER_TEXT_MAX]) {
    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(buffer, NUMBER_TEXT_MAX, "-:--");
        return buffer;
    }
    long total = lround(seconds);
    if (total >= 3600)
        snprintf(buffer, NUMBER_TEXT_MAX, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
    else
        snprintf(buffer, NUMBER_TEXT_MAX, "%ld:%02ld", total / 60, total % 60);
    return buffer;
}
