/*
 * compare.c - does a file fit a model? Every key is put in one of three lists (missing, extra, misfit), and
 * when it does not fit the error names the first offence and what is likely to lie behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/nn/auxiliary.h"
#include "engine/weights/weights_file.h"

typedef struct comparison {
    const weights_file *f;
    const model *m;
    weights_head head;
    weights_report *report;
    bool *used;            /* which entries the model asked for */
    size_t backbone_wrong; /* offences outside the head */
    bool bare_auxiliary;   /* an auxiliary classifier is missing from the file, and that is noted */
} comparison;

static void add(char ***list, size_t *count, char *text) {
    *list = xreallocarray(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = text;
}

/* TEXT, which is taken over, behind what is noted already. */
static void add_note(weights_report *r, char *text) {
    char *before = r->note;
    r->note = before ? xasprintf("%s; %s", before, text) : text;
    if (before) free(text);
    free(before);
}

static void free_list(char **list, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void weights_report_clear(weights_report *r) {
    free_list(r->missing, r->missing_count);
    free_list(r->extra, r->extra_count);
    free_list(r->misfit, r->misfit_count);
    free(r->note);
    *r = (weights_report){0};
}

bool weights_in_head(const model *m, const char *key) {
    const char *head = m->arch->head;
    size_t length = head ? strlen(head) : 0;
    return length && strncmp(key, head, length) == 0 && key[length] == '.';
}

bool weights_replaced(const model *m, const char *key) {
    return weights_in_head(m, key) || auxiliary_replaced(m, key);
}

/* Files older than torch 0.4.1 lack this counter, and no inference needs it. */
static bool may_be_missing(const char *key) {
    static const char counter[] = ".num_batches_tracked";
    size_t length = strlen(key), n = sizeof counter - 1;
    return length > n && strcmp(key + length - n, counter) == 0;
}

static void add_misfit(comparison *c, const weights_entry *e, const param *p) {
    char file_shape[SHAPE_TEXT_MAX], model_shape[SHAPE_TEXT_MAX];
    bool same = shape_equal(&e->size, &p->size);
    shape_text(&e->size, file_shape);
    shape_text(&p->size, model_shape);
    char *text = same ? xasprintf("%s: file %s, model %s", e->key, dtype_name(e->type), dtype_name(p->type))
                      : xasprintf("%s: file %s, model %s", e->key, file_shape, model_shape);
    add(&c->report->misfit, &c->report->misfit_count, text);
}

static thaw_status compare_param(void *user, layer *l, param *p, const char *key) {
    comparison *c = user;
    bool in_head = weights_in_head(c->m, key);
    const weights_entry *e = weights_find(c->f, key);
    if (e) c->used[e - c->f->entry] = true;
    if (c->head == WEIGHTS_HEAD_SKIP && weights_replaced(c->m, key)) return thaw_ok();
    bool same = e && shape_equal(&e->size, &p->size);
    bool resized = e && !same && weights_positions_fit(l, &e->size, &p->size);
    bool fits = (same || resized) && weights_convertible(e->type, p->type);
    if (resized) add_note(c->report, weights_positions_note(&e->size, &p->size));
    /* An auxiliary classifier is nice to have: torchvision's own models come without, or for other classes.
     */
    if (!e && l->auxiliary && !l->aside && !c->bare_auxiliary) {
        c->bare_auxiliary = true;
        add_note(c->report, xstrdup("the weights have no auxiliary classifiers: they start at random"));
    }
    if (fits || l->auxiliary || (!e && may_be_missing(key))) {
        c->report->loaded += fits;
        return thaw_ok();
    }
    c->backbone_wrong += !in_head;
    if (e)
        add_misfit(c, e, p);
    else
        add(&c->report->missing, &c->report->missing_count, xstrdup(key));
    return thaw_ok();
}

static void find_extra(comparison *c) {
    for (size_t i = 0; i < c->f->count; i++) {
        const char *key = c->f->entry[i].key;
        bool in_head = weights_in_head(c->m, key);
        if (c->used[i] || (in_head && c->head == WEIGHTS_HEAD_SKIP)) continue;
        c->backbone_wrong += !in_head;
        add(&c->report->extra, &c->report->extra_count, xstrdup(key));
    }
}

/* ---- the message ---- */

/* Outputs of the file's head: the extent of its last bias or weight under the head's path, 0 when unknown. */
static int64_t file_classes(const comparison *c) {
    int64_t classes = 0;
    for (size_t i = 0; i < c->f->count; i++)
        if (weights_in_head(c->m, c->f->entry[i].key) && c->f->entry[i].size.ndim)
            classes = c->f->entry[i].size.dim[0];
    return classes;
}

static void append_cause(const comparison *c, str *text) {
    const weights_report *r = c->report;
    const char *own = c->m->arch->name, *guess = NULL;
    int64_t classes = file_classes(c);
    if (!c->backbone_wrong && classes && classes != c->m->classes) {
        str_appendf(text,
                    "; the file was trained for %lld classes and the model has %d: give the model as many, "
                    "or load it with a new head",
                    (long long)classes, c->m->classes);
        return;
    }
    if (!c->backbone_wrong) {
        str_append(text, "; only the head differs: load it with a new head");
        return;
    }
    guess = weights_guess_arch(c->f);
    if (guess && strcmp(guess, own) != 0) {
        str_appendf(text, "; the file is a %s: choose that model", guess);
        return;
    }
    if (!r->loaded)
        str_append(text, "; not one key fits: it is of another architecture; ");
    else
        str_appendf(text, "; it is of another architecture than %s, or of a changed one; ", own);
    weights_append_nearest(c->f, text);
}

static thaw_status misfit_error(const comparison *c) {
    const weights_report *r = c->report;
    str text = {0};
    size_t total = r->missing_count + r->extra_count + r->misfit_count;
    if (r->misfit_count)
        str_appendf(&text, "%s", r->misfit[0]);
    else if (r->missing_count)
        str_appendf(&text, "%s is missing from the file", r->missing[0]);
    else
        str_appendf(&text, "the file has %s, which the model has not", r->extra[0]);
    if (total > 1) str_appendf(&text, " (and %zu more keys do not fit)", total - 1);
    append_cause(c, &text);
    thaw_status status =
        thaw_error(THAW_ERR_SHAPE, "%s does not fit %s: %s", c->f->name, c->m->arch->name, str_text(&text));
    str_clear(&text);
    return status;
}

thaw_status weights_compare(const weights_file *f, const model *m, weights_head head,
                            weights_report *report) {
    weights_report own = {0};
    comparison c = {.f = f, .m = m, .head = head, .report = report ? report : &own};
    if (report) *report = own;
    if (f->note) add_note(c.report, xstrdup(f->note));
    c.used = xcalloc(f->count, sizeof *c.used);
    thaw_status status = model_each_param(m, compare_param, &c);
    if (!thaw_failed(&status)) {
        find_extra(&c);
        const weights_report *r = c.report;
        if (r->missing_count + r->extra_count + r->misfit_count) status = misfit_error(&c);
    }
    free(c.used);
    weights_report_clear(&own);
    return status;
}
