/*
 * app.c - the workbench's life: open, wait for keys, events, jobs and signals, draw, leave.
 *
 * One poll waits for all of them. A key is answered with a frame at once; events are gathered and drawn ten
 * times a second at most; when nothing changed, nothing is drawn and nothing is sent.
 */
#include "tui/app.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "tui/app_state.h"
#include "tui/rescue.h"

enum { KEYS_A_FRAME = 64, POLL_FDS = 5, MESSAGE_ROWS_SECONDS = 6 };

static const double FRAME_SECONDS = 0.1, TICK_SECONDS = 1,
                    HIDDEN_SECONDS = 0.25; /* how soon a shell's fg is noticed */

const screen *const app_screens[SCREEN_COUNT] = {
    [SCREEN_MODELS] = &screen_models, [SCREEN_DATA] = &screen_data,   [SCREEN_LAYERS] = &screen_layers,
    [SCREEN_RECIPE] = &screen_recipe, [SCREEN_TRAIN] = &screen_train, [SCREEN_RUNS] = &screen_runs,
};

app_params app_default_params(void) {
    return (app_params){.device = "auto"};
}

/* ---- what screens ask for ---- */

void app_redraw(app *a) {
    a->dirty = true;
}

screen_id app_current(const app *a) {
    return a->current;
}

pane app_focus(const app *a) {
    return a->focus[a->current];
}

void app_set_focus(app *a, pane p) {
    a->focus[a->current] = p;
    app_redraw(a);
}

void app_go(app *a, screen_id id) {
    a->current = id;
    const screen *s = app_screens[id];
    if (s->show) s->show(a, a->state[id]);
    app_redraw(a);
}

int app_raster(const app *a) {
    return a->raster;
}

app_mouse app_mouse_at(const app *a) {
    app_mouse m;
    term_mouse(a->term, &m.row, &m.col, &m.button, &m.drag);
    return m;
}

void app_hush(app *a) {
    if (a->message) a->dirty = true;
    free(a->message);
    a->message = NULL;
}

static void __attribute__((format(printf, 4, 0)))
set_message(app *a, theme_role role, double seconds, const char *format, va_list args) {
    char *text = xvasprintf(format, args);
    app_hush(a);
    a->message = text;
    a->message_role = role;
    a->message_until = seconds > 0 ? clock_seconds() + seconds : 0;
    a->dirty = true;
}

void app_say(app *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    set_message(a, ROLE_STRONG, MESSAGE_ROWS_SECONDS, format, args);
    va_end(args);
}

void app_warn_briefly(app *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    set_message(a, ROLE_WARN, MESSAGE_ROWS_SECONDS, format, args);
    va_end(args);
}

void app_warn(app *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    set_message(a, ROLE_WARN, 0, format, args);
    va_end(args);
}

void app_fail(app *a, const thaw_status *status) {
    if (!thaw_failed(status)) return;
    thaw_event e = {.kind = THAW_EVENT_LOG, .time = a->live.time, .steps = a->live.steps};
    e.log.level = 2;
    e.log.text = xstrdup(status->message);
    run_view_apply(&a->live, &e);
    thaw_event_clear(&e);
    app_warn(a, "%s", status->message);
}

void app_prompt(app *a, const prompt_params *params) {
    prompt_open(&a->ask_line, params);
    app_hush(a);
    app_redraw(a);
}

void app_ask(app *a, const dialog_params *params) {
    dialog_open(&a->ask_box, params);
    app_redraw(a);
}

/* ---- waiting ---- */

static bool screenless(const app *a) {
    return a->headless || a->hidden;
}

static void read_keys(app *a) {
    for (int i = 0; i < KEYS_A_FRAME && !a->leave && !screenless(a); i++) {
        int key = term_key(a->term);
        if (key == K_NONE) return;
        app_take_key(a, key);
        a->dirty = a->urgent = true;
    }
}

/* The screen that is shown looks around once a second. */
static bool ticks(const app *a) {
    return !screenless(a) && app_screens[a->current]->tick;
}

static void tick_if_due(app *a) {
    double now = clock_seconds();
    if (!ticks(a) || now - a->last_tick < TICK_SECONDS) return;
    a->last_tick = now;
    app_screens[a->current]->tick(a, a->state[a->current]);
}

