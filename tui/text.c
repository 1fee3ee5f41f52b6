/*
 * text.c - see text.h. Widths come from the C library's wcwidth, so the locale must be a UTF-8 one for more
 * than ASCII (term.c sees to it).
 */
#include "tui/text.h"

#include <string.h>
#include <wchar.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"

enum { REPLACEMENT = 0xfffd, POINT_MAX = 0x10ffff };

static bool is_continuation(unsigned char byte) {
    return (byte & 0xc0) == 0x80;
}

uint32_t text_decode(const char **text) {
    const unsigned char *s = (const unsigned char *)*text;
    if (!s[0]) return 0;
    int more = s[0] < 0x80             ? 0
               : (s[0] & 0xe0) == 0xc0 ? 1
               : (s[0] & 0xf0) == 0xe0 ? 2
               : (s[0] & 0xf8) == 0xf0 ? 3
                                       : -1;
    static const unsigned char lead_mask[] = {0x7f, 0x1f, 0x0f, 0x07};
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t point = more < 0 ? REPLACEMENT : s[0] & lead_mask[more];
    for (int i = 1; i <= more; i++) {
        if (!is_continuation(s[i])) {
            more = -1;
            break;
        }
        point = point << 6 | (s[i] & 0x3f);
    }
    if (more < 0 || point < least[more] || point > POINT_MAX || (point >= 0xd800 && point <= 0xdfff)) {
        *text += 1;
        return REPLACEMENT;
    }
    *text += more + 1;
    return point;
}

