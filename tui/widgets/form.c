/*
 * form.c - see form.h.
 */
#include "tui/widgets/form.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/key.h"
#include "tui/text.h"
#include "tui/widgets/path_complete.h"
#include "tui/widgets/scrollbar.h"

enum { LABEL_COLUMNS = 20, LABEL_LEAST = 8, MARGIN = 1, GAP = 2, NUMBER_MAX = 40 };

void form_init(form *f, const form_field *fields, int count) {
    *f = (form){.field = fields, .count = count, .problem_at = -1};
}

void form_clear(form *f) {
    line_clear(&f->line);
    free(f->problem);
    *f = (form){0};
}

static bool is_shown(const form *f, int index) {
    return !f->hidden || !f->hidden(f->user, &f->field[index]);
}

static bool can_have_cursor(const form *f, int index) {
    return index >= 0 && index < f->count && f->field[index].kind != FIELD_HEADING && is_shown(f, index);
}

/* The next field from FROM on in direction STEP that can have the cursor; FROM's neighbourhood when there is
 * none. */
static int seek(const form *f, int from, int step) {
    int at = from;
    while (at >= 0 && at < f->count && !can_have_cursor(f, at))
        at += step;
    return can_have_cursor(f, at) ? at : f->cursor;
}

const form_field *form_current(const form *f) {
    return can_have_cursor(f, f->cursor) ? &f->field[f->cursor] : NULL;
}

static void set_problem(form *f, const thaw_status *status) {
    free(f->problem);
    f->problem = status ? xstrdup(status->message) : NULL;
    f->problem_at = status ? f->cursor : -1;
}

static bool store(form *f, const char *text) {
    thaw_status status = f->set(f->user, &f->field[f->cursor], text);
    set_problem(f, thaw_failed(&status) ? &status : NULL);
    return !thaw_failed(&status);
}

static char *value_of(const form *f, int index) {
    str text = {0};
    f->get(f->user, &f->field[index], &text);
    return str_take(&text);
}

void form_edit(form *f) {
    if (!form_current(f)) return;
    char *value = value_of(f, f->cursor);
    line_set(&f->line, value);
    free(value);
    f->editing = true;
    set_problem(f, NULL);
}

/* ---- stepping ---- */

static int choice_count(const form_field *field) {
    int count = 0;
    while (field->choice && field->choice[count])
        count++;
    return count;
}

static void step_choice(form *f, const form_field *field, const char *value, int step) {
    int count = choice_count(field), at = -1;
    for (int i = 0; i < count; i++)
        if (!strcmp(field->choice[i], value)) at = i;
    if (!count) return;
    at = at < 0 ? 0 : (at + step + count) % count; /* a value that is none of them: begin with the first */
    store(f, field->choice[at]);
}

/* The next of 1, 2, 5, 10, ... above or below VALUE. */
static double next_nice(double value, int step) {
    static const double mantissa[] = {1, 2, 5, 10};
    if (!(value > 0)) return step > 0 ? 1e-4 : 0;
    double power = pow(10, floor(log10(value) + 1e-9)), part = value / power;
    if (step > 0) {
        for (int i = 0; i < 4; i++)
            if (mantissa[i] > part * (1 + 1e-6)) return mantissa[i] * power;
    }
    for (int i = 3; i >= 0; i--)
        if (mantissa[i] < part * (1 - 1e-6)) return mantissa[i] * power;
    return power / 2;
}

static void step_number(form *f, const form_field *field, const char *value, int step) {
    char *end;
    double number = strtod(value, &end);
    if (end == value) number = field->least;
    bool whole = field->kind == FIELD_INTEGER;
    double by = field->step != 0 ? field->step : whole ? 1 : 0;
    number = by != 0 ? number + step * by : next_nice(number, step);
    if (field->least < field->most) number = fmin(fmax(number, field->least), field->most);
    char text[NUMBER_MAX];
    snprintf(text, sizeof text, whole ? "%.0f" : "%.6g", number);
    store(f, text);
}

static bool step_field(form *f, int step) {
    const form_field *field = form_current(f);
    if (!field) return false;
    char *value = value_of(f, f->cursor);
    switch (field->kind) {
    case FIELD_CHOICE:
        step_choice(f, field, value, step);
        break;
    case FIELD_TOGGLE:
        store(f, !strcmp(value, "true") ? "false" : "true");
        break;
    case FIELD_INTEGER:
    case FIELD_NUMBER:
        step_number(f, field, value, step);
        break;
    default:
        break;
    }
    free(value);
    return field->kind != FIELD_TEXT && field->kind != FIELD_PATH;
}

/* ---- keys ---- */

static bool edit_key(form *f, int key) {
    if (key == K_ENTER) {
        char *text = xstrdup(line_text(&f->line));
        f->editing = !store(f, text);
        free(text);
        return true;
    }
    if (key == K_ESC) {
        f->editing = false;
        set_problem(f, NULL);
        return true;
    }
    if (key == K_TAB && f->field[f->cursor].kind == FIELD_PATH) {
        char *longer = path_complete_longest(line_text(&f->line));
        line_set(&f->line, longer);
        free(longer);
        return true;
    }
    set_problem(f, NULL);
    line_key(&f->line, key);
    return true; /* while editing, no key means anything else */
}

static bool enter(form *f) {
    const form_field *field = form_current(f);
    if (!field) return false;
    if (field->kind == FIELD_CHOICE || field->kind == FIELD_TOGGLE) return step_field(f, 1);
    form_edit(f);
    return true;
}

