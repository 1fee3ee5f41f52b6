/*
 * app_view.c - one frame: tabs, the screen's panes, footer; then what lies over them: help, questions,
 * messages.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "tui/app_state.h"
#include "tui/key.h"
#include "tui/text.h"

enum { STATE_LEAST = 12, FACTS_LEAST = 12, TITLED_TABS_COLS = 61 };

static const theme_role state_role[THAW_STATE_COUNT] = {
    [THAW_STATE_IDLE] = ROLE_DIM,      [THAW_STATE_PREPARING] = ROLE_WARN,
    [THAW_STATE_TRAINING] = ROLE_GOOD, [THAW_STATE_EVALUATING] = ROLE_GOOD,
    [THAW_STATE_PAUSED] = ROLE_WARN,   [THAW_STATE_STOPPING] = ROLE_WARN,
};

/* ---- the row of tabs ---- */

/* "resnet18 → hymenoptera_data (2)   cuda": what is chosen, in as many words as fit into COLS. */
static char *facts(const app *a, int cols) {
    const thaw_recipe *r = &a->recipe;
    const run_view *v = &a->live;
    bool data = r->data.path && *r->data.path,
         threads = v->device && v->threads > 1 && !strcmp(v->device, "cpu");
    char *name = text_escape(data ? path_base(r->data.path) : "");
    char *device = threads ? xasprintf("%s ×%d", v->device, v->threads) : xstrdup(v->device ? v->device : "");
    char *classes = app_class_count(a) ? xasprintf(" (%d)", app_class_count(a)) : xstrdup("");
    const char *model = r->model ? r->model : "", *arrow = data ? " → " : "";
    char *variant[] = {
        xasprintf("%s%s%s%s   %s", model, arrow, name, classes, device),
        xasprintf("%s%s%s", model, arrow, name),
        xstrdup(model),
        xstrdup(name),
        xstrdup(""),
    };
    enum { VARIANTS = sizeof variant / sizeof *variant };
    int chosen = 0;
    while (chosen < VARIANTS - 1 && text_columns(variant[chosen]) > cols)
        chosen++;
    char *text = variant[chosen];
    for (int i = 0; i < VARIANTS; i++)
        if (i != chosen) free(variant[i]);
    free(classes);
    free(device);
    free(name);
    return text;
}

static void draw_bar(app *a, canvas *c) {
    rect bar = a->lay.bar;
    if (rect_empty(bar)) return;
    canvas_fill(c, bar, ROLE_BAR);
    int col = bar.col + 1, end = bar.col + bar.cols;
    col += canvas_text(c, bar.row, col, end - col, "thaw", ROLE_ACCENT) + 1;
    canvas_ground(c, bar, ROLE_BAR);
    bool titles = bar.cols >= TITLED_TABS_COLS;
    for (int i = 0; i < SCREEN_COUNT; i++) {
        bool here = i == (int)a->current;
        theme_role role = here ? ROLE_TAB_ACTIVE : ROLE_TAB;
        col += titles || here
                   ? canvas_textf(c, bar.row, col, end - col, role, " %d %s ", i + 1, app_screens[i]->title)
                   : canvas_textf(c, bar.row, col, end - col, role, " %d ", i + 1);
    }
    if (end - col < FACTS_LEAST) return;
    char *text = facts(a, end - col - 2);
    canvas_text_right(c, bar.row, col + 1, end - col - 2, text, ROLE_BAR);
    free(text);
}

/* Which tab is at COL; -1: none. */
int app_tab_at(const app *a, int col) {
    int at = 1 + 4 + 1;
    for (int i = 0; i < SCREEN_COUNT; i++) {
        bool titled = a->lay.bar.cols >= TITLED_TABS_COLS || i == (int)a->current;
        int width = 3 + (titled ? 1 + text_columns(app_screens[i]->title) : 0);
        if (col >= at && col < at + width) return i;
        at += width;
    }
    return -1;
}

