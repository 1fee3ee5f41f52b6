/*
 * event_number.c - see event_number.h.
 *
 * At most 19 digits are an integer W of 64 bits, and the number is W times a power of ten: of five, that is,
 * and of two. A power of five is kept as its first 128 bits. W times the upper half of them gives the 53 bits
 * of the double and the one that rounds, unless what comes after is all ones, where the lower half may carry;
 * then it decides (Lemire 2021, "Number parsing at a gigabyte per second"; that the powers here always decide
 * is Mushtak and Lemire 2023). Numbers of other sizes are left to strtod.
 *
 * Where there is room to read past a number, its end is found by looking at 32 bytes at once, and the digits
 * behind the point are joined 16 at a time: no step depends on how many there are, which a processor cannot
 * guess.
 */
#include "engine/run/event_number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    DIGITS_MAX = 19,       /* that always fit into 64 bits */
    WHOLE_DIGITS_MAX = 15, /* that always fit into a double */
    NUMBER_MAX = 64,
    EIGHT = 8,
    SIXTEEN = 16
};

static const uint64_t power_of_ten[SIXTEEN + 1] = {1,   1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                                   1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};

/* ---- digits ---- */

/* A bit at the top of each byte that was no digit before '0' was taken from it; those after the first may be
 * wrong, by what it carried. */
static uint64_t others_than_digits(uint64_t chunk) {
    const uint64_t over = UINT64_C(0x7676767676767676), top = UINT64_C(0x8080808080808080);
    return ((chunk + over) | chunk) & top;
}

/* The number that eight digits are, the first in the lowest byte: neighbours are joined to pairs, pairs to
 * fours, all at once in one word. */
static uint64_t join(uint64_t digits) {
    uint64_t v = digits * (10 * 256 + 1) >> 8;
    v = (v & UINT64_C(0x00FF00FF00FF00FF)) * (100 * 65536 + 1) >> 16;
    return (v & UINT64_C(0x0000FFFF0000FFFF)) * ((UINT64_C(10000) << 32) + 1) >> 32;
}

/* Put the digits from P on behind *VALUE (which overflows after 19); where they end. Where eight follow, the
 * processor guesses so and goes on, without waiting for their count. */
static inline const char *take_digits(const char *p, const char *end, uint64_t *value) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; end - p >= EIGHT; p += EIGHT) {
        uint64_t chunk;
        memcpy(&chunk, p, sizeof chunk);
        chunk ^= UINT64_C(0x3030303030303030);
        uint64_t others = others_than_digits(chunk);
        if (others) {
            int count = __builtin_ctzll(others) / EIGHT;
            uint64_t padded = chunk << (63 - EIGHT * count) << 1; /* zeros before them */
            *value = *value * power_of_ten[count] + join(padded);
            return p + count;
        }
        *value = *value * power_of_ten[EIGHT] + join(chunk);
    }
#endif
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        *value = *value * 10 + (uint64_t)(*p - '0');
    return p;
}

const char *event_read_digits(const char *at, const char *end, int64_t *out) {
    uint64_t value = 0;
    const char *p = take_digits(at, end, &value);
    bool more = p < end && (*p == '.' || *p == 'e' || *p == 'E');
    if (p == at || more || p - at > WHOLE_DIGITS_MAX || (*at == '0' && p - at > 1)) return NULL;
    *out = (int64_t)value;
    return p;
}

/* ---- to a double ---- */

#ifdef __SIZEOF_INT128__
enum { POWER_LEAST = -27 };

/* The first 128 bits of 5^-1 to 5^-27, rounded up: 2^(127+z) / 5^n + 1 with 2^z the power of two above 5^n.
 */
