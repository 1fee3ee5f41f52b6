/*
 * event_step.c - see event_step.h. The keys are made once, of the table of fields, with what stands around
 * them, and compared in whole words.
 */
#include "engine/run/event_step.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/run/event_fields.h"
#include "engine/run/event_number.h"

/* ---- what stands in the line ---- */

enum { WORDS_MAX = 4, TEXT_MAX = WORDS_MAX * 8, FIELDS_MAX = 16, NULL_LENGTH = 4 };

/* A piece of text of at most TEXT_MAX bytes, to be compared in words. */
typedef struct piece {
    uint64_t word[WORDS_MAX], mask[WORDS_MAX];
    char text[TEXT_MAX + 1];
    size_t length;
} piece;

static const event_field steps_field = {THAW_EVENT_STEP, "step", EVENT_INT64, offsetof(thaw_event, steps), 0};

/* The fields in the line's order, each after its piece. */
static struct {
    piece head;
    size_t count;
    piece key[FIELDS_MAX];
    const event_field *field[FIELDS_MAX];
} form;

static piece make_piece(const char *before, const char *text, const char *after) {
    piece p = {0};
    p.length = (size_t)snprintf(p.text, sizeof p.text, "%s%s%s", before, text, after);
    memcpy(p.word, p.text, TEXT_MAX);
    memset(p.mask, 0xff, p.length < TEXT_MAX ? p.length : TEXT_MAX);
    return p;
}

static void put_field(const event_field *f) {
    if (form.count == FIELDS_MAX) return;
    form.key[form.count] = make_piece(",\"", f->key, "\":");
    form.field[form.count++] = f;
}

static void make_form(void) {
    size_t count;
    const event_field *f = event_fields(THAW_EVENT_STEP, &count);
    _Static_assert(THAW_EVENT_VERSION == 1, "the head names the version");
    form.head = make_piece("{\"v\":1,\"event\":\"step\"", "", ",\"time\":");
    put_field(&steps_field);
    for (size_t i = 0; i < count; i++)
        put_field(&f[i]);
}

/* ---- the line ---- */

/* What follows P at AT, or NULL when something else stands there. */
static inline const char *pass(const char *at, const char *end, const piece *p) {
    if (p->length > TEXT_MAX || (size_t)(end - at) < p->length) return NULL;
    if (end - at < TEXT_MAX) return memcmp(at, p->text, p->length) ? NULL : at + p->length;
    uint64_t word[WORDS_MAX], other = 0;
    memcpy(word, at, sizeof word);
    for (int i = 0; i < WORDS_MAX; i++)
        other |= (word[i] ^ p->word[i]) & p->mask[i];
    return other ? NULL : at + p->length;
}

static bool is_null(const char *at, const char *end) {
    return end - at >= NULL_LENGTH && *at == 'n' && memcmp(at, "null", NULL_LENGTH) == 0;
}

static inline const char *read_double(const char *at, const char *end, double *out) {
    if (!is_null(at, end)) return event_read_number(at, end, out);
    *out = (double)NAN;
    return at + NULL_LENGTH;
}

static const char *read_whole(const char *at, const char *end, double limit, int64_t *out) {
    double number;
    const char *after = event_read_digits(at, end, out);
    if (after) return (double)*out <= limit ? after : NULL;
    after = event_read_number(at, end, &number);
    return after && event_whole(number, limit, out) ? after : NULL;
}

static const char *read_int(const char *at, const char *end, int *out) {
    int64_t whole;
    const char *after = read_whole(at, end, INT32_MAX, &whole);
    if (after) *out = (int)whole;
    return after;
}

static inline const char *read_field(const char *at, const char *end, const event_field *f, thaw_event *out) {
    switch (f->type) {
    case EVENT_NUMBER:
        return read_double(at, end, EVENT_MEMBER(double, out, f->offset));
    case EVENT_EPOCH:
        if (!is_null(at, end)) return read_int(at, end, EVENT_MEMBER(int, out, f->offset));
        *EVENT_MEMBER(int, out, f->offset) = -1;
        return at + NULL_LENGTH;
    case EVENT_INT:
        return read_int(at, end, EVENT_MEMBER(int, out, f->offset));
    case EVENT_INT64:
        return read_whole(at, end, JSON_WHOLE_MAX, EVENT_MEMBER(int64_t, out, f->offset));
    default:
        return NULL;
    }
}

bool event_read_step(const char *line, size_t length, thaw_event *out) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *end = line + length;
    pthread_once(&once, make_form);
    const char *at = pass(line, end, &form.head);
    if (!at) return false;
    memset(out, 0, sizeof *out);
    out->kind = THAW_EVENT_STEP;
    at = read_double(at, end, &out->time);
    for (size_t i = 0; at && i < form.count; i++) {
        at = pass(at, end, &form.key[i]);
        if (at) at = read_field(at, end, form.field[i], out);
    }
    return at && end - at == 1 && *at == '}';
}
