/*
 * model_terms.h - a filter's terms as they were read. Between model_query.c, which applies them, and
 * model_terms.c, which reads them.
 */
#ifndef TUI_MODEL_TERMS_H
#define TUI_MODEL_TERMS_H

#include "tui/model_query.h"

typedef enum term_op {
    TERM_LESS,
    TERM_AT_MOST,
    TERM_MORE,
    TERM_AT_LEAST,
    TERM_EQUAL,
    TERM_UNEQUAL,
    TERM_CONTAINS
} term_op;

typedef enum term_kind { TERM_WORD, TERM_TEXT, TERM_NUMBER, TERM_PROPERTY } term_kind;

/* From FITS on they need the estimate of memory. */
typedef enum model_property {
    PROPERTY_CACHED,
    PROPERTY_BUNDLED,
    PROPERTY_DEFAULT,
    PROPERTY_FITS,
    PROPERTY_TIGHT,
    PROPERTY_TOO_BIG,
    PROPERTY_COUNT
} model_property;

typedef struct model_term {
    term_kind kind;
    bool negated;
    model_key key; /* TEXT, NUMBER */
    term_op op;
    char *text;    /* WORD, TEXT: owned */
    double number; /* NUMBER, in the figure's own unit */
    model_property property;
} model_term;

struct model_filter {
    model_term *term;
    int count;
    size_t capacity;
};

bool model_key_is_text(model_key key);

#endif