static const struct {
    uint64_t high, low;
} fifth[-POWER_LEAST] = {
    {UINT64_C(0xCCCCCCCCCCCCCCCC), UINT64_C(0xCCCCCCCCCCCCCCCD)}, /* -1 */
    {UINT64_C(0xA3D70A3D70A3D70A), UINT64_C(0x3D70A3D70A3D70A4)}, /* -2 */
    {UINT64_C(0x83126E978D4FDF3B), UINT64_C(0x645A1CAC083126EA)}, /* -3 */
    {UINT64_C(0xD1B71758E219652B), UINT64_C(0xD3C36113404EA4A9)}, /* -4 */
    {UINT64_C(0xA7C5AC471B478423), UINT64_C(0x0FCF80DC33721D54)}, /* -5 */
    {UINT64_C(0x8637BD05AF6C69B5), UINT64_C(0xA63F9A49C2C1B110)}, /* -6 */
    {UINT64_C(0xD6BF94D5E57A42BC), UINT64_C(0x3D32907604691B4D)}, /* -7 */
    {UINT64_C(0xABCC77118461CEFC), UINT64_C(0xFDC20D2B36BA7C3E)}, /* -8 */
    {UINT64_C(0x89705F4136B4A597), UINT64_C(0x31680A88F8953031)}, /* -9 */
    {UINT64_C(0xDBE6FECEBDEDD5BE), UINT64_C(0xB573440E5A884D1C)}, /* -10 */
    {UINT64_C(0xAFEBFF0BCB24AAFE), UINT64_C(0xF78F69A51539D749)}, /* -11 */
    {UINT64_C(0x8CBCCC096F5088CB), UINT64_C(0xF93F87B7442E45D4)}, /* -12 */
    {UINT64_C(0xE12E13424BB40E13), UINT64_C(0x2865A5F206B06FBA)}, /* -13 */
    {UINT64_C(0xB424DC35095CD80F), UINT64_C(0x538484C19EF38C95)}, /* -14 */
    {UINT64_C(0x901D7CF73AB0ACD9), UINT64_C(0x0F9D37014BF60A11)}, /* -15 */
    {UINT64_C(0xE69594BEC44DE15B), UINT64_C(0x4C2EBE687989A9B4)}, /* -16 */
    {UINT64_C(0xB877AA3236A4B449), UINT64_C(0x09BEFEB9FAD487C3)}, /* -17 */
    {UINT64_C(0x9392EE8E921D5D07), UINT64_C(0x3AFF322E62439FD0)}, /* -18 */
    {UINT64_C(0xEC1E4A7DB69561A5), UINT64_C(0x2B31E9E3D06C32E6)}, /* -19 */
    {UINT64_C(0xBCE5086492111AEA), UINT64_C(0x88F4BB1CA6BCF585)}, /* -20 */
    {UINT64_C(0x971DA05074DA7BEE), UINT64_C(0xD3F6FC16EBCA5E04)}, /* -21 */
    {UINT64_C(0xF1C90080BAF72CB1), UINT64_C(0x5324C68B12DD6339)}, /* -22 */
    {UINT64_C(0xC16D9A0095928A27), UINT64_C(0x75B7053C0F178294)}, /* -23 */
    {UINT64_C(0x9ABE14CD44753B52), UINT64_C(0xC4926A9672793543)}, /* -24 */
    {UINT64_C(0xF79687AED3EEC551), UINT64_C(0x3A83DDBD83F52205)}, /* -25 */
    {UINT64_C(0xC612062576589DDA), UINT64_C(0x95364AFE032A819E)}, /* -26 */
    {UINT64_C(0x9E74D1B791E07E48), UINT64_C(0x775EA264CF55347E)}, /* -27 */
};

