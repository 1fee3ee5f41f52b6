/*
 * event_step.c - see event_step.h. The keys are made once, of the table of fields, with what stands around
 * them, and each is compared in one go.
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

enum { VECTORS = 2, TEXT_MAX = VECTORS * 16, FIELDS_MAX = 16, NULL_LENGTH = 4, LINE_MAX = 512 };

typedef uint8_t vector __attribute__((vector_size(16)));

/* A piece of text of at most TEXT_MAX bytes, to be compared all at once. */
typedef struct piece {
    vector text[VECTORS], behind[VECTORS]; /* ones behind its end */
    size_t length;
} piece;

/* The fields in the line's order, each after its piece. */
static struct {
    piece head;
    size_t count;
    struct {
        piece key;
        event_type type;
        size_t offset; /* in a thaw_step_row */
    } field[FIELDS_MAX];
} form;

static piece make_piece(const char *before, const char *key, const char *after) {
    piece p = {0};
    char text[TEXT_MAX + 1] = {0};
    p.length = (size_t)snprintf(text, sizeof text, "%s%s%s", before, key, after);
    if (p.length > TEXT_MAX) p.length = TEXT_MAX; /* nothing passes then: no number goes on like this */
    memcpy(p.text, text, sizeof p.text);
    memset((char *)p.behind + p.length, 0xff, TEXT_MAX - p.length);
    return p;
}

static void put_field(const char *key, event_type type, size_t offset) {
    if (form.count == FIELDS_MAX) return;
    form.field[form.count].key = make_piece(",\"", key, "\":");
    form.field[form.count].type = type;
    form.field[form.count++].offset = offset;
}

static void make_form(void) {
    size_t count;
    const event_field *f = event_fields(THAW_EVENT_STEP, &count);
    _Static_assert(THAW_EVENT_VERSION == 1, "the head names the version");
    form.head = make_piece("{\"v\":1,\"event\":\"step\"", "", ",\"time\":");
    put_field("step", EVENT_INT64, offsetof(thaw_step_row, steps));
    for (size_t i = 0; i < count; i++)
        put_field(f[i].key, f[i].type,
                  f[i].offset - offsetof(thaw_event, step) + offsetof(thaw_step_row, step));
}

/* ---- the line ---- */

/* What follows P at AT, or NULL when something else stands there. */
static inline const char *pass(const char *at, const piece *p) {
    vector text[VECTORS];
    memcpy(text, at, sizeof text);
    vector same =
        ((vector)(text[0] == p->text[0]) | p->behind[0]) & ((vector)(text[1] == p->text[1]) | p->behind[1]);
    uint64_t half[2];
    memcpy(half, &same, sizeof half);
    return (half[0] & half[1]) == UINT64_MAX ? at + p->length : NULL;
}

static inline const char *read_double(const char *at, const char *end, double *out) {
    const char *after = event_read_decimal(at, out);
    if (after) return after;
    if (memcmp(at, "null", NULL_LENGTH)) return event_read_number(at, end, out);
    *out = (double)NAN;
    return at + NULL_LENGTH;
}

static inline const char *read_whole(const char *at, const char *end, double limit, int64_t *out) {
    double number;
    const char *after = event_read_count(at, out);
    if (after) return after;
    after = event_read_digits(at, end, out);
    if (after) return (double)*out <= limit ? after : NULL;
    after = event_read_number(at, end, &number);
    return after && event_whole(number, limit, out) ? after : NULL;
}

static inline const char *read_field(const char *at, const char *end, event_type type, void *out) {
    int64_t whole;
    switch (type) {
    case EVENT_NUMBER:
        return read_double(at, end, out);
    case EVENT_INT:
        at = read_whole(at, end, INT32_MAX, &whole);
        *(int *)out = at ? (int)whole : 0;
        return at;
    case EVENT_INT64:
        return read_whole(at, end, JSON_WHOLE_MAX, out);
    default:
        return NULL;
    }
}

/* No key and no number has a newline in it, so none goes on behind the line's. */
bool event_read_step_line(const char *line, size_t length, thaw_step_row *out) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *end = line + length;
    pthread_once(&once, make_form);
    const char *at = pass(line, &form.head);
    if (!at) return false;
    memset(out, 0, sizeof *out);
    at = read_double(at, end, &out->time);
    for (size_t i = 0; at && i < form.count; i++) {
        at = pass(at, &form.field[i].key);
        if (at) at = read_field(at, end, form.field[i].type, (char *)out + form.field[i].offset);
    }
    return at && end - at == 1 && *at == '}';
}

bool event_read_step(const char *line, size_t length, thaw_step_row *out) {
    char copy[LINE_MAX + EVENT_STEP_ROOM];
    if (length >= LINE_MAX) return false;
    memcpy(copy, line, length);
    memset(copy + length, '\n', EVENT_STEP_ROOM);
    return event_read_step_line(copy, length, out);
}
