/*
 * event_fields.h - the table behind thaw/event.h: every field of every kind of event, where it lies and how
 * it is written. Freeing, copying, printing and parsing all walk it.
 */
#ifndef ENGINE_RUN_EVENT_FIELDS_H
#define ENGINE_RUN_EVENT_FIELDS_H

#include "thaw/event.h"

typedef enum event_type {
    EVENT_TEXT,     /* char *, owned; NULL is null */
    EVENT_DOCUMENT, /* the same, but the text is JSON and stands in the line as such */
    EVENT_BOOL,
    EVENT_INT,
    EVENT_INT64,
    EVENT_EPOCH,    /* int; -1, none, is null */
    EVENT_NUMBER,   /* double; NaN is null */
    EVENT_LEVEL,    /* int: a word for 0, 1, 2 */
    EVENT_STATE,    /* thaw_state: its word */
    EVENT_NAMES,    /* char **, owned; size_t at count_offset */
    EVENT_LABELS,   /* char **, owned; int at count_offset */
    EVENT_SHARES,   /* double *, owned, NULL is null; int at count_offset */
    EVENT_STATS,    /* thaw_layer_stat *, owned; size_t at count_offset */
    EVENT_MISTAKES, /* thaw_mistake *, owned; size_t at count_offset */
    EVENT_PHASES,   /* double[THAW_PHASE_COUNT], in the event itself */
    EVENT_STAGES,   /* thaw_stage_time *, owned; size_t at count_offset */
} event_type;

typedef struct event_field {
    thaw_event_kind kind;
    const char *key;
    event_type type;
    size_t offset, count_offset;
} event_field;

/* Rows that are an array in an event: each a path, owned, and then numbers. */
typedef struct event_rows {
    size_t size; /* bytes of a row */
    size_t count;
    struct {
        const char *key;
        size_t offset;
        bool spared; /* not written when it is not known */
    } column[4];
} event_rows;
/* How those of an EVENT_STATS or EVENT_STAGES are made. */
const event_rows *event_rows_of(event_type type);
/* The path of row INDEX. */
char **event_row_path(void *rows, size_t index, size_t size);

/* The fields of KIND: the first, and how many. */
const event_field *event_fields(thaw_event_kind kind, size_t *count);

/* Into an event's member. */
#define EVENT_MEMBER(type, e, at) ((type *)(void *)((char *)(e) + (at)))
#define EVENT_LOOK(type, e, at)   (*(type const *)(const void *)((const char *)(e) + (at)))

extern const char *const event_level_names[3];

/* VALUE, if it is whole and within LIMIT of zero. */
bool event_whole(double value, double limit, int64_t *out);

#endif