/* The double nearest to DIGITS times 10^POWER; false: it takes strtod. */
static inline bool nearest(uint64_t digits, int power, double *out) {
    enum { MANTISSA_BITS = 53, BIAS = 1023, BELOW = 64 - MANTISSA_BITS - 2, TIES_FROM = -4 };
    if (power > 0 || power < POWER_LEAST) return false;
    if (power == 0 || digits == 0) {
        *out = (double)digits;
        return true;
    }
    int zeros = __builtin_clzll(digits);
    uint64_t w = digits << zeros;
    unsigned __int128 product = (unsigned __int128)w * fifth[-power - 1].high;
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    const uint64_t undecided = (UINT64_C(1) << BELOW) - 1;
    if ((high & undecided) == undecided) {
        uint64_t carry = (uint64_t)((unsigned __int128)w * fifth[-power - 1].low >> 64);
        low += carry;
        high += low < carry;
    }
    int top = (int)(high >> 63), shift = top + BELOW;
    uint64_t mantissa = high >> shift; /* 53 bits, and the one that rounds */
    bool half = low <= 1 && power >= TIES_FROM && mantissa << shift == high;
    if (half && (mantissa & 3) == 1) mantissa--; /* a tie goes to the even one */
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    int exponent = (217706 * power >> 16) + 63 + top - zeros + BIAS; /* 217706 / 2^16: log2 of 10 */
    if (mantissa >> MANTISSA_BITS) {
        mantissa >>= 1;
        exponent++;
    }
    uint64_t bits = (mantissa & ~(UINT64_C(1) << (MANTISSA_BITS - 1))) | (uint64_t)exponent
                                                                             << (MANTISSA_BITS - 1);
    memcpy(out, &bits, sizeof *out);
    return true;
}
#else
static bool nearest(uint64_t digits, int power, double *out) {
    *out = (double)digits;
    return power == 0;
}
#endif

/* Not inlined: it is rare, and its text would take up the stack of what is frequent. */
static __attribute__((noinline)) const char *by_strtod(const char *from, const char *to, double *out) {
    char text[NUMBER_MAX];
    size_t length = (size_t)(to - from);
    if (length >= sizeof text) return NULL;
    memcpy(text, from, length);
    text[length] = '\0';
    char *end;
    *out = strtod(text, &end);
    return end == text + length ? to : NULL;
}

static bool is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

static bool is_point(const char *p, const char *end) {
    return p < end && *p == '.';
}

/* "-05", what is behind the e of an exponent, at P, into *POWER; where it ends, or NULL. */
static __attribute__((noinline)) const char *take_exponent(const char *p, const char *end, int *power) {
    enum { SHIFT_MAX = 1000 };
    int shift = 0;
    bool down = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    if (!is_digit(p, end)) return NULL;
    for (; is_digit(p, end); p++)
        if (shift < SHIFT_MAX) shift = shift * 10 + (*p - '0');
    *power = down ? -shift : shift;
    return p;
}

const char *event_read_number(const char *at, const char *end, double *out) {
    bool minus = at < end && *at == '-';
    const char *p = at + minus, *first = p;
    if (!is_digit(p, end) || (*p == '0' && is_digit(p + 1, end))) return NULL;
    uint64_t digits = 0;
    int power = 0;
    if (is_point(p + 1, end)) /* mostly it is: the processor need not wait for where they end */
        digits = (uint64_t)(*p++ - '0');
    else
        p = take_digits(p, end, &digits);
    ptrdiff_t count = *first != '0' ? p - first : 0; /* that matter */
    if (is_point(p, end)) {
        const char *point = ++p;
        while (!count && p < end && *p == '0')
            p++;
        first = p;
        p = take_digits(p, end, &digits);
        if (p == point) return NULL;
        count += p - first;
        power = (int)(point - p);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        int shift = 0;
        p = take_exponent(p + 1, end, &shift);
        if (!p) return NULL;
        power += shift;
    }
    if (p - at >= NUMBER_MAX) return NULL;
    if (count > DIGITS_MAX || !nearest(digits, power, out)) return by_strtod(at, p, out);
    if (minus) *out = -*out;
    return p;
}

/* ---- where there is room ---- */

