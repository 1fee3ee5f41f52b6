/*
 * run_marks.c - see run_marks.h.
 */
#include "tui/run_marks.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"

static void drop_mark(run_view *v, size_t index) {
    free(v->mark[index].text);
    memmove(&v->mark[index], &v->mark[index + 1], (v->mark_count - index - 1) * sizeof *v->mark);
    v->mark_count--;
}

void run_marks_add(run_view *v, run_mark_kind kind, int64_t steps, char *text) {
    if (v->mark_count == RUN_MARKS_MAX) {
        size_t victim = 0;
        while (victim < v->mark_count && v->mark[victim].kind != RUN_MARK_CHECKPOINT)
            victim++;
        drop_mark(v, victim < v->mark_count ? victim : 0);
    }
    v->mark = vec_reserve(v->mark, &v->mark_capacity, v->mark_count + 1, sizeof *v->mark);
    size_t at = v->mark_count++;
    for (; at > 0 && v->mark[at - 1].steps > steps; at--) /* a checkpoint is told when it is written */
        v->mark[at] = v->mark[at - 1];
    v->mark[at] = (run_mark){.kind = kind, .steps = steps, .text = text};
}

void run_marks_replace(run_view *v, run_mark_kind kind, int64_t steps, char *text) {
    for (size_t i = v->mark_count; i > 0; i--)
        if (v->mark[i - 1].kind == kind) drop_mark(v, i - 1);
    run_marks_add(v, kind, steps, text);
}

static bool among(char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name)) return true;
    return false;
}

void run_marks_cut(run_view *v, int64_t steps) {
    while (v->mark_count && v->mark[v->mark_count - 1].steps > steps)
        drop_mark(v, v->mark_count - 1);
}

/* The names of TO that are not in FROM, joined by ", ", with VERB after them: "layer1, layer2 frozen".
 * Returns how many there are. */
static size_t describe_added(str *text, char *const *from, size_t from_count, char *const *to,
                             size_t to_count, const char *verb) {
    size_t added = 0;
    for (size_t i = 0; i < to_count; i++) {
        if (among(from, from_count, to[i])) continue;
        str_appendf(text, "%s%s", added || text->length ? ", " : "", to[i]);
        added++;
    }
    if (added) str_appendf(text, " %s", verb);
    return added;
}

/* "all" stands for names that are not known here, so lists with it cannot be compared name by name. */
static bool comparable(char *const *names, size_t count) {
    return !among(names, count, "all");
}

/* What trains under a mask, from its label (thaw_layers_mask_label), as a sentence. */
static void describe_whole(str *text, const char *label) {
    size_t length = strlen(label);
    if (!strcmp(label, "everything"))
        str_append(text, "everything trains");
    else if (!strcmp(label, "head only"))
        str_append(text, "only the head trains");
    else if (length && label[length - 1] == '+')
        str_appendf(text, "%.*s and later train", (int)length - 1, label);
    else
        str_appendf(text, "trains %s", length ? label : "other layers");
}

char *run_marks_describe(const run_view *v, const thaw_event *e) {
    enum { NAMED_MAX = 3 }; /* beyond, what trains now says more than what has changed */
    const char *label = e->mask.label ? e->mask.label : "";
    bool whole = !strcmp(label, "everything") || !strcmp(label, "head only");
    str text = {0};
    size_t named = 0;
    if (!whole && comparable(v->frozen, v->frozen_count) &&
        comparable(e->mask.frozen, e->mask.frozen_count)) {
        named =
            describe_added(&text, v->frozen, v->frozen_count, e->mask.frozen, e->mask.frozen_count, "frozen");
        named +=
            describe_added(&text, e->mask.frozen, e->mask.frozen_count, v->frozen, v->frozen_count, "thawed");
        named += describe_added(&text, v->moving, v->moving_count, e->mask.moving, e->mask.moving_count,
                                "frozen, statistics moving");
    }
    if (named < 1 || named > NAMED_MAX) {
        str_reset(&text);
        describe_whole(&text, label);
    }
    return str_take(&text);
}
