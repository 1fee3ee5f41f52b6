/*
 * model_query.h - choosing among pretrained weights: the terms that filter them, the figures that order them.
 *
 * The Models tab and `thaw models` share this. A filter is terms with spaces between; a row must meet all:
 *
 *     resnet           part of the name, family, weights or dataset, or a glob that is all of one
 *     acc>75           a figure against a number: < <= > >= = !=, "=" within 1 %
 *     params<30M       suffixes k M G; sizes and memory are in MB unless they have one
 *     family:resnet    a text contains it, or a glob is all of it; "=": all of it
 *     cached           a property; see model_property_names
 *     !swin !cached    what does not meet the term
 */
#ifndef TUI_MODEL_QUERY_H
#define TUI_MODEL_QUERY_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "thaw/catalog.h"
#include "thaw/status.h"

/* What can be filtered and sorted by. X(id, word, other words, heading, help) */
#define MODEL_KEYS(X)                                                                                     \
    X(NAME, "name", "model arch", "model", "name of the architecture")                                    \
    X(WEIGHTS, "weights", "", "weights", "name of the weights")                                           \
    X(FAMILY, "family", "", "family", "family of the architecture")                                       \
    X(DATASET, "dataset", "data", "trained on", "what it was trained on")                                 \
    X(PARAMETERS, "params", "parameters", "params", "parameters")                                         \
    X(OPERATIONS, "gflops", "gmacs macs flops operations", "GMACs", "giga multiply-accumulates an image") \
    X(ACCURACY, "acc", "acc1 acc@1 top1 top-1 accuracy", "top-1", "ImageNet top-1 accuracy in percent")   \
    X(ACCURACY_5, "acc5", "acc@5 top5 top-5", "top-5", "ImageNet top-5 accuracy in percent")              \
    X(SIZE, "size", "file", "MB", "size of the file")                                                     \
    X(INPUT, "input", "crop px", "input", "side of the input image in pixels")                            \
    X(MEMORY, "memory", "mem", "memory", "memory that training it takes")                                 \
    X(CACHED, "cached", "here", "", "whether the file is on this machine")

typedef enum model_key {
#define MODEL_KEY_ENUM(id, word, others, heading, help) MODEL_BY_##id,
    MODEL_KEYS(MODEL_KEY_ENUM)
#undef MODEL_KEY_ENUM
        MODEL_KEY_COUNT
} model_key;

/* How what training takes compares with the memory that there is. */
typedef enum model_fit { MODEL_FIT_UNKNOWN, MODEL_FITS, MODEL_TIGHT, MODEL_TOO_BIG } model_fit;
const char *model_fit_word(model_fit fit); /* "", "fits", "tight", "too big". Static */

/* One row and what is known of it beyond the catalog. */
typedef struct model_facts {
    const thaw_weights_info *info; /* borrowed */
    bool here;                     /* its file is on this machine */
    double memory;                 /* bytes that training it takes; NaN: not known */
    model_fit fit;
} model_facts;

/* ---- filtering ---- */

typedef struct model_filter model_filter;

/* OUT (model_filter_free) has every term that makes sense, also when one does not: the failure names the
 * first such, and what would be right. TEXT "": everything passes. */
thaw_status model_filter_parse(const char *text, model_filter **out);
void model_filter_free(model_filter *f);                              /* NULL is fine */
bool model_filter_wants(const model_filter *f, const model_facts *m); /* F NULL: everything */
bool model_filter_asks_memory(const model_filter *f);                 /* some term needs memory or fit */
/* TEXT with the term WORD taken out where it is, or else added; owned by the caller. */
char *model_filter_toggle(const char *text, const char *word);

/* ---- sorting ---- */

const char *model_key_word(model_key key);    /* "acc", as a filter and --sort take it. Static */
const char *model_key_heading(model_key key); /* "top-1". Static */
const char *model_key_help(model_key key);
/* By any of its words; an unknown one fails with the nearest. */
thaw_status model_key_parse(const char *word, model_key *out);
/* What comes first when nothing is reversed: the best accuracy, the least of everything else. */
bool model_key_descends(model_key key);
/* A figure by KEY, NaN when it is not known or a text. Accuracy is only known on ImageNet: what another set's
 * says cannot be compared with it. */
double model_figure(const model_facts *m, model_key key);
/* < 0: A comes first. Unknown figures come last either way; ties are in the order of names, then 0. */
int model_compare(const model_facts *a, const model_facts *b, model_key key, bool reverse);

/* ---- for help and completion ---- */

/* All words of keys and properties that begin with PREFIX, one a line, appended to OUT; keys get their
 * operator ("acc>", "family:"). */
void model_filter_complete(const char *prefix, str *out);

#endif