bool form_key(form *f, int key) {
    if (f->editing) return edit_key(f, key);
    switch (key) {
    case K_UP:
    case 'k':
        f->cursor = seek(f, f->cursor - 1, -1);
        return true;
    case K_DOWN:
    case 'j':
        f->cursor = seek(f, f->cursor + 1, 1);
        return true;
    case K_HOME:
        f->cursor = seek(f, 0, 1);
        return true;
    case K_END:
        f->cursor = seek(f, f->count - 1, -1);
        return true;
    case K_LEFT:
    case 'h':
        return step_field(f, -1);
    case K_RIGHT:
    case 'l':
        return step_field(f, 1);
    case K_SPACE:
        return step_field(f, 1);
    case K_ENTER:
        return enter(f);
    default:
        return false;
    }
}

bool form_click(form *f, int row, int col) {
    if (f->editing || !rect_holds(f->area, row, col)) return false;
    int wanted = f->top + row - f->area.row;
    for (int i = 0, at = 0; i < f->count; i++) {
        if (!is_shown(f, i) || at++ != wanted) continue;
        if (can_have_cursor(f, i)) f->cursor = i;
        return true;
    }
    return false;
}

/* ---- drawing ---- */

static void draw_value(form *f, canvas *c, int row, int col, int width, int index) {
    const form_field *field = &f->field[index];
    bool here = index == f->cursor, bad = index == f->problem_at;
    if (here && f->editing) {
        line_draw(&f->line, c, row, col, width, bad ? ROLE_INPUT_BAD : ROLE_INPUT);
        return;
    }
    char *value = value_of(f, index), *safe = text_escape(value);
    bool on = !strcmp(value, "true");
    int used = 0;
    if (field->kind == FIELD_TOGGLE)
        used = canvas_text(c, row, col, width, on ? "yes" : "no", on ? ROLE_GOOD : ROLE_DIM);
    else
        used = canvas_text(c, row, col, width, *safe ? safe : "-", *safe ? ROLE_TEXT : ROLE_DIM);
    bool steps = field->kind == FIELD_CHOICE || field->kind == FIELD_TOGGLE || field->kind == FIELD_INTEGER ||
                 field->kind == FIELD_NUMBER;
    if (here && steps) {
        canvas_put(c, row, col - 2, 0x2190, ROLE_ACCENT);
        if (used + 1 < width) canvas_put(c, row, col + used + 1, 0x2192, ROLE_ACCENT);
    }
    free(safe);
    free(value);
}

/* What was wrong with the value, in the rows below its field, or above it at the bottom of the pane. */
static void draw_problem(const form *f, canvas *c, rect in, int at) {
    if (!f->problem || f->problem_at != f->cursor) return;
    rect place = rect_inset(in, at + 1, 0, 0, 1);
    int rows = canvas_paragraph(c, (rect){0, 0, 0, place.cols}, f->problem, ROLE_BAD);
    if (rows > place.rows) place.row = in.row + (at > rows ? at - rows : 0);
    place.rows = rows < in.rows ? rows : in.rows;
    canvas_fill(c, (rect){place.row, in.col, place.rows, in.cols}, ROLE_TEXT);
    canvas_paragraph(c, place, f->problem, ROLE_BAD);
}

static int shown_before(const form *f, int index) {
    int rows = 0;
    for (int i = 0; i < index; i++)
        rows += is_shown(f, i);
    return rows;
}

void form_draw(form *f, canvas *c, rect r, bool focus) {
    if (!can_have_cursor(f, f->cursor)) f->cursor = seek(f, f->cursor, 1);
    if (!can_have_cursor(f, f->cursor)) f->cursor = seek(f, f->cursor, -1);
    rect former = canvas_clip(c, r);
    rect in = rect_inset(r, 0, MARGIN, 0, MARGIN);
    int label = in.cols / 2 < LABEL_COLUMNS ? in.cols / 2 : LABEL_COLUMNS;
    if (label < LABEL_LEAST) label = LABEL_LEAST;
    int cursor_row = shown_before(f, f->cursor), all = shown_before(f, f->count);
    if (cursor_row <= 1) f->top = 0; /* the first heading too */
    if (cursor_row < f->top) f->top = cursor_row;
    if (cursor_row >= f->top + in.rows) f->top = cursor_row - in.rows + 1;
    if (f->top > all - in.rows) f->top = all > in.rows ? all - in.rows : 0;
    f->area = r;
    int row = -f->top;
    for (int i = 0; i < f->count; i++) {
        if (!is_shown(f, i)) continue;
        int at = row++;
        if (at < 0 || at >= in.rows) continue;
        if (f->field[i].kind == FIELD_HEADING) {
            canvas_text(c, in.row + at, in.col, in.cols, f->field[i].label, ROLE_ACCENT);
            continue;
        }
        canvas_text(c, in.row + at, in.col + 1, label - 1, f->field[i].label, ROLE_DIM);
        int col = in.col + label + GAP;
        draw_value(f, c, in.row + at, col, in.col + in.cols - col, i);
        if (i == f->cursor && !f->editing)
            canvas_ground(c, rect_row(r, at), focus ? ROLE_CURSOR : ROLE_CURSOR_IDLE);
    }
    scrollbar_draw(c, r, f->top, all);
    draw_problem(f, c, in, cursor_row - f->top);
    canvas_unclip(c, former);
}
