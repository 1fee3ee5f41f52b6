/*
 * model_terms.c - reading a filter. Each term is read by itself, so that one mistake does not take the others
 * with it: while a person types "acc>" the terms before it still count.
 */
#include "tui/model_terms.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

static const struct {
    const char *word, *other; /* OTHER: a second word for it, or NULL */
} properties[PROPERTY_COUNT] = {
    [PROPERTY_CACHED] = {"cached", "here"}, [PROPERTY_BUNDLED] = {"bundled", NULL},
    [PROPERTY_DEFAULT] = {"default", NULL}, [PROPERTY_FITS] = {"fits", NULL},
    [PROPERTY_TIGHT] = {"tight", NULL},     [PROPERTY_TOO_BIG] = {"toobig", "too-big"},
};

bool model_key_is_text(model_key key) {
    return key == MODEL_BY_NAME || key == MODEL_BY_WEIGHTS || key == MODEL_BY_FAMILY ||
           key == MODEL_BY_DATASET;
}

static bool find_property(const char *word, model_property *out) {
    for (int i = 0; i < PROPERTY_COUNT; i++) {
        const char *other = properties[i].other;
        if (strcasecmp(properties[i].word, word) && (!other || strcasecmp(other, word))) continue;
        *out = (model_property)i;
        return true;
    }
    return false;
}

/* ---- numbers ---- */

/* What a suffix multiplies by, 0 for one that is none. Bytes count in 1024s and are in MB without a suffix;
 * operations are in billions. */
static double scale_of(model_key key, const char *suffix) {
    static const char letters[] = "kMGT"; /* "B" is a billion parameters, and a byte after the others */
    bool bytes = key == MODEL_BY_SIZE || key == MODEL_BY_MEMORY;
    double step = bytes ? 1024 : 1000, unit = key == MODEL_BY_OPERATIONS ? 1e-9 : 1;
    if (!*suffix) return bytes ? step * step : 1;
    if (key != MODEL_BY_PARAMETERS && key != MODEL_BY_OPERATIONS && !bytes)
        return strcmp(suffix, "%") && strcmp(suffix, "px") ? 0 : 1;
    if (!bytes && !strcasecmp(suffix, "b")) return 1e9 * unit;
    for (int i = 0; letters[i]; i++) {
        if (tolower((unsigned char)suffix[0]) != tolower((unsigned char)letters[i])) continue;
        bool ends = !suffix[1] || (bytes && (!strcasecmp(suffix + 1, "b") || !strcasecmp(suffix + 1, "ib")));
        return ends ? pow(step, i + 1) * unit : 0;
    }
    return 0;
}

static thaw_status read_number(const char *term, const char *text, model_term *t) {
    char *end = NULL;
    bool digits = isdigit((unsigned char)text[0]) || (text[0] == '.' && isdigit((unsigned char)text[1]));
    double value = digits ? strtod(text, &end) : NAN, scale = digits ? scale_of(t->key, end) : 0;
    t->number = value * scale;
    if (scale > 0 && isfinite(t->number)) return thaw_ok();
    bool big = t->key == MODEL_BY_PARAMETERS || t->key == MODEL_BY_SIZE || t->key == MODEL_BY_MEMORY;
    return thaw_error(THAW_ERR_USAGE, "\"%s\": %s wants a number, as in %s", term, model_key_word(t->key),
                      big                        ? "30M"
                      : t->key == MODEL_BY_INPUT ? "224"
                                                 : "4.5");
}

/* ---- one term ---- */

/* The operator at TEXT and its length; 0: there is none. */
static size_t read_operator(const char *text, term_op *op) {
    static const struct {
        const char *sign;
        term_op op;
    } all[] = {{"<=", TERM_AT_MOST}, {">=", TERM_AT_LEAST}, {"!=", TERM_UNEQUAL}, {"<", TERM_LESS},
               {">", TERM_MORE},     {"==", TERM_EQUAL},    {"=", TERM_EQUAL},    {":", TERM_CONTAINS}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t length = strlen(all[i].sign);
        if (strncmp(text, all[i].sign, length)) continue;
        *op = all[i].op;
        return length;
    }
    return 0;
}