#if defined(__SSE2__) && defined(__SIZEOF_INT128__)
static inline __m128i load(const char *p) {
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* A bit for each of the 32 bytes from P on that is no digit. */
static inline uint32_t others_among(const char *p) {
    uint32_t digits = 0;
    for (int i = 0; i < 2; i++) {
        __m128i text = load(p + SIXTEEN * i);
        __m128i value = _mm_sub_epi8(text, _mm_set1_epi8('0'));
        __m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value);
        digits |= (uint32_t)_mm_movemask_epi8(digit) << (SIXTEEN * i);
    }
    return ~digits;
}

/* The number that the last COUNT of the 16 bytes before END are, all of them digits: neighbours are joined to
 * pairs, pairs to fours, fours to eights. */
static inline uint64_t last_digits(const char *end, int count) {
    static const uint64_t kept[] = {0, 0, UINT64_MAX, UINT64_MAX};
    __m128i text = load(end - SIXTEEN), mask = load((const char *)(const void *)kept + count);
    __m128i digit = _mm_and_si128(_mm_sub_epi8(text, _mm_set1_epi8('0')), mask);
    __m128i first = _mm_and_si128(digit, _mm_set1_epi16(0xff)), second = _mm_srli_epi16(digit, 8);
    __m128i pair = _mm_add_epi16(_mm_mullo_epi16(first, _mm_set1_epi16(10)), second);
    __m128i four = _mm_madd_epi16(pair, _mm_set1_epi32(1 << 16 | 100));
    __m128i eight = _mm_madd_epi16(_mm_packs_epi32(four, four), _mm_set1_epi32(1 << 16 | 10000));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eight);
    return (both & UINT32_MAX) * power_of_ten[EIGHT] + (both >> 32);
}

/* The number that the first COUNT of the eight bytes at P are, one at least, all of them digits. */
static inline uint64_t first_digits(const char *p, int count) {
    uint64_t chunk;
    memcpy(&chunk, p, sizeof chunk);
    return join((chunk ^ UINT64_C(0x3030303030303030)) << (64 - EIGHT * count));
}

/* Where all of what is looked at is digits, they are too many. */
const char *event_read_decimal(const char *at, double *out) {
    uint32_t point = others_among(at), behind = point & (point - 1);
    int whole = __builtin_ctz(point | 1u << 31), part = __builtin_ctz(behind | 1u << 31) - whole - 1;
    bool zero = *at == '0';
    if (at[whole] != '.' || whole < 1 || part < 1 || whole > (zero ? 1 : EIGHT)) return NULL;
    if (whole - zero + part > DIGITS_MAX) return NULL;
    const char *end = at + whole + 1 + part;
    int power = -part;
    uint64_t digits = whole == 1 ? (uint64_t)(*at - '0') : first_digits(at, whole);
    if (part > SIXTEEN) {
        int more = part - SIXTEEN;
        digits = digits * power_of_ten[more] + first_digits(at + whole + 1, more);
        part = SIXTEEN;
    }
    digits = digits * power_of_ten[part] + last_digits(end, part);
    if (*end == 'e' || *end == 'E') {
        int shift = 0;
        const char *limit = at + EVENT_NUMBER_ROOM;
        end = take_exponent(end + 1, limit, &shift);
        if (!end || end == limit) return NULL;
        power += shift;
    }
    return nearest(digits, power, out) ? end : NULL;
}

const char *event_read_count(const char *at, int64_t *out) {
    uint64_t chunk;
    memcpy(&chunk, at, sizeof chunk);
    chunk ^= UINT64_C(0x3030303030303030);
    uint64_t others = others_than_digits(chunk);
    int count = others ? __builtin_ctzll(others) / EIGHT : 0;
    if (!count || (*at == '0' && count > 1)) return NULL;
    *out = (int64_t)join(chunk << (64 - EIGHT * count));
    return at + count;
}
#else
const char *event_read_decimal(const char *at, double *out) {
    (void)at, (void)out;
    return NULL;
}

const char *event_read_count(const char *at, int64_t *out) {
    (void)at, (void)out;
    return NULL;
}
#endif
