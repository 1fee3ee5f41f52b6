/*
 * prompt.c - see prompt.h.
 */
#include "tui/widgets/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/key.h"
#include "tui/text.h"
#include "tui/widgets/path_complete.h"

enum { HISTORY_MAX = 50 };

static void forget_candidates(prompt *p) {
    for (size_t i = 0; i < p->candidate_count; i++)
        free(p->candidate[i]);
    free(p->candidate);
    p->candidate = NULL;
    p->candidate_count = p->candidate_at = 0;
}

static void forget_strings(prompt *p) {
    free((char *)p->ask.label);
    free((char *)p->ask.initial);
    free((char *)p->ask.hint);
    free(p->problem);
    p->problem = NULL;
    p->ask = (prompt_params){0};
}

void prompt_close(prompt *p) {
    forget_candidates(p);
    forget_strings(p);
    p->open = false;
}

void prompt_clear(prompt *p) {
    prompt_close(p);
    line_clear(&p->line);
    for (size_t i = 0; i < p->history_count; i++)
        free(p->history[i]);
    free(p->history);
    *p = (prompt){0};
}

void prompt_open(prompt *p, const prompt_params *params) {
    prompt_params ask = *params;
    ask.label = xstrdup(params->label ? params->label : "");
    ask.initial = xstrdup(params->initial ? params->initial : "");
    ask.hint = xstrdup(params->hint ? params->hint : "");
    prompt_close(p);
    p->ask = ask;
    p->open = true;
    p->history_at = p->history_count;
    line_set(&p->line, ask.initial);
}

/* ---- history: one for all prompts, each line remembered with its label ---- */

static char *history_entry(const char *label, const char *text) {
    return xasprintf("%s\n%s", label, text);
}

/* The text of an entry when it belongs to LABEL, else NULL. */
static const char *history_text(const char *entry, const char *label) {
    size_t length = strlen(label);
    return !strncmp(entry, label, length) && entry[length] == '\n' ? entry + length + 1 : NULL;
}

static void remember(prompt *p, const char *text) {
    if (!*text) return;
    char *entry = history_entry(p->ask.label, text);
    if (p->history_count && !strcmp(p->history[p->history_count - 1], entry)) {
        free(entry);
        return;
    }
    if (!p->history) p->history = xcalloc(HISTORY_MAX, sizeof *p->history);
    if (p->history_count == HISTORY_MAX) {
        free(p->history[0]);
        memmove(p->history, p->history + 1, (HISTORY_MAX - 1) * sizeof *p->history);
        p->history_count--;
    }
    p->history[p->history_count++] = entry;
}

static void recall(prompt *p, int step) {
    for (size_t at = p->history_at;;) {
        if (step < 0 ? at == 0 : at >= p->history_count) return;
        at = step < 0 ? at - 1 : at + 1;
        const char *text = at < p->history_count ? history_text(p->history[at], p->ask.label) : "";
        if (!text) continue;
        p->history_at = at;
        line_set(&p->line, text);
        return;
    }
}

/* ---- completion: Tab fills in what all candidates share, then goes through them ---- */

static void find_candidates(prompt *p, app *a) {
    str out = {0};
    p->ask.complete(a, p->ask.user, line_text(&p->line), &out);
    size_t capacity = 0;
    for (const char *line = str_text(&out); *line;) {
        size_t length = strcspn(line, "\n");
        p->candidate = vec_reserve(p->candidate, &capacity, p->candidate_count + 1, sizeof *p->candidate);
        p->candidate[p->candidate_count++] = xstrndup(line, length);
        line += length + (line[length] == '\n');
    }
    p->candidate_at = p->candidate_count;
    str_clear(&out);
}

static size_t shared_length(const prompt *p) {
    size_t common = strlen(p->candidate[0]);
    for (size_t i = 1; i < p->candidate_count; i++) {
        size_t same = 0;
        while (same < common && p->candidate[i][same] == p->candidate[0][same])
            same++;
        common = same;
    }
    while (common > 0 && ((unsigned char)p->candidate[0][common] & 0xc0) == 0x80)
        common--;
    return common;
}

static void complete(prompt *p, app *a, int step) {
    if (!p->ask.complete) return;
    if (!p->candidate_count) {
        find_candidates(p, a);
        if (!p->candidate_count) return;
        size_t common = shared_length(p);
        if (p->candidate_count == 1 || common > p->line.length) {
            char *longer = xstrndup(p->candidate[0], common);
            line_set(&p->line, longer);
            free(longer);
            if (p->candidate_count == 1) forget_candidates(p);
            return;
        }
    }
    size_t count = p->candidate_count, at = p->candidate_at;
    p->candidate_at = at == count ? (step > 0 ? 0 : count - 1) : (at + count + (size_t)step) % count;
    line_set(&p->line, p->candidate[p->candidate_at]);
}

/* ---- keys ---- */

