/*
 * runs.c - the Runs tab: the runs on this machine, the curves of the one under the cursor, and what can be
 * done with it: lay it over the chart, attach to it, go on with it, take its recipe, delete it.
 *
 * The list is read in a job each time the tab is shown, and when it is seen to be true no more (runs_list.h);
 * the first time in brief, so that the curves are soon there.
 * The curves are replayed from the run's events in another, and a run that some other process is training
 * goes on growing here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "tui/app.h"
#include "tui/key.h"
#include "tui/screens/facts.h"
#include "tui/screens/run_preview.h"
#include "tui/screens/runs_list.h"
#include "tui/widgets/list.h"

typedef struct runs {
    app *app;
    list list;
    runs_list runs;
    char *kept; /* the folder of the run under the cursor, while the list is exchanged */
    run_preview preview;
    facts_scroll details;
} runs;

static const thaw_run_info *current(const runs *s) {
    return s->list.count ? &s->runs.run[s->list.cursor] : NULL;
}

/* The cursor stays on the run it was on. */
static void list_leaving(app *a, void *self) {
    runs *s = self;
    (void)a;
    free(s->kept);
    s->kept = current(s) ? xstrdup(current(s)->folder) : NULL;
}

static void list_changed(app *a, void *self) {
    runs *s = self;
    list_set_count(&s->list, (int)s->runs.count);
    for (size_t i = 0; s->kept && i < s->runs.count; i++)
        if (!strcmp(s->runs.run[i].folder, s->kept)) list_move(&s->list, (int)i);
    free(s->kept);
    s->kept = NULL;
    run_preview_show(&s->preview, a, current(s));
    app_redraw(a);
}

/* ---- the list ---- */

enum {
    COLUMN_GHOST,
    COLUMN_WHEN,
    COLUMN_MASK,
    COLUMN_TOP1,
    COLUMN_STATE,
    COLUMN_MODEL,
    COLUMN_DATA,
    COLUMN_EPOCHS
};

/* The id is in the title beside; what tells runs apart is when they began and what they trained. */
static const list_column columns[] = {
    [COLUMN_GHOST] = {"", 1, 0, false, 0},        [COLUMN_WHEN] = {"started", 11, 0, false, 2},
    [COLUMN_MASK] = {"trained", 0, 10, false, 0}, [COLUMN_TOP1] = {"top-1", 6, 0, true, 0},
    [COLUMN_STATE] = {"", 10, 0, false, 3},       [COLUMN_MODEL] = {"model", 15, 0, false, 4},
    [COLUMN_DATA] = {"images", 14, 0, false, 5},  [COLUMN_EPOCHS] = {"epochs", 7, 0, true, 6},
};

/* "11-25 00:46", with the year when WHOLE. */
static void append_time(str *out, double seconds, bool whole) {
    time_t at = (time_t)seconds;
    struct tm t;
    if (!(seconds > 0) || !localtime_r(&at, &t)) {
        str_append(out, "-");
        return;
    }
    if (whole) str_appendf(out, "%d-", t.tm_year + 1900);
    str_appendf(out, "%02d-%02d %02d:%02d", t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min);
}

static void append_safe(str *out, const char *text) {
    char *safe = text_escape(text ? text : "-");
    str_append(out, safe);
    free(safe);
}

static void cell(void *user, int row, int column, str *out, theme_role *role) {
    const runs *s = user;
    const thaw_run_info *r = &s->runs.run[row];
    const app_ghost *ghost = app_ghost_find(s->app, r->folder);
    switch (column) {
    case COLUMN_GHOST:
        if (!ghost || !ghost->shown) break;
        str_append_n(out, &ghost->letter, 1);
        *role = ghost->role;
        break;
    case COLUMN_WHEN:
        append_time(out, r->started, false);
        break;
    case COLUMN_MODEL:
        append_safe(out, r->model);
        break;
    case COLUMN_DATA:
        append_safe(out, r->data ? path_base(r->data) : NULL);
        break;
    case COLUMN_MASK:
        append_safe(out, r->mask_label);
        break;
    case COLUMN_EPOCHS:
        str_appendf(out, "%d/%d", r->epochs_done, r->epochs);
        break;
    case COLUMN_TOP1:
        if (isnan(r->best_val_top1))
            str_append(out, "-");
        else
            str_appendf(out, "%.3f", r->best_val_top1);
        break;
    case COLUMN_STATE:
        append_safe(out, r->problem ? "broken" : r->reason);
        if (r->problem || (r->reason && (!strcmp(r->reason, "died") || !strcmp(r->reason, "error"))))
            *role = ROLE_BAD;
        if (runs_list_is_on(r)) *role = ROLE_GOOD;
        break;
    }
}

