/*
 * recipe_beside.c - see recipe_beside.h. The other recipe is read once; the differences are made at each
 * drawing, so that they follow the form.
 */
#include "tui/screens/recipe_beside.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"

void recipe_beside_clear(recipe_beside *b) {
    if (b->name) thaw_recipe_clear(&b->other);
    free(b->name);
    *b = (recipe_beside){0};
}

thaw_status recipe_beside_diff(recipe_beside *b, app *a, const char *name) {
    const run_view *live = app_live(a);
    thaw_recipe other;
    if (!name && live->begun && live->folder) name = live->folder;
    if (!name) name = "last";
    THAW_TRY(thaw_recipe_named(app_runs_folder(a), name, &other));
    recipe_beside_clear(b);
    b->diff = true;
    b->name = text_escape(path_base(name));
    b->other = other;
    return thaw_ok();
}

void recipe_beside_command(recipe_beside *b) {
    recipe_beside_clear(b);
    b->command = true;
}

static void draw_difference(facts *f, const thaw_recipe_difference *d) {
    char *here = text_escape(d->a[0] ? d->a : "[]"), *there = text_escape(d->b[0] ? d->b : "[]");
    if (d->decided)
        facts_text(f, ROLE_DIM, "%s: %s; there %s, decided by the run", d->field->key, here, there);
    else
        facts_text(f, ROLE_TEXT, "%s: %s; there %s", d->field->key, here, there);
    free(here);
    free(there);
}

static void draw_differences(const recipe_beside *b, app *a, facts *f) {
    size_t count;
    char *title = xasprintf("Against %s", b->name);
    facts_heading(f, title);
    free(title);
    thaw_recipe_difference *list = thaw_recipe_compare(app_recipe(a), &b->other, &count);
    for (int decided = 0; decided < 2; decided++) /* what somebody wanted comes first */
        for (size_t i = 0; i < count; i++)
            if (list[i].decided == (decided == 1)) draw_difference(f, &list[i]);
    if (!count) facts_text(f, ROLE_GOOD, "no difference");
    thaw_recipe_differences_free(list, count);
}

static void draw_command(app *a, facts *f) {
    char *line = thaw_recipe_command_line(app_recipe(a)), *shown = text_escape(line);
    facts_heading(f, "The same as a command");
    facts_text(f, ROLE_TEXT, "%s", shown);
    free(shown);
    free(line);
}

void recipe_beside_draw(const recipe_beside *b, app *a, facts *f) {
    if (b->diff) draw_differences(b, a, f);
    if (b->command) draw_command(a, f);
    if (b->diff || b->command) facts_gap(f);
}