static void accept(prompt *p, app *a) {
    char *text = xstrdup(line_text(&p->line));
    prompt_params ask = p->ask;
    ask.label = ask.initial = ask.hint = NULL;
    remember(p, text);
    p->open = false; /* what accept does may open another one */
    thaw_status status = ask.accept ? ask.accept(a, ask.user, text) : thaw_ok();
    bool reopened = p->open;
    if (thaw_failed(&status) && !reopened) {
        p->open = true;
        free(p->problem);
        p->problem = xstrdup(status.message);
    } else if (!reopened) {
        prompt_close(p);
    }
    free(text);
}

bool prompt_key(prompt *p, app *a, int key) {
    if (!p->open) return false;
    if (key == K_ESC || key == K_CTRL('C') || (key == K_BACKSPACE && p->line.length == 0)) {
        prompt_params ask = p->ask;
        prompt_close(p);
        if (ask.cancelled) ask.cancelled(a, ask.user);
        return true;
    }
    if (key == K_ENTER) {
        accept(p, a);
        return true;
    }
    free(p->problem);
    p->problem = NULL;
    if (key == K_TAB || key == K_BACKTAB) {
        complete(p, a, key == K_TAB ? 1 : -1);
    } else if (key == K_UP || key == K_DOWN) {
        recall(p, key == K_UP ? -1 : 1);
    } else {
        forget_candidates(p);
        line_key(&p->line, key);
    }
    if (p->open && p->ask.changed) p->ask.changed(a, p->ask.user, line_text(&p->line));
    return true;
}

/* ---- drawing ---- */

/* The candidates beside the line, the one in it marked. */
static void draw_candidates(const prompt *p, canvas *c, int row, int col, int width) {
    size_t first = p->candidate_at < p->candidate_count ? p->candidate_at : 0;
    for (size_t i = first; i < p->candidate_count && width > 4; i++) {
        const char *text = p->candidate[i], *slash = strrchr(text, '/');
        if (slash && slash[1]) text = slash + 1;
        int used = canvas_text(c, row, col, width, text, i == p->candidate_at ? ROLE_MATCH : ROLE_DIM) + 2;
        col += used;
        width -= used;
    }
}

/* Columns for what stands beside the line: all that a problem or a hint needs, half of the room for what
 * completes it. */
static int columns_beside(const prompt *p, int room) {
    enum { LINE_LEAST = 16, BESIDE_LEAST = 12 };
    bool more = p->problem || p->candidate_count || (!p->line.length && *p->ask.hint);
    int most = room - LINE_LEAST, wanted = room / 2;
    if (!more || most < BESIDE_LEAST) return 0;
    if (p->problem) wanted = text_columns(p->problem) + 2;
    if (!p->problem && !p->candidate_count) wanted = text_columns(p->ask.hint) + 2;
    return wanted < most ? wanted : most;
}

/* Above the line, on as many rows as it takes: what to do about a problem is at its end. */
static void draw_problem_above(const prompt *p, canvas *c, rect area) {
    int width = area.cols - 2, most = area.rows - 1;
    if (width < 1 || most < 1) return;
    int rows = canvas_paragraph(c, (rect){0, 0, 0, width}, p->problem, ROLE_BAD);
    if (rows > most) rows = most;
    rect place = {area.row + area.rows - 1 - rows, area.col, rows, area.cols};
    canvas_fill(c, place, ROLE_TEXT);
    canvas_paragraph(c, rect_inset(place, 0, 1, 0, 1), p->problem, ROLE_BAD);
}

void prompt_draw(prompt *p, canvas *c, rect area) {
    if (!p->open || rect_empty(area)) return;
    int at = area.row + area.rows - 1;
    canvas_fill(c, (rect){at, area.col, 1, area.cols}, ROLE_TEXT);
    const char *sign = strcmp(p->ask.label, ":") ? ": " : "";
    int used = canvas_textf(c, at, area.col, area.cols / 2, ROLE_ACCENT, " %s%s", p->ask.label, sign);
    int room = area.cols - used, beside = columns_beside(p, room);
    bool above = p->problem && text_columns(p->problem) + 1 > beside;
    if (above) beside = 0;
    line_draw(&p->line, c, at, area.col + used, room - beside, p->problem ? ROLE_INPUT_BAD : ROLE_INPUT);
    int col = area.col + area.cols - beside + 1;
    if (above) draw_problem_above(p, c, area);
    if (!beside) return;
    if (p->problem)
        canvas_text(c, at, col, beside - 1, p->problem, ROLE_BAD);
    else if (p->candidate_count)
        draw_candidates(p, c, at, col, beside - 1);
    else
        canvas_text(c, at, col, beside - 1, p->ask.hint, ROLE_DIM);
}

void prompt_complete_path(app *a, void *user, const char *text, str *out) {
    (void)a;
    (void)user;
    path_complete(text, out);
}