int text_encode(uint32_t point, char buffer[5]) {
    if (point > POINT_MAX || (point >= 0xd800 && point <= 0xdfff)) point = REPLACEMENT;
    int length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (int i = length - 1; i > 0; i--) {
        buffer[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    buffer[0] = (char)(lead[length] | point);
    buffer[length] = '\0';
    return length;
}

int text_point_columns(uint32_t point) {
    if (point >= 0x20 && point < 0x7f) return 1;
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return -1;
    /* Directions and invisible separators would rearrange what stands around them. */
    if ((point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
        (point >= 0x2060 && point <= 0x206f) || point == 0xfeff)
        return -1;
    int columns = wcwidth((wchar_t)point);
    return columns < 0 ? 1 : columns; /* unknown to the library (no UTF-8 locale, or newer than it): one */
}

static int shown_columns(uint32_t point) {
    int columns = text_point_columns(point);
    return columns < 0 ? 1 : columns;
}

int text_columns(const char *text) {
    int columns = 0;
    for (uint32_t point; (point = text_decode(&text));)
        columns += shown_columns(point);
    return columns;
}

size_t text_fit(const char *text, int columns, int *used) {
    const char *at = text, *end = text;
    int taken = 0;
    for (uint32_t point; (point = text_decode(&at)); end = at) {
        int more = shown_columns(point);
        if (taken + more > columns) break;
        taken += more;
    }
    if (used) *used = taken;
    return (size_t)(end - text);
}

char *text_clip(const char *text, int columns, bool ascii) {
    if (columns <= 0) return xstrdup("");
    if (text_columns(text) <= columns) return xstrdup(text);
    size_t bytes = text_fit(text, columns - 1, NULL);
    return xasprintf("%.*s%s", (int)bytes, text, ascii ? "~" : "…");
}

char *text_clip_left(const char *text, int columns, bool ascii) {
    if (columns <= 0) return xstrdup("");
    int over = text_columns(text) - columns;
    if (over <= 0) return xstrdup(text);
    const char *at = text;
    for (int dropped = 0; dropped < over + 1;) {
        uint32_t point = text_decode(&at);
        if (!point) break;
        dropped += shown_columns(point);
    }
    while (*at) { /* no mark may lose the character it sits on */
        const char *next = at;
        if (shown_columns(text_decode(&next)) > 0) break;
        at = next;
    }
    return xasprintf("%s%s", ascii ? "~" : "…", at);
}

size_t text_next(const char *text, size_t at) {
    const char *p = text + at;
    if (!text_decode(&p)) return at;
    for (const char *next = p; *next; p = next)
        if (shown_columns(text_decode(&next)) != 0) break;
    return (size_t)(p - text);
}

size_t text_previous(const char *text, size_t at) {
    size_t before = 0;
    for (size_t i = 0; i < at;) {
        before = i;
        i = text_next(text, i);
        if (i <= before) break;
    }
    return before;
}

/* What stands for a character where only ASCII can be shown. */
typedef struct ascii_range {
    uint32_t first, last;
    char as;
} ascii_range;

static const ascii_range ascii_ranges[] = {
    {0xa0, 0xa0, ' '},     {0xb5, 0xb5, 'u'},     {0xb7, 0xb7, '-'},     {0xd7, 0xd7, 'x'},
    {0x0394, 0x0394, 'd'}, {0x03c3, 0x03c3, 's'}, {0x2010, 0x2015, '-'}, {0x2018, 0x2019, '\''},
    {0x201c, 0x201d, '"'}, {0x2022, 0x2022, '*'}, {0x2026, 0x2026, '~'}, {0x2190, 0x2190, '<'},
    {0x2191, 0x2191, '^'}, {0x2192, 0x2192, '>'}, {0x2193, 0x2193, 'v'}, {0x2248, 0x2248, '~'},
    {0x2500, 0x2501, '-'}, {0x2502, 0x2503, '|'}, {0x2504, 0x2505, '-'}, {0x2506, 0x2507, ':'},
    {0x2508, 0x2509, '.'}, {0x250a, 0x250b, ':'}, {0x250c, 0x254b, '+'}, {0x254c, 0x254d, '-'},
    {0x254e, 0x254f, ':'}, {0x2550, 0x2550, '='}, {0x2551, 0x2551, '|'}, {0x256d, 0x2570, '+'},
    {0x2574, 0x2574, '-'}, {0x2576, 0x2576, '-'}, {0x2581, 0x2582, '.'}, {0x2583, 0x2585, ':'},
    {0x2586, 0x2588, '#'}, {0x2589, 0x258b, '#'}, {0x258c, 0x258f, '='}, {0x2590, 0x2590, '#'},
    {0x2591, 0x2592, '.'}, {0x2593, 0x2593, '#'}, {0x25a0, 0x25a0, '#'}, {0x25a1, 0x25a1, ' '},
    {0x25b2, 0x25b4, '^'}, {0x25b6, 0x25b8, '>'}, {0x25bc, 0x25be, 'v'}, {0x25c6, 0x25c7, '+'},
    {0x25c0, 0x25c2, '<'}, {0x25c8, 0x25c8, '%'}, {0x25cb, 0x25cb, 'o'}, {0x25cc, 0x25cc, '%'},
    {0x25cf, 0x25cf, '*'}, {0x25d0, 0x25d3, '~'}, {0x2605, 0x2606, '*'}, {0x263c, 0x263c, 'T'},
    {0x2713, 0x2714, '+'}, {0x2715, 0x2718, 'x'}, {0x2744, 0x2744, '#'},
};

char text_ascii(uint32_t point) {
    if (point < 0x80) return (char)point;
    for (size_t i = 0; i < sizeof ascii_ranges / sizeof *ascii_ranges; i++)
        if (point >= ascii_ranges[i].first && point <= ascii_ranges[i].last) return ascii_ranges[i].as;
    return '?';
}

bool text_in_box(uint32_t point) {
    static const uint32_t known[] = {0x2022, 0x2026, 0x2190, 0x2191, 0x2192, 0x2193, 0x2500, 0x2502, 0x250c,
                                     0x2510, 0x2514, 0x2518, 0x251c, 0x2524, 0x252c, 0x2534, 0x253c, 0x2580,
                                     0x2584, 0x2588, 0x258c, 0x2590, 0x2591, 0x2592, 0x2593, 0x25a0};
    if (point < 0x2000) return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i] == point) return true;
    return false;
}