/* Seconds until something must be done without anybody's doing; negative: nothing. */
static double until_next(const app *a, double now) {
    double wait = -1;
    if (a->dirty) wait = a->urgent ? 0 : FRAME_SECONDS - (now - a->last_frame);
    if (a->message && a->message_until > 0) {
        double left = a->message_until - now;
        if (wait < 0 || left < wait) wait = left;
    }
    bool gathering = a->session && now - a->last_drain < FRAME_SECONDS;
    double drain = FRAME_SECONDS - (now - a->last_drain);
    if (gathering && (wait < 0 || drain < wait)) wait = drain;
    if (wait < 0 && (a->dirty || gathering)) wait = 0;
    double attached = app_attach_wait(a, now);
    if (attached >= 0 && (wait < 0 || attached < wait)) wait = attached;
    double tick = TICK_SECONDS - (now - a->last_tick);
    if (ticks(a) && (wait < 0 || tick < wait)) wait = tick > 0 ? tick : 0;
    if (a->hidden && (wait < 0 || wait > HIDDEN_SECONDS)) wait = HIDDEN_SECONDS;
    return wait;
}

static void wait_for_something(app *a) {
    double now = clock_seconds(), wait = until_next(a, now);
    bool gathering = now - a->last_drain < FRAME_SECONDS;
    struct pollfd fd[POLL_FDS] = {
        {.fd = screenless(a) ? -1 : term_fd(a->term), .events = POLLIN},
        {.fd = rescue_wake_fd(), .events = POLLIN},
        {.fd = app_jobs_fd(a), .events = POLLIN},
        {.fd = a->session && !gathering ? thaw_session_fd(a->session) : -1, .events = POLLIN},
        {.fd = app_attach_fd(a), .events = POLLIN},
    };
    int timeout = wait < 0 ? -1 : (int)(wait * 1000 + 0.999);
    int ready = poll(fd, POLL_FDS, timeout);
    if (ready < 0 && errno != EINTR) a->leave = true;
    if (ready < 0 || fd[1].revents) {
        app_take_signal(a);
        term_look_at_size(a->term);
    }
    if (!a->headless && ready > 0 && (fd[0].revents & (POLLHUP | POLLERR | POLLNVAL))) app_lose_terminal(a);
    app_reappear(a);
    if (!screenless(a) && (ready < 0 || fd[0].revents || fd[1].revents)) read_keys(a);
    if (ready > 0 && fd[2].revents) {
        app_jobs_finish(a);
        a->urgent = true; /* somebody waits for what it found */
    }
    if (a->session && clock_seconds() - a->last_drain >= FRAME_SECONDS && (ready <= 0 || fd[3].revents))
        app_session_drain(a);
    app_attach_poll(a);
    tick_if_due(a);
    if (a->message && a->message_until > 0 && clock_seconds() >= a->message_until) app_hush(a);
}

static void draw_if_due(app *a) {
    double now = clock_seconds();
    if (screenless(a)) a->dirty = false;
    if (!a->dirty || (!a->urgent && now - a->last_frame < FRAME_SECONDS)) return;
    app_calm_begin(a, now);
    a->dirty = a->urgent = false;
    app_draw(a);
    a->last_frame = now;
}

/* ---- opening and closing ---- */

static thaw_status load_theme(app *a, const char *name) {
    theme look;
    THAW_TRY(theme_load(name, &look));
    theme_clear(&a->look);
    a->look = look;
    return thaw_ok();
}

static thaw_status choose_theme(app *a, const app_params *params, const char *saved) {
    if (params->theme) {
        a->theme_name = xstrdup(params->theme);
        return load_theme(a, params->theme);
    }
    const char *ground = getenv("COLORFGBG"); /* "foreground;background" where the terminal says it */
    const char *last = ground ? strrchr(ground, ';') : NULL;
    bool light = last && (!strcmp(last, ";15") || !strcmp(last, ";7"));
    const char *const names[] = {saved, light ? "light" : "dark"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!names[i]) continue;
        thaw_status status = load_theme(a, names[i]);
        if (thaw_failed(&status)) {
            app_warn(a, "%s", status.message);
            continue;
        }
        a->theme_name = xstrdup(names[i]);
        return thaw_ok();
    }
    return thaw_ok(); /* the plain one stays */
}