static void draw_list(app *a, runs *s, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_LIST])) return;
    bool focus = app_focus(a) == PANE_LIST;
    char *note = s->runs.known && s->runs.count ? xasprintf("%zu", s->runs.count) : NULL;
    rect inner =
        canvas_frame(c, l->pane[PANE_LIST], "Runs", note, l->flags[PANE_LIST] | (focus ? FRAME_FOCUS : 0));
    free(note);
    list_look look = {
        .column = columns,
        .columns = sizeof columns / sizeof columns[0],
        .cell = cell,
        .user = s,
        .focus = focus,
        .empty = s->runs.problem ? s->runs.problem
                 : s->runs.known ? "No run yet. 4 shows the recipe, R trains it; B trains the bundled demo."
                                 : "Reading the list of runs ...",
    };
    list_draw(&s->list, c, inner, &look);
}

/* ---- details ---- */

static void describe(facts *f, const thaw_run_info *r) {
    str when = {0};
    append_time(&when, r->started, true);
    facts_line(f, "started", "%s", str_text(&when));
    str_clear(&when);
    facts_line(f, "ended", "%s", r->reason ? r->reason : "-");
    facts_line(f, "model", "%s, %s", r->model ? r->model : "-", r->weights ? r->weights : "random weights");
    facts_line(f, "images", "%s", r->data ? r->data : "-");
    facts_line(f, "trained", "%s", r->mask_label ? r->mask_label : "-");
    if (!isnan(r->best_val_top1))
        facts_line(f, "best top-1", "%.4f in epoch %d of %d", r->best_val_top1, r->best_epoch + 1, r->epochs);
    if (!isnan(r->last_train_loss))
        facts_line(f, "last loss", "train %.4f, val %.4f", r->last_train_loss, r->last_val_loss);
    if (r->problem) facts_text(f, ROLE_BAD, "%s", r->problem);
    facts_line(f, "folder", "%s", r->folder);
}

static void draw_details(app *a, runs *s, canvas *c, const layout *l) {
    enum { CHART_ROWS_LEAST = 6 };
    if (rect_empty(l->pane[PANE_DETAIL])) return;
    const thaw_run_info *r = current(s);
    bool focus = app_focus(a) == PANE_DETAIL;
    rect inner =
        canvas_frame(c, l->pane[PANE_DETAIL], r ? r->id : "Run", r ? run_preview_note(&s->preview) : NULL,
                     l->flags[PANE_DETAIL] | (focus ? FRAME_FOCUS : 0));
    if (!r) {
        canvas_paragraph(
            c, rect_inset(inner, 0, 1, 0, 1),
            "What a run was made with, what it scored and its curves show here. R trains the recipe, B "
            "the bundled demo.",
            ROLE_DIM);
        return;
    }
    /* Facts above, the curves in what is left below them. */
    int known = s->details.rows, above = known ? known : inner.rows / 2;
    if (inner.rows - above < CHART_ROWS_LEAST) above = inner.rows;
    facts f = facts_begin(c, (rect){inner.row, inner.col, above, inner.cols}, &s->details);
    describe(&f, r);
    facts_end(&f);
    if (s->details.rows != known) app_redraw(a);
    rect rest = {inner.row + above, inner.col, inner.rows - above, inner.cols};
    if (!rect_empty(rest)) run_preview_draw(&s->preview, a, c, rest);
}

/* ---- the screen ---- */

static void *runs_init(app *a) {
    runs *s = xcalloc(1, sizeof *s);
    s->app = a;
    s->list.anchor = -1;
    s->runs.leaving = list_leaving;
    s->runs.changed = list_changed;
    s->runs.user = s;
    run_preview_init(&s->preview);
    return s;
}

static void runs_free(void *self) {
    runs *s = self;
    run_preview_clear(&s->preview);
    runs_list_clear(&s->runs);
    free(s->kept);
    free(s);
}

static void runs_show(app *a, void *self) {
    runs_list_read(&((runs *)self)->runs, a);
}

static void runs_changed(app *a, void *self) {
    if (app_current(a) == SCREEN_RUNS) app_redraw(a);
    (void)self;
}

/* A run begins or ends: the list is another one. */
static void runs_event(app *a, void *self, const thaw_event *e) {
    bool news = e->kind == THAW_EVENT_BEGIN || e->kind == THAW_EVENT_END || e->kind == THAW_EVENT_EPOCH;
    if (news && app_current(a) == SCREEN_RUNS) runs_list_read(&((runs *)self)->runs, a);
}

/* What other processes do: a run that began or died, and what the one under the cursor has learned since. */
static void runs_tick(app *a, void *self) {
    runs *s = self;
    if (!s->preview.loading) runs_list_complete(&s->runs, a);
    runs_list_look(&s->runs, a);
    if (run_preview_grow(&s->preview)) app_redraw(a);
}

static void runs_draw(app *a, void *self, canvas *c, const layout *l) {
    draw_list(a, self, c, l);
    draw_details(a, self, c, l);
}

