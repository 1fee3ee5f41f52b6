/*
 * freeze_mask.c - masks as people and files write them: names, globs and "all", to states and back.
 *
 * Applying first checks every pattern, so that a typo changes nothing. Describing folds: a container stands
 * for its subtree when everything in it that counts has the same state, and "all" for all but the head.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/nn/freeze.h"

static const char everything[] = "all";

/* ---- lists ---- */

static void names_add(char ***names, size_t *count, const char *name) {
    *names = xreallocarray(*names, *count + 1, sizeof **names);
    (*names)[(*count)++] = xstrdup(name);
}

static void names_clear(char ***names, size_t *count) {
    for (size_t i = 0; i < *count; i++)
        free((*names)[i]);
    free(*names);
    *names = NULL;
    *count = 0;
}

void freeze_mask_add(freeze_mask *mask, const char *pattern, thaw_freeze state) {
    if (state == THAW_FROZEN) names_add(&mask->frozen, &mask->frozen_count, pattern);
    if (state == THAW_STATS_MOVING) names_add(&mask->moving, &mask->moving_count, pattern);
}

void freeze_mask_clear(freeze_mask *mask) {
    names_clear(&mask->frozen, &mask->frozen_count);
    names_clear(&mask->moving, &mask->moving_count);
}

freeze_mask freeze_mask_copy(const freeze_mask *mask) {
    freeze_mask copy = {0};
    for (size_t i = 0; i < mask->frozen_count; i++)
        freeze_mask_add(&copy, mask->frozen[i], THAW_FROZEN);
    for (size_t i = 0; i < mask->moving_count; i++)
        freeze_mask_add(&copy, mask->moving[i], THAW_STATS_MOVING);
    return copy;
}

/* ---- patterns ---- */

thaw_status freeze_unknown(const model *m, const char *pattern) {
    const char **paths = xcalloc(m->order_count, sizeof *paths);
    for (size_t i = 1; i < m->order_count; i++)
        paths[i - 1] = m->order[i]->path;
    const char *nearest = text_nearest(pattern, paths, m->order_count - 1);
    free(paths);
    char *shown = text_escape(pattern);
    thaw_status status =
        nearest ? thaw_error(THAW_ERR_NOT_FOUND, "%s has no layer '%.100s'; did you mean '%s'?",
                             m->arch->name, shown, nearest)
                : thaw_error(THAW_ERR_NOT_FOUND, "%s has no layer '%.100s'; 'thaw layers %s' lists them",
                             m->arch->name, shown, m->arch->name);
    free(shown);
    return status;
}

size_t freeze_matching(model *m, const char *pattern, thaw_freeze state, bool change) {
    bool all = strcmp(pattern, everything) == 0;
    size_t matched = 0;
    for (size_t i = 0; i < m->order_count; i++) {
        layer *l = m->order[i];
        bool root = l == m->root;
        if (all ? l->head : root || !text_glob(pattern, l->path)) continue;
        matched++;
        if (!change) continue;
        if (all)
            l->freeze = state;
        else
            freeze_layer(l, state);
    }
    return matched;
}

thaw_status freeze_apply(model *m, const freeze_mask *mask) {
    const struct {
        char **name;
        size_t count;
        thaw_freeze state;
    } list[] = {{mask->frozen, mask->frozen_count, THAW_FROZEN},
                {mask->moving, mask->moving_count, THAW_STATS_MOVING}};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < list[k].count; i++)
            if (!freeze_matching(m, list[k].name[i], list[k].state, false))
                return freeze_unknown(m, list[k].name[i]);
    freeze_layer(m->root, THAW_TRAINABLE);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < list[k].count; i++)
            freeze_matching(m, list[k].name[i], list[k].state, true);
    return thaw_ok();
}

/* ---- describing ---- */

static void describe(freeze_mask *mask, const layer *l, bool skip_body) {
    bool counts;
    thaw_freeze state = freeze_summary(l, &counts);
    bool body = skip_body && !l->head;
    if (!counts) return;
    if (state != THAW_MIXED && l->parent && !body) {
        freeze_mask_add(mask, l->path, state);
        return;
    }
    /* A root's or mixed container's own parameters have no name of their own to be listed by. */
    for (size_t i = 0; i < l->child_count; i++)
        describe(mask, l->child[i], skip_body);
}

/* The one state of everything that counts outside the head, or THAW_MIXED. */
static thaw_freeze body_state(const model *m) {
    thaw_freeze state = THAW_MIXED;
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *l = m->order[i];
        if (l->head || !freeze_counts(l)) continue;
        if (state != THAW_MIXED && l->freeze != state) return THAW_MIXED;
        state = l->freeze;
    }
    return state;
}

freeze_mask freeze_describe(const model *m) {
    freeze_mask mask = {0};
    thaw_freeze body = body_state(m);
    if (body != THAW_MIXED) freeze_mask_add(&mask, everything, body);
    describe(&mask, m->root, body != THAW_MIXED);
    return mask;
}
