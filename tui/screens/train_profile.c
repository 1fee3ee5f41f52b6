/*
 * train_profile.c - the Train tab's pane of where the time goes: phases of the newest epoch and of the whole
 * run, and what each stage of the model takes. Phases and stages stand side by side where there is room, else
 * below each other.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/key.h"
#include "tui/screens/train.h"
#include "tui/widgets/scrollbar.h"

enum {
    LABEL_COLUMNS = 15,
    SECONDS_COLUMNS = 8,
    SHARE_COLUMNS = 6,
    PHASES_COLUMNS = LABEL_COLUMNS + 2 * (SECONDS_COLUMNS + SHARE_COLUMNS),
    STAGES_COLUMNS = 28, /* at least */
    TIME_COLUMNS = 9,
    GAP = 2,
    LINES_MAX = 2 * THAW_PHASE_COUNT + RUN_PROFILE_STAGES_MAX,
};
static const double percent = 100, least_shown = 0.0005; /* seconds */

/* What is shown; a line is drawn by its own function. */
typedef struct view {
    canvas *c;
    const run_profile *epoch, *run;
    const run_view *of;
} view;

typedef struct profile_line {
    void (*draw)(const view *v, rect row, size_t index);
    size_t index;
} profile_line;

typedef struct profile_lines {
    profile_line *line;
    size_t count, capacity;
} profile_lines;

static void add_line(profile_lines *l, void (*draw)(const view *, rect, size_t), size_t index) {
    l->line = vec_reserve(l->line, &l->capacity, l->count + 1, sizeof *l->line);
    l->line[l->count++] = (profile_line){draw, index};
}

/* ---- phases ---- */

static void draw_time(const view *v, rect row, int at, const run_profile *p, double seconds) {
    char text[NUMBER_TEXT_MAX];
    double share = run_profile_share(p, seconds);
    int col = row.col + at;
    canvas_text_right(v->c, row.row, col, SECONDS_COLUMNS, text_duration(seconds, text), ROLE_TEXT);
    char *part = xasprintf("%.0f %%", percent * share);
    canvas_text_right(v->c, row.row, col + SECONDS_COLUMNS, SHARE_COLUMNS, part,
                      share > 0.5 ? ROLE_STRONG : ROLE_DIM);
    free(part);
}

static void draw_pair(const view *v, rect row, const char *label, double epoch, double run) {
    canvas_text(v->c, row.row, row.col, LABEL_COLUMNS - 1, label, ROLE_TEXT);
    draw_time(v, row, LABEL_COLUMNS, v->epoch, epoch);
    draw_time(v, row, LABEL_COLUMNS + SECONDS_COLUMNS + SHARE_COLUMNS, v->run, run);
}

static void draw_phase_heading(const view *v, rect row, size_t index) {
    (void)index;
    int half = SECONDS_COLUMNS + SHARE_COLUMNS;
    char *epoch = xasprintf("epoch %d", v->epoch->epoch + 1);
    canvas_text_right(v->c, row.row, row.col + LABEL_COLUMNS, half, epoch, ROLE_HEADING);
    canvas_text_right(v->c, row.row, row.col + LABEL_COLUMNS + half, half, "the run", ROLE_HEADING);
    free(epoch);
}

static void draw_phase(const view *v, rect row, size_t index) {
    draw_pair(v, row, run_profile_label((thaw_phase)index), v->epoch->phase[index], v->run->phase[index]);
}

static void draw_whole(const view *v, rect row, size_t index) {
    (void)index;
    draw_pair(v, row, "all of it", v->epoch->seconds, v->run->seconds);
}

/* Of the loader's threads: their seconds are no part of those above. */
static void draw_loading(const view *v, rect row, size_t index) {
    char decode[NUMBER_TEXT_MAX], transform[NUMBER_TEXT_MAX];
    (void)index;
    canvas_textf(v->c, row.row, row.col, row.cols, ROLE_DIM, "on %d threads: decode %s, resize %s",
                 v->epoch->workers, text_duration(v->epoch->decode, decode),
                 text_duration(v->epoch->transform, transform));
}

/* Of the thread that does it beside training. */
static void draw_writing(const view *v, rect row, size_t index) {
    char epoch[NUMBER_TEXT_MAX], run[NUMBER_TEXT_MAX];
    (void)index;
    canvas_textf(v->c, row.row, row.col, row.cols, ROLE_DIM, "on a thread: checkpoints %s, in all %s",
                 text_duration(v->epoch->write, epoch), text_duration(v->run->write, run));
}

/* Of outputs of frozen layers, now. */
static void draw_kept(const view *v, rect row, size_t index) {
    char bytes[NUMBER_TEXT_MAX], budget[NUMBER_TEXT_MAX], stored[NUMBER_TEXT_MAX];
    (void)index;
    text_bytes((double)v->of->cached_bytes, bytes);
    text_bytes((double)v->of->cached_budget, budget);
    canvas_textf(v->c, row.row, row.col, row.cols, ROLE_DIM, "kept: %s of at most %s, on disk %s", bytes,
                 budget, text_bytes((double)v->of->cached_stored, stored));
}

static void draw_inexact(const view *v, rect row, size_t index) {
    (void)index;
    canvas_text(v->c, row.row, row.col, row.cols, "the device was not waited for all of the time", ROLE_WARN);
}

