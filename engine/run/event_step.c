/*
 * event_step.c - see event_step.h.
 *
 * A decimal number of at most 19 digits is an integer of 64 bits over or times a power of ten, both exact in
 * the 64-bit mantissa of x87's long double up to 10^27. One operation rounds to 64 bits, and rounding that to
 * 53 gives the nearest double, unless it lies exactly half-way between two: only there may the first rounding
 * have decided. Those, and numbers of other sizes, are left to strtod (compare Clinger 1990, section 2).
 */
#include "engine/run/event_step.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/run/event_fields.h"

enum { DIGITS_MAX = 19, POWER_MAX = 27, NUMBER_MAX = 64 };

/* ---- numbers ---- */

#if LDBL_MANT_DIG == 64
static const long double power_of_ten[POWER_MAX + 1] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
    1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};

static bool nearest(uint64_t digits, int power, double *out) {
    if (power < -POWER_MAX || power > POWER_MAX) return false;
    if (power == 0 && digits < UINT64_C(1) << 53) {
        *out = (double)digits;
        return true;
    }
    long double wide = (long double)digits;
    wide = power < 0 ? wide / power_of_ten[-power] : wide * power_of_ten[power];
    uint64_t mantissa;
    memcpy(&mantissa, &wide, sizeof mantissa);
    if ((mantissa & 0x7FF) == 0x400) return false; /* half-way */
    *out = (double)wide;
    return true;
}
#else
static bool nearest(uint64_t digits, int power, double *out) {
    *out = (double)digits;
    return power == 0 && digits < UINT64_C(1) << 53;
}
#endif

static bool by_strtod(const char *from, const char *to, double *out) {
    char text[NUMBER_MAX];
    size_t length = (size_t)(to - from);
    if (length >= sizeof text) return false;
    memcpy(text, from, length);
    text[length] = '\0';
    char *end;
    *out = strtod(text, &end);
    return end == text + length;
}

static bool is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

/* Are these eight bytes digits? Then *VALUE is their number: neighbours are joined to pairs, pairs to fours,
 * all at once in one word (little-endian). */
static bool eight_digits(const char *p, uint64_t *value) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t v;
    memcpy(&v, p, sizeof v);
    const uint64_t high = UINT64_C(0xF0F0F0F0F0F0F0F0), six = UINT64_C(0x0606060606060606);
    if (((v & high) | ((v + six) & high) >> 4) != UINT64_C(0x3333333333333333)) return false;
    v = (v & UINT64_C(0x0F0F0F0F0F0F0F0F)) * (10 * 256 + 1) >> 8;
    v = (v & UINT64_C(0x00FF00FF00FF00FF)) * (100 * 65536 + 1) >> 16;
    *value = (v & UINT64_C(0x0000FFFF0000FFFF)) * ((UINT64_C(10000) << 32) + 1) >> 32;
    return true;
#else
    (void)p;
    (void)value;
    return false;
#endif
}

/* Digits from P on into *DIGITS, *COUNT of which matter so far; where they end. */
static const char *take_digits(const char *p, const char *end, uint64_t *digits, int *count) {
    uint64_t eight;
    while (*count == 0 && p < end && *p == '0')
        p++;
    for (; *count + 8 <= DIGITS_MAX && end - p >= 8 && eight_digits(p, &eight); p += 8, *count += 8)
        *digits = *digits * 100000000 + eight;
    for (; is_digit(p, end); p++)
        if (++*count <= DIGITS_MAX) *digits = *digits * 10 + (uint64_t)(*p - '0');
    return p;
}

bool event_read_number(const char **at, const char *end, double *out) {
    const char *p = *at, *from = p;
    bool minus = p < end && *p == '-';
    p += minus;
    if (!is_digit(p, end) || (*p == '0' && is_digit(p + 1, end))) return false;
    uint64_t digits = 0;
    int count = 0, power = 0, shift = 0;
    p = take_digits(p, end, &digits, &count);
    if (p < end && *p == '.') {
        const char *point = ++p;
        p = take_digits(p, end, &digits, &count);
        if (p == point) return false;
        power = -(int)(p - point);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        bool down = ++p < end && *p == '-';
        p += p < end && (*p == '-' || *p == '+');
        if (!is_digit(p, end)) return false;
        for (; is_digit(p, end); p++)
            if (shift < 1000) shift = shift * 10 + (*p - '0');
        power += down ? -shift : shift;
    }
    if (p - from >= NUMBER_MAX) return false;
    if (count > DIGITS_MAX || !nearest(digits, power, out)) {
        if (!by_strtod(from, p, out)) return false;
    } else if (minus) {
        *out = -*out;
    }
    *at = p;
    return true;
}

/* ---- the line ---- */

static bool take(const char **at, const char *end, const char *text, size_t length) {
    if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0) return false;
    *at += length;
    return true;
}

static bool take_key(const char **at, const char *end, const char *key) {
    return take(at, end, ",\"", 2) && take(at, end, key, strlen(key)) && take(at, end, "\":", 2);
}

static bool read_whole(const char **at, const char *end, double limit, int64_t *out) {
    double number;
    return event_read_number(at, end, &number) && event_whole(number, limit, out);
}

static bool read_field(const char **at, const char *end, const event_field *f, thaw_event *out) {
    int64_t whole;
    bool null = take(at, end, "null", 4);
    switch (f->type) {
    case EVENT_NUMBER:
        *EVENT_MEMBER(double, out, f->offset) = (double)NAN;
        return null || event_read_number(at, end, EVENT_MEMBER(double, out, f->offset));
    case EVENT_EPOCH:
        *EVENT_MEMBER(int, out, f->offset) = -1;
        if (null) return true;
        /* fall through */
    case EVENT_INT:
        if (null || !read_whole(at, end, INT32_MAX, &whole)) return false;
        *EVENT_MEMBER(int, out, f->offset) = (int)whole;
        return true;
    case EVENT_INT64:
        return !null && read_whole(at, end, JSON_WHOLE_MAX, EVENT_MEMBER(int64_t, out, f->offset));
    default:
        return false;
    }
}

bool event_read_step(const char *line, size_t length, thaw_event *out) {
    static const char head[] = "{\"v\":1,\"event\":\"step\",\"time\":";
    static const event_field step = {THAW_EVENT_STEP, "step", EVENT_INT64, offsetof(thaw_event, steps), 0};
    _Static_assert(THAW_EVENT_VERSION == 1, "the head names the version");
    const char *at = line, *end = line + length;
    if (!take(&at, end, head, sizeof head - 1)) return false;
    memset(out, 0, sizeof *out);
    out->kind = THAW_EVENT_STEP;
    if (take(&at, end, "null", 4))
        out->time = (double)NAN;
    else if (!event_read_number(&at, end, &out->time))
        return false;
    if (!take_key(&at, end, step.key) || !read_field(&at, end, &step, out)) return false;
    size_t count;
    const event_field *f = event_fields(THAW_EVENT_STEP, &count);
    for (size_t i = 0; i < count; i++)
        if (!take_key(&at, end, f[i].key) || !read_field(&at, end, &f[i], out)) return false;
    return take(&at, end, "}", 1) && at == end;
}