static void draw_pane_tabs(app *a, canvas *c) {
    rect row = a->lay.tabs;
    if (rect_empty(row)) return;
    layout_state s = app_layout_state(a);
    pane first = s.focus, p = first;
    int col = row.col + 1;
    for (int pass = 0; pass < PANE_COUNT; pass++) {
        s.focus = p;
        col += canvas_textf(c, row.row, col, row.cols - col, p == first ? ROLE_TITLE : ROLE_DIM, "%s",
                            layout_pane_name(p)) +
               2;
        p = layout_next_focus(&s, 1);
        if (p == first) break;
    }
    canvas_text_right(c, row.row, col, row.cols - col - 1, "Tab", ROLE_FOOTER_KEY);
}

/* ---- footer ---- */

/* "● training  run-17": what the engine does. */
static int draw_state(app *a, canvas *c, rect row) {
    const run_view *v = &a->live;
    str text = {0};
    double part = 0;
    const char *running = app_jobs_running(a, &part);
    if (running && part > 0)
        str_appendf(&text, "%s %.0f %%   ", running, part * 100);
    else if (running)
        str_appendf(&text, "%s   ", running);
    thaw_state state = app_busy(a) ? v->state : THAW_STATE_IDLE;
    const char *word = a->starting && state == THAW_STATE_IDLE ? "starting" : thaw_state_name(state);
    if (v->engine_known && !v->engine_ok && !app_busy(a)) word = "no engine";
    if (!v->engine_known && a->session && !a->starting) word = "loading engine";
    size_t before = str_text(&text)[0] ? (size_t)text_columns(str_text(&text)) : 0;
    str_appendf(&text, "● %s%s", word, app_attached(a) ? ", attached" : "");
    if (app_busy(a) && v->run && a->lay.kind == LAYOUT_WIDE) str_appendf(&text, "  %s", v->run);
    int width = text_columns(str_text(&text));
    if (width > row.cols / 2) width = row.cols / 2;
    if (row.cols < 2 * STATE_LEAST) width = 0;
    int col = row.col + row.cols - width - 1;
    if (width) {
        canvas_text(c, row.row, col, width, str_text(&text), ROLE_FOOTER);
        canvas_put(c, row.row, col + (int)before, 0x25cf, state_role[state]);
    }
    str_clear(&text);
    return width ? width + 3 : 0;
}

static int draw_keys(app *a, canvas *c, rect row, int col, const action_table *table) {
    char text[KEY_NAME_MAX];
    for (size_t i = 0; i < table->count; i++) {
        const action *item = &table->item[i];
        int code = item->word && action_valid(item, table, a) ? action_key(item, table, a) : K_NONE;
        if (code == K_NONE) continue;
        const char *key = key_text(code, text);
        int width = text_columns(key) + 1 + text_columns(item->word);
        if (col + width > row.col + row.cols) return -1;
        col += canvas_text(c, row.row, col, width, key, ROLE_FOOTER_KEY) + 1;
        col += canvas_text(c, row.row, col, width, item->word, ROLE_FOOTER) + 2;
    }
    return col;
}

static void draw_footer(app *a, canvas *c) {
    rect row = a->lay.footer;
    int used = draw_state(a, c, row);
    rect keys = rect_inset(row, 0, used, 0, 0);
    action_table general = app_table(a), own = app_screen_table(a);
    /* "? help" is the one a person must see: it gets its place before the rest. */
    static const char word[] = "help";
    char key[KEY_NAME_MAX];
    key_first(action_by_name(&general, word, NULL)->keys, key);
    int key_columns = text_columns(key), help_width = key_columns + 1 + (int)sizeof word + 1;
    if (keys.cols < help_width + 2) return;
    int help_col = keys.col + keys.cols - help_width;
    rect rest = rect_inset(keys, 0, help_width + 1, 0, 0);
    int col = draw_keys(a, c, rest, keys.col + 1, &own);
    if (col >= 0) col = draw_keys(a, c, rest, col, &general);
    if (col >= 0) help_col = col;
    int at = help_col + canvas_text(c, row.row, help_col, key_columns, key, ROLE_FOOTER_KEY);
    canvas_text(c, row.row, at + 1, (int)sizeof word - 1, word, ROLE_FOOTER);
}