static void choose_glyphs(app *a, raster_kind saved) {
    static const raster_kind best[] = {
        [GLYPHS_ALL] = RASTER_BRAILLE, [GLYPHS_BOX] = RASTER_BLOCK, [GLYPHS_ASCII] = RASTER_ASCII};
    term_glyphs glyphs = term_glyph_set(a->term);
    a->frame.ascii = glyphs == GLYPHS_ASCII;
    a->frame.box = glyphs == GLYPHS_BOX;
    a->raster = saved < RASTER_COUNT && glyphs == GLYPHS_ALL ? saved : best[glyphs];
}

void app_choose_colours(app *a) {
    theme_depth depth = a->term ? term_depth(a->term) : DEPTH_MONO;
    a->frame.mono = depth == DEPTH_MONO || (a->theme_name && !strcmp(a->theme_name, "mono"));
    a->frame.colours = depth == DEPTH_256 && !a->frame.mono && !a->frame.ascii;
}

/* The workbench without its terminal. */
app *app_new(const app_params *params) {
    app *a = xcalloc(1, sizeof *a);
    a->jobs = app_jobs_new();
    run_view_init(&a->live);
    a->runs = xstrdup(params->runs);
    a->device = xstrdup(params->device);
    a->threads = params->threads;
    a->dragged = EDGE_COUNT;
    a->current = params->first < SCREEN_COUNT ? params->first : SCREEN_MODELS;
    app_model_init(a, params->recipe);
    canvas_init(&a->frame, 1, 1);
    theme_plain(&a->look);
    for (int i = 0; i < SCREEN_COUNT; i++)
        a->state[i] = app_screens[i]->init ? app_screens[i]->init(a) : NULL;
    return a;
}

static thaw_status open_terminal(app *a, const app_params *params) {
    app_prefs prefs = app_prefs_load();
    thaw_status status = choose_theme(a, params, prefs.theme);
    free(prefs.theme);
    THAW_TRY(status);
    THAW_TRY(term_open(params->ascii, &a->term));
    choose_glyphs(a, prefs.raster);
    memcpy(a->share, prefs.share, sizeof a->share);
    app_choose_colours(a);
    int rows, cols;
    term_size(a->term, &rows, &cols);
    canvas_resize(&a->frame, rows, cols);
    term_set_theme(a->term, &a->look);
    if (*term_note(a->term)) app_say(a, "%s", term_note(a->term));
    status = keymap_load(&a->keys);
    app_fail(a, &status);
    return thaw_ok();
}

void app_free(app *a) {
    app_jobs_free(a);
    app_attach_end(a);
    for (int i = 0; i < SCREEN_COUNT; i++)
        if (a->state[i] && app_screens[i]->free) app_screens[i]->free(a->state[i]);
    term_close(a->term); /* before the engine thread is joined: that may take a step's time */
    thaw_session_free(a->session);
    app_ghosts_clear(a);
    app_model_clear(a);
    keymap_clear(&a->keys);
    app_calm_clear(a);
    run_view_clear(&a->live);
    prompt_clear(&a->ask_line);
    dialog_close(&a->ask_box);
    canvas_clear(&a->frame);
    theme_clear(&a->look);
    free(a->theme_name);
    free(a->message);
    free(a->warning);
    step_rate_clear(&a->rate);
    free(a->rate_sought);
    free(a->runs);
    free(a->device);
    free(a);
}

/* What can wait until the first frame is on the screen. */
static void after_first_frame(app *a, const app_params *params) {
    term_look_at_size(a->term); /* it may have changed before there was a handler */
    read_keys(a);
    rescue_prepare();
    a->session_later = params->attach != NULL;
    if (!params->attach) app_session_start(a);
    app_rate_seek(a);
    const screen *s = app_screens[a->current];
    if (s->show) s->show(a, a->state[a->current]);
    if (params->attach)
        app_attach(a, params->attach);
    else if (params->resume)
        app_resume_run(a, params->resume);
    else if (params->start)
        app_train(a);
    if (params->greet)
        params->greet(a);
    else
        app_greet_newcomer(a);
    a->dirty = true;
}

thaw_status app_run(const app_params *params, int *signal_number) {
    app *a = app_new(params);
    thaw_status status = open_terminal(a, params);
    if (!thaw_failed(&status)) {
        app_draw(a);
        a->last_frame = clock_seconds();
        after_first_frame(a, params);
        while (!a->leave) {
            draw_if_due(a);
            wait_for_something(a);
        }
    }
    if (signal_number) *signal_number = a->signal_number;
    app_free(a);
    return status;
}