static thaw_status read_comparison(const char *term, const char *word, const char *value, model_term *t) {
    thaw_status status = model_key_parse(word, &t->key);
    if (thaw_failed(&status)) return thaw_status_prefix(status, "\"%s\"", term);
    if (t->key == MODEL_BY_CACHED)
        return thaw_error(THAW_ERR_USAGE, "\"%s\": write cached, or !cached", term);
    if (!model_key_is_text(t->key)) {
        t->kind = TERM_NUMBER;
        return read_number(term, value, t);
    }
    t->kind = TERM_TEXT;
    if (t->op < TERM_EQUAL)
        return thaw_error(THAW_ERR_USAGE, "\"%s\": %s is no number; write %s:TEXT", term,
                          model_key_word(t->key), model_key_word(t->key));
    if (!*value)
        return thaw_error(THAW_ERR_USAGE, "\"%s\": what should %s have in it?", term, model_key_word(t->key));
    t->text = xstrdup(value);
    return thaw_ok();
}

/* TERM is not empty; T is zeroed and gets what is owned also on failure. */
static thaw_status read_term(const char *term, model_term *t) {
    const char *at = term;
    t->negated = (*at == '!' || *at == '-') && at[1];
    at += t->negated;
    size_t length = strcspn(at, "<>=:!");
    size_t sign = read_operator(at + length, &t->op);
    if (sign) {
        char *word = xstrndup(at, length);
        thaw_status status = read_comparison(term, word, at + length + sign, t);
        free(word);
        return status;
    }
    if (find_property(at, &t->property)) {
        t->kind = TERM_PROPERTY;
        return thaw_ok();
    }
    t->kind = TERM_WORD;
    t->text = xstrdup(at);
    return thaw_ok();
}

/* ---- the whole ---- */

static const char *skip_spaces(const char *text) {
    return text + strspn(text, " \t\n");
}

static size_t term_length(const char *text) {
    return strcspn(text, " \t\n");
}

thaw_status model_filter_parse(const char *text, model_filter **out) {
    model_filter *f = xcalloc(1, sizeof *f);
    thaw_status first = thaw_ok();
    for (text = skip_spaces(text); *text; text = skip_spaces(text)) {
        size_t length = term_length(text);
        char *word = xstrndup(text, length);
        model_term t = {0};
        thaw_status status = read_term(word, &t);
        if (thaw_failed(&status)) {
            if (!thaw_failed(&first)) first = status;
            free(t.text);
        } else {
            f->term = vec_reserve(f->term, &f->capacity, (size_t)f->count + 1, sizeof *f->term);
            f->term[f->count++] = t;
        }
        free(word);
        text += length;
    }
    *out = f;
    return first;
}

void model_filter_free(model_filter *f) {
    if (!f) return;
    for (int i = 0; i < f->count; i++)
        free(f->term[i].text);
    free(f->term);
    free(f);
}

char *model_filter_toggle(const char *text, const char *word) {
    str out = {0};
    bool found = false;
    for (text = skip_spaces(text); *text; text = skip_spaces(text)) {
        size_t length = term_length(text);
        bool same = length == strlen(word) && !strncmp(text, word, length);
        if (!same) {
            if (out.length) str_append(&out, " ");
            str_append_n(&out, text, length);
        }
        found |= same;
        text += length;
    }
    if (!found) str_appendf(&out, "%s%s", out.length ? " " : "", word);
    return str_take(&out);
}

/* A word of LIST for OUT when it begins with PREFIX. */
static void offer(const char *word, const char *prefix, const char *after, str *out) {
    if (!strncasecmp(word, prefix, strlen(prefix))) str_appendf(out, "%s%s\n", word, after);
}

void model_filter_complete(const char *prefix, str *out) {
    for (int i = 0; i < MODEL_KEY_COUNT; i++)
        if (i != MODEL_BY_CACHED)
            offer(model_key_word((model_key)i), prefix, model_key_is_text((model_key)i) ? ":" : ">", out);
    for (int i = 0; i < PROPERTY_COUNT; i++)
        offer(properties[i].word, prefix, "", out);
}
