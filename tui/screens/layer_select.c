/*
 * layer_select.c - several layers at once: a range from a mark to the cursor, as visual mode has it, or what
 * a glob matches. What is selected is what the next edit is about.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/screens/layer_pane.h"

int *layer_selection(const layer_pane *p, int *count) {
    int *nodes = xcalloc((size_t)p->tree.count + 1, sizeof *nodes), first, last;
    *count = 0;
    for (int node = 0; p->picked_count && node < p->tree.count; node++)
        if (p->picked[node]) nodes[(*count)++] = node;
    if (p->picked_count) return nodes;
    list_range(&p->list, &first, &last);
    for (int row = first; row <= last && row < p->tree.rows; row++)
        nodes[(*count)++] = p->tree.row[row];
    return nodes;
}

void layer_select_none(layer_pane *p) {
    p->list.anchor = -1;
    free(p->picked);
    p->picked = NULL;
    p->picked_count = 0;
}

/* ---- a range ---- */

void layer_select(app *a, void *self, const char *argument) {
    layer_pane *p = self;
    if (!layer_pane_sync(p)) return;
    if (argument) {
        layer_glob(a, self, argument);
        return;
    }
    int anchor = p->list.anchor;
    layer_select_none(p);
    if (anchor >= 0) return;
    p->list.anchor = p->list.cursor;
    app_say(a, "move to the other end (o: to this one), then Space, f, T; Esc ends the range");
}

bool layer_has_range(app *a, void *self) {
    (void)a;
    return ((layer_pane *)self)->list.anchor >= 0;
}

void layer_other_end(app *a, void *self, const char *argument) {
    (void)a;
    (void)argument;
    layer_pane *p = self;
    int cursor = p->list.cursor;
    list_move(&p->list, p->list.anchor);
    p->list.anchor = cursor;
}

/* ---- a glob ---- */

/* "all" is all but the head, as in a recipe. */
static bool matches(const thaw_layer_info *info, bool leaf, const char *pattern) {
    if (!strcmp(pattern, "all")) return leaf && !info->is_head;
    return text_glob(pattern, info->path);
}

/* Select what PATTERN matches, for as long as it is typed too. */
static void pick(layer_pane *p, const char *pattern) {
    layer_select_none(p);
    if (!*pattern || !layer_pane_sync(p)) return;
    const thaw_layers *layers = p->tree.user;
    p->picked = xcalloc((size_t)p->tree.count + 1, sizeof *p->picked);
    for (int node = 0; node < p->tree.count; node++) {
        const thaw_layer_info *info = thaw_layers_at(layers, node);
        p->picked[node] = matches(info, info->end == node + 1, pattern);
        p->picked_count += p->picked[node];
    }
}

/* The selected layers come out of their folds, and the cursor goes to the first. */
static void reveal(layer_pane *p) {
    int first = -1;
    for (int node = 0; node < p->tree.count; node++)
        if (p->picked[node]) {
            tree_reveal(&p->tree, node);
            if (first < 0) first = node;
        }
    list_set_count(&p->list, p->tree.rows);
    if (first >= 0) list_move(&p->list, tree_row_of(&p->tree, first));
}

static thaw_status accept_glob(app *a, void *user, const char *text) {
    layer_pane *p = user;
    pick(p, text);
    if (!*text || !app_layers(a)) return thaw_ok();
    /* Nothing is changed by it: it only says which layer was probably meant. */
    THAW_TRY(thaw_layers_set_matching(app_layers(a), text, THAW_MIXED, NULL));
    if (!p->picked_count) return thaw_ok();
    reveal(p);
    app_say(a, "%d layer%s selected: Space, f, T; Esc lets go", p->picked_count,
            p->picked_count == 1 ? "" : "s");
    return thaw_ok();
}

static void glob_typed(app *a, void *user, const char *text) {
    pick(user, text);
    app_redraw(a);
}

static void glob_cancelled(app *a, void *user) {
    layer_select_none(user);
    app_redraw(a);
}

static void complete_layer(app *a, void *user, const char *text, str *out) {
    (void)user;
    const thaw_layers *layers = app_layers(a);
    for (int i = 0; layers && i < thaw_layers_count(layers); i++) {
        const char *path = thaw_layers_at(layers, i)->path;
        if (!strncmp(path, text, strlen(text))) str_appendf(out, "%s\n", path);
    }
}

void layer_glob(app *a, void *self, const char *argument) {
    if (argument) {
        thaw_status status = accept_glob(a, self, argument);
        if (thaw_failed(&status)) app_fail(a, &status);
        return;
    }
    prompt_params params = {.label = "select",
                            .hint = "a name or glob: layer2, layer*.0, *.bn?",
                            .accept = accept_glob,
                            .changed = glob_typed,
                            .cancelled = glob_cancelled,
                            .complete = complete_layer,
                            .user = self};
    app_prompt(a, &params);
}
