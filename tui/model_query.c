/*
 * model_query.c - see model_query.h. Reading terms is model_terms.c's.
 */
#include "tui/model_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/model_terms.h"

static const struct {
    const char *word, *others, *heading, *help;
} keys[MODEL_KEY_COUNT] = {
#define MODEL_KEY_ROW(id, word, others, heading, help) [MODEL_BY_##id] = {word, others, heading, help},
    MODEL_KEYS(MODEL_KEY_ROW)
#undef MODEL_KEY_ROW
};

static const double mega = 1024 * 1024;

const char *model_fit_word(model_fit fit) {
    static const char *const word[] = {[MODEL_FIT_UNKNOWN] = "",
                                       [MODEL_FITS] = "fits",
                                       [MODEL_TIGHT] = "tight",
                                       [MODEL_TOO_BIG] = "too big"};
    return word[fit];
}

const char *model_key_word(model_key key) {
    return keys[key].word;
}

const char *model_key_heading(model_key key) {
    return keys[key].heading;
}

const char *model_key_help(model_key key) {
    return keys[key].help;
}

/* Is WORD one of the space-separated words in LIST? */
static bool among(const char *list, const char *word) {
    size_t length = strlen(word);
    while (length && *list) {
        size_t span = strcspn(list, " ");
        if (span == length && !strncasecmp(list, word, length)) return true;
        list += span + (list[span] == ' ');
    }
    return false;
}

thaw_status model_key_parse(const char *word, model_key *out) {
    const char *words[MODEL_KEY_COUNT];
    str all = {0};
    for (int i = 0; i < MODEL_KEY_COUNT; i++) {
        if (!strcasecmp(keys[i].word, word) || among(keys[i].others, word)) {
            *out = (model_key)i;
            str_clear(&all);
            return thaw_ok();
        }
        words[i] = keys[i].word;
        str_appendf(&all, "%s%s", i ? ", " : "", keys[i].word);
    }
    const char *nearest = text_nearest(word, words, MODEL_KEY_COUNT);
    thaw_status status =
        nearest ? thaw_error(THAW_ERR_USAGE, "models have no \"%s\"; did you mean %s?", word, nearest)
                : thaw_error(THAW_ERR_USAGE, "models have no \"%s\"; there are %s", word, str_text(&all));
    str_clear(&all);
    return status;
}

/* ---- one row ---- */

static double accuracy(const thaw_weights_info *info, double value) {
    return info->dataset && strncasecmp(info->dataset, "ImageNet", strlen("ImageNet")) ? (double)NAN : value;
}

double model_figure(const model_facts *m, model_key key) {
    const thaw_weights_info *info = m->info;
    switch (key) {
    case MODEL_BY_PARAMETERS:
        return (double)info->parameters;
    case MODEL_BY_OPERATIONS:
        return info->gflops;
    case MODEL_BY_ACCURACY:
        return accuracy(info, info->acc1);
    case MODEL_BY_ACCURACY_5:
        return accuracy(info, info->acc5);
    case MODEL_BY_SIZE:
        return info->file_size_mb * mega;
    case MODEL_BY_INPUT:
        return info->crop ? info->crop : (double)NAN;
    case MODEL_BY_MEMORY:
        return m->memory;
    case MODEL_BY_CACHED:
        return m->here ? 0 : 1; /* what is here first */
    default:
        return (double)NAN;
    }
}

/* A text by KEY, "" when there is none. */
static const char *text_of(const thaw_weights_info *info, model_key key) {
    const char *text = key == MODEL_BY_NAME      ? info->arch
                       : key == MODEL_BY_WEIGHTS ? info->name
                       : key == MODEL_BY_FAMILY  ? info->family
                       : key == MODEL_BY_DATASET ? info->dataset
                                                 : NULL;
    return text ? text : "";
}

/* ---- sorting ---- */

bool model_key_descends(model_key key) {
    return key == MODEL_BY_ACCURACY || key == MODEL_BY_ACCURACY_5;
}

static int by_name(const model_facts *a, const model_facts *b) {
    int order = strverscmp(a->info->arch, b->info->arch); /* resnet50 before resnet101 */
    return order ? order : strverscmp(a->info->name, b->info->name);
}

int model_compare(const model_facts *a, const model_facts *b, model_key key, bool reverse) {
    int sign = reverse == model_key_descends(key) ? 1 : -1;
    if (model_key_is_text(key)) {
        int order =
            key == MODEL_BY_NAME ? by_name(a, b) : strverscmp(text_of(a->info, key), text_of(b->info, key));
        return order ? sign * order : by_name(a, b);
    }
    double x = model_figure(a, key), y = model_figure(b, key);
    if (isnan(x) != isnan(y)) return isnan(x) ? 1 : -1;
    return x < y ? -sign : x > y ? sign : by_name(a, b);
}

/* ---- filtering ---- */

static bool contains(const char *text, const char *part) {
    return strcasestr(text, part) || text_glob(part, text);
}

static bool has_word(const model_facts *m, const char *word) {
    static const model_key in[] = {MODEL_BY_NAME, MODEL_BY_WEIGHTS, MODEL_BY_FAMILY, MODEL_BY_DATASET};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        if (contains(text_of(m->info, in[i]), word)) return true;
    return false;
}

static bool has_text(const char *text, const model_term *t) {
    if (t->op == TERM_CONTAINS) return contains(text, t->text);
    bool same = !strcasecmp(text, t->text) || text_glob(t->text, text);
    return same == (t->op == TERM_EQUAL);
}

static bool has_number(double figure, const model_term *t) {
    static const double about = 0.01;
    if (isnan(figure)) return false;
    bool same = fabs(figure - t->number) <= about * fabs(t->number);
    switch (t->op) {
    case TERM_LESS:
        return figure < t->number;
    case TERM_AT_MOST:
        return figure <= t->number;
    case TERM_MORE:
        return figure > t->number;
    case TERM_AT_LEAST:
        return figure >= t->number;
    case TERM_UNEQUAL:
        return !same;
    default:
        return same;
    }
}

static bool has_property(const model_facts *m, model_property property) {
    switch (property) {
    case PROPERTY_CACHED:
        return m->here;
    case PROPERTY_BUNDLED:
        return m->info->bundled;
    case PROPERTY_DEFAULT:
        return m->info->is_default;
    case PROPERTY_FITS:
        return m->fit == MODEL_FITS;
    case PROPERTY_TIGHT:
        return m->fit == MODEL_TIGHT;
    default:
        return m->fit == MODEL_TOO_BIG;
    }
}

static bool meets(const model_facts *m, const model_term *t) {
    switch (t->kind) {
    case TERM_WORD:
        return has_word(m, t->text);
    case TERM_TEXT:
        return has_text(text_of(m->info, t->key), t);
    case TERM_NUMBER:
        return has_number(model_figure(m, t->key), t);
    default:
        return has_property(m, t->property);
    }
}

bool model_filter_wants(const model_filter *f, const model_facts *m) {
    for (int i = 0; f && i < f->count; i++)
        if (meets(m, &f->term[i]) == f->term[i].negated) return false;
    return true;
}

bool model_filter_asks_memory(const model_filter *f) {
    for (int i = 0; f && i < f->count; i++) {
        const model_term *t = &f->term[i];
        if (t->kind == TERM_NUMBER && t->key == MODEL_BY_MEMORY) return true;
        if (t->kind == TERM_PROPERTY && t->property >= PROPERTY_FITS) return true;
    }
    return false;
}