static bool runs_key(app *a, void *self, int key) {
    runs *s = self;
    const thaw_run_info *before = current(s);
    if (app_focus(a) == PANE_DETAIL) return facts_key(&s->details, key);
    app_mouse m = app_mouse_at(a);
    bool taken = key == K_MOUSE ? list_click(&s->list, m.row, m.col) : list_key(&s->list, key);
    if (!taken) return false;
    if (current(s) != before) {
        s->details.skip = 0;
        run_preview_show(&s->preview, a, current(s));
    }
    return true;
}

/* ---- actions ---- */

static bool have_run(app *a, void *self) {
    (void)a;
    return current(self) != NULL;
}

static bool can_resume(app *a, void *self) {
    const thaw_run_info *r = current(self);
    return r && !app_busy(a) && !runs_list_is_on(r);
}

/* Another process trains it, or this one does and its curves are one tab away. */
static bool is_on(app *a, void *self) {
    const thaw_run_info *r = current(self);
    (void)a;
    return r && runs_list_is_on(r);
}

static void do_attach(app *a, void *self, const char *argument) {
    const char *folder = current(self)->folder, *live = app_live(a)->folder;
    (void)argument;
    if (app_busy(a) && live && !strcmp(live, folder))
        app_go(a, SCREEN_TRAIN);
    else
        app_attach(a, folder);
}

static void do_ghost(app *a, void *self, const char *argument) {
    const char *folder = current(self)->folder;
    (void)argument;
    app_ghost_toggle(a, folder);
    const app_ghost *ghost = app_ghost_find(a, folder);
    const run_view *v = app_live(a);
    if (v->folder && !strcmp(v->folder, folder))
        app_say(a, "this run is the one on the chart; it is a ghost there when the next begins");
    else
        app_say(a, ghost && !ghost->shown ? "taken off the chart" : "laid over the chart: 5 shows it");
}

static void do_resume(app *a, void *self, const char *argument) {
    (void)argument;
    app_resume_run(a, current(self)->folder);
}

static void do_recipe(app *a, void *self, const char *argument) {
    const thaw_run_info *info = current(self);
    thaw_recipe r;
    (void)argument;
    thaw_status status = thaw_run_recipe(info->folder, &r);
    if (thaw_failed(&status)) {
        app_fail(a, &status);
        return;
    }
    app_recipe_replace(a, &r);
    thaw_recipe_clear(&r);
    app_say(a, "the recipe of %s is the recipe now; 4 shows it", info->id);
}

static void deletion_answered(app *a, void *user, int key) {
    runs *s = user;
    const thaw_run_info *r = current(s);
    if (key != 'd' || !r) return;
    const app_ghost *ghost = app_ghost_find(a, r->folder);
    if (ghost && ghost->shown) app_ghost_toggle(a, r->folder);
    run_preview_show(&s->preview, a, NULL);
    thaw_status status = thaw_run_delete(r->folder);
    if (thaw_failed(&status))
        app_fail(a, &status);
    else
        app_say(a, "%s is deleted", r->id);
    runs_list_read(&s->runs, a);
}

static void do_delete(app *a, void *self, const char *argument) {
    const thaw_run_info *r = current(self);
    (void)argument;
    if (runs_list_is_on(r)) {
        app_warn(a, "%s is on and cannot be deleted; Enter shows it, and s there stops it", r->id);
        return;
    }
    char *text = xasprintf("Delete run %s with its checkpoints? This cannot be undone.", r->id);
    dialog_params ask = {
        .title = "Delete",
        .text = text,
        .answer = {{'d', "delete it"}, {'k', "keep it"}},
        .answered = deletion_answered,
        .user = self,
    };
    app_ask(a, &ask);
    free(text);
}

static void do_reload(app *a, void *self, const char *argument) {
    (void)argument;
    runs_list_read(&((runs *)self)->runs, a);
}

static void do_diff(app *a, void *self, const char *argument) {
    app_diff(a, argument ? argument : current(self)->folder);
}

static const action actions[] = {
    {"ghost", "Space g", "ghost", "lay the run over the chart of the Train tab, or take it away", NULL,
     have_run, do_ghost},
    {"attach", "Enter a", "attach", "watch and steer the run, which is being trained", NULL, is_on,
     do_attach},
    {"resume", "r", "go on", "go on with the run from its last checkpoint", NULL, can_resume, do_resume},
    {"take-recipe", "Enter u", "take recipe", "make the run's recipe the one under edit", NULL, have_run,
     do_recipe},
    {"compare", "=", "diff", "what the recipe under edit and the run's differ in", NULL, have_run, do_diff},
    {"delete-run", "d Delete", "delete", "delete the run, after asking", NULL, have_run, do_delete},
    {"reload-runs", "F5", NULL, "read the list of runs again", NULL, NULL, do_reload},
};

const screen screen_runs = {
    .title = "Runs",
    .form = LAYOUT_LIST,
    .actions = actions,
    .action_count = sizeof actions / sizeof actions[0],
    .init = runs_init,
    .free = runs_free,
    .show = runs_show,
    .draw = runs_draw,
    .key = runs_key,
    .changed = runs_changed,
    .event = runs_event,
    .tick = runs_tick,
};