/* Under 20×5 there is one line, and this is it. */
static void draw_tiny(app *a, canvas *c) {
    const run_view *v = &a->live;
    const run_epoch *last = run_view_last_epoch(v);
    str text = {0};
    if (!v->begun) {
        str_append(&text, "thaw");
    } else {
        str_appendf(&text, "%s %d/%d", app_busy(a) ? thaw_state_name(v->state) : "ended", v->epoch + 1,
                    v->epochs);
        if (isfinite(v->loss)) str_appendf(&text, " loss %.3f", v->loss);
        if (last && isfinite(last->val_top1)) str_appendf(&text, " val %.1f%%", last->val_top1 * 100);
    }
    canvas_text(c, a->lay.footer.row, 0, a->lay.footer.cols, str_text(&text), ROLE_TEXT);
    str_clear(&text);
}

/* ---- what lies over the panes ---- */

/* A message takes the place of the footer's keys, and what the engine does stays beside it; one too long for
 * that takes the whole row and grows upwards over the panes. */
static void draw_message(app *a, canvas *c) {
    if (!a->message || rect_empty(a->lay.footer)) return;
    rect whole = a->lay.screen;
    int width = whole.cols - 2;
    if (width < 1) return;
    int rows = canvas_paragraph(c, (rect){0, 0, 0, width}, a->message, a->message_role);
    if (rows < 1) rows = 1;
    if (rows > whole.rows) rows = whole.rows;
    rect place = {whole.rows - rows, 0, rows, whole.cols};
    canvas_fill(c, place, ROLE_TEXT);
    if (rows == 1) {
        int state = draw_state(a, c, place);
        if (text_columns(a->message) > width - state) canvas_fill(c, place, ROLE_TEXT);
    }
    canvas_paragraph(c, rect_inset(place, 0, 1, 0, 1), a->message, a->message_role);
}

layout_state app_layout_state(const app *a) {
    const screen *s = app_screens[a->current];
    void *self = a->state[a->current];
    layout_state state = {.form = s->form,
                          .focus = a->focus[a->current],
                          .log = self && s->log && s->log(self),
                          .profile = self && s->profile && s->profile(self)};
    memcpy(state.share, a->share[s->form], sizeof state.share);
    return state;
}

void app_draw(app *a) {
    canvas *c = &a->frame;
    canvas_erase(c);
    layout_state s = app_layout_state(a);
    int strip = app_get_rows(a); /* below everything else */
    a->lay = layout_compute(c->rows - strip, c->cols, &s);
    if (a->lay.kind == LAYOUT_TINY) {
        draw_tiny(a, c);
    } else {
        draw_bar(a, c);
        draw_pane_tabs(a, c);
        const screen *now = app_screens[a->current];
        if (now->draw) now->draw(a, a->state[a->current], c, &a->lay);
        c->clip = a->lay.screen;
        draw_footer(a, c);
        rect former = c->clip;
        rect bottom = {c->rows - strip, 0, strip, c->cols};
        c->clip = bottom;
        app_get_draw(a, c, bottom);
        c->clip = former;
    }
    app_calm_hold(a);
    if (a->tour || a->greeting) app_tour_draw(a, c);
    if (a->help_open) app_help_draw(a, c);
    draw_message(a, c);
    if (a->ask_line.open) prompt_draw(&a->ask_line, c, a->lay.screen);
    if (a->ask_box.open) dialog_draw(&a->ask_box, c, a->lay.screen);
    term_show(a->term, c, -1, -1);
}