static void phase_lines(const view *v, profile_lines *l) {
    add_line(l, draw_phase_heading, 0);
    for (size_t i = 0; i < THAW_PHASE_COUNT; i++)
        if (v->run->phase[i] >= least_shown || i == THAW_PHASE_OTHER) add_line(l, draw_phase, i);
    add_line(l, draw_whole, 0);
    if (v->epoch->decode + v->epoch->transform > 0) add_line(l, draw_loading, 0);
    if (v->run->write >= least_shown) add_line(l, draw_writing, 0);
    if (v->of->cached_layer) add_line(l, draw_kept, 0);
    if (!v->run->exact) add_line(l, draw_inexact, 0);
}

/* ---- stages ---- */

static int stage_columns(rect row) {
    return row.cols - 2 * TIME_COLUMNS;
}

static void draw_stage_heading(const view *v, rect row, size_t index) {
    (void)index;
    int name = stage_columns(row);
    canvas_textf(v->c, row.row, row.col, name, ROLE_HEADING, "epoch %d", v->epoch->epoch + 1);
    canvas_text_right(v->c, row.row, row.col + name, TIME_COLUMNS, "forward", ROLE_HEADING);
    canvas_text_right(v->c, row.row, row.col + name + TIME_COLUMNS, TIME_COLUMNS, "backward", ROLE_HEADING);
}

static void draw_stage(const view *v, rect row, size_t index) {
    char text[NUMBER_TEXT_MAX];
    const thaw_stage_time *stage = &v->epoch->stage[index];
    int name = stage_columns(row);
    canvas_text(v->c, row.row, row.col, name - 1, stage->path, ROLE_TEXT);
    canvas_text_right(v->c, row.row, row.col + name, TIME_COLUMNS, text_duration(stage->forward, text),
                      ROLE_TEXT);
    bool passed = isfinite(stage->backward);
    canvas_text_right(v->c, row.row, row.col + name + TIME_COLUMNS, TIME_COLUMNS,
                      passed ? text_duration(stage->backward, text) : "-", passed ? ROLE_TEXT : ROLE_DIM);
}

static void draw_no_stages(const view *v, rect row, size_t index) {
    (void)index;
    canvas_text(v->c, row.row, row.col, row.cols, "stages: in the next figures", ROLE_DIM);
}

static void stage_lines(const view *v, profile_lines *l) {
    if (!v->epoch->stage_count) {
        add_line(l, draw_no_stages, 0);
        return;
    }
    add_line(l, draw_stage_heading, 0);
    for (size_t i = 0; i < v->epoch->stage_count; i++)
        add_line(l, draw_stage, i);
}

/* ---- the pane ---- */

static int scrolled(int top, int count, int rows) {
    if (top > count - rows) top = count - rows;
    return top < 0 ? 0 : top;
}

static void draw_lines(const view *v, rect in, const profile_lines *l, int top) {
    for (int i = 0; i < in.rows && top + i < (int)l->count; i++)
        l->line[top + i].draw(v, rect_row(in, i), l->line[top + i].index);
    scrollbar_draw(v->c, (rect){in.row, in.col, in.rows, in.cols + 1}, top, (int)l->count);
}

static void draw_measured(train_state *s, const view *v, rect in) {
    bool beside = in.cols >= PHASES_COLUMNS + GAP + STAGES_COLUMNS;
    profile_lines phases = {0}, stages = {0};
    phase_lines(v, &phases);
    stage_lines(v, beside ? &stages : &phases);
    const profile_lines *moving = beside ? &stages : &phases;
    s->profile_page = in.rows;
    s->profile_top = scrolled(s->profile_top, (int)moving->count, in.rows);
    rect right = rect_inset(in, 0, 0, 0, PHASES_COLUMNS + GAP), left = in;
    if (beside) {
        left.cols = PHASES_COLUMNS;
        draw_lines(v, left, &phases, 0);
    }
    draw_lines(v, beside ? right : in, moving, s->profile_top);
    free(phases.line);
    free(stages.line);
}

void train_draw_profile(app *a, train_state *s, canvas *c, const layout *l) {
    rect place = l->pane[PANE_PROFILE];
    if (rect_empty(place)) return;
    const run_view *v = app_live(a);
    rect in = canvas_frame(c, place, "where time goes", v->device ? v->device : "",
                           l->flags[PANE_PROFILE] | (app_focus(a) == PANE_PROFILE ? FRAME_FOCUS : 0));
    rect former = canvas_clip(c, in);
    in = rect_inset(in, 0, 1, 0, 1);
    view shown = {.c = c, .epoch = &v->epoch_profile, .run = &v->profile, .of = v};
    if (v->epoch_profile.events)
        draw_measured(s, &shown, in);
    else if (app_busy(a))
        canvas_paragraph(c, in,
                         "The first figures come when an epoch is over, or after 10 seconds of training.",
                         ROLE_DIM);
    else
        canvas_paragraph(
            c, in,
            "Nothing was measured yet. R trains the recipe; what its time went into is said here "
            "after each epoch.",
            ROLE_DIM);
    canvas_unclip(c, former);
}

bool train_profile_key(train_state *s, int key) {
    int page = s->profile_page > 1 ? s->profile_page - 1 : 1;
    switch (key) {
    case K_UP:
    case 'k':
        s->profile_top--;
        break;
    case K_DOWN:
    case 'j':
        s->profile_top++;
        break;
    case K_PGUP:
        s->profile_top -= page;
        break;
    case K_PGDN:
        s->profile_top += page;
        break;
    case K_HOME:
        s->profile_top = 0;
        break;
    case K_END:
        s->profile_top = LINES_MAX;
        break;
    default:
        return false;
    }
    if (s->profile_top < 0) s->profile_top = 0; /* too far down is seen to when it is drawn */
    return true;
}
