/*
 * app_fixture.c - see app_fixture.h.
 */
#include "tests/unit/app_fixture.h"

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/key.h"

void app_fixture_home(void) {
    char here[PATH_MAX];
    setlocale(LC_CTYPE, "C.UTF-8");
    if (!getcwd(here, sizeof here)) abort();
    static const char *const homes[] = {"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"};
    for (size_t i = 0; i < sizeof homes / sizeof *homes; i++)
        setenv(homes[i], here, 1);
}

app *open_app(const char *model) {
    app_params params = app_default_params();
    app *a = app_new(&params);
    canvas_resize(&a->frame, 24, 80);
    if (model) {
        char *assignment = xasprintf("model=%s", model);
        thaw_status status = app_recipe_set(a, assignment);
        assert_string_equal(status.message, "");
        free(assignment);
    }
    app_draw(a);
    return a;
}

char *screen_text(app *a) {
    str all = {0};
    app_draw(a);
    for (int row = 0; row < a->frame.rows; row++) {
        char *line = canvas_row_text(&a->frame, row);
        str_appendf(&all, "%s\n", line);
        free(line);
    }
    return str_take(&all);
}

void assert_shows(app *a, const char *text) {
    char *all = screen_text(a);
    if (!strstr(all, text)) fail_msg("\"%s\" is not on the screen:\n%s", text, all);
    free(all);
}

void assert_shows_not(app *a, const char *text) {
    char *all = screen_text(a);
    if (strstr(all, text)) fail_msg("\"%s\" is on the screen:\n%s", text, all);
    free(all);
}

void press(app *a, const char *keys) {
    while (*keys) {
        size_t length = strcspn(keys, " ");
        app_take_key(a, key_parse(keys, (int)length));
        keys += length + (keys[length] == ' ');
    }
}

void type(app *a, const char *text) {
    for (; *text; text++)
        app_take_key(a, *text);
}

/* ---- a run, as its events tell it ---- */

void feed(app *a, thaw_event e) {
    app_take_event(a, &e);
    thaw_event_clear(&e);
}

void feed_begin(app *a, const char *run, int epochs) {
    thaw_event e = {.kind = THAW_EVENT_BEGIN};
    e.begin.run = xstrdup(run);
    e.begin.folder = xstrdup("/nowhere");
    e.begin.epochs = epochs;
    e.begin.steps_per_epoch = 10;
    e.begin.parameters = 1000;
    feed(a, e);
    e = (thaw_event){.kind = THAW_EVENT_STATE};
    e.state.state = THAW_STATE_TRAINING;
    feed(a, e);
}

void feed_step(app *a, int64_t step, double loss) {
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = step, .time = (double)step / 10};
    e.step.epoch = (int)(step / 10);
    e.step.loss = loss;
    e.step.lr = 0.01;
    e.step.images_per_second = 512;
    e.step.data_wait = 0.1;
    e.step.batch = 32;
    e.step.seconds = 0.06;
    feed(a, e);
}

void feed_epoch(app *a, int epoch, double top1) {
    thaw_event e = {.kind = THAW_EVENT_EPOCH, .steps = 10 * (epoch + 1)};
    e.epoch.epoch = epoch;
    e.epoch.train_loss = e.epoch.val_loss = 1.0 / (epoch + 1);
    e.epoch.train_top1 = e.epoch.val_top1 = e.epoch.val_top5 = top1;
    e.epoch.best = true;
    feed(a, e);
}

void feed_profile(app *a, int epoch) {
    thaw_event e = {.kind = THAW_EVENT_PROFILE, .steps = 10 * (epoch + 1)};
    e.profile.epoch = epoch;
    e.profile.steps = 10;
    e.profile.images = 320;
    e.profile.seconds = 1.25;
    e.profile.phase[THAW_PHASE_FORWARD] = 0.25;
    e.profile.phase[THAW_PHASE_BACKWARD] = 0.5;
    e.profile.phase[THAW_PHASE_EVALUATION] = 0.375;
    e.profile.phase[THAW_PHASE_OTHER] = 0.125;
    e.profile.decode = 0.75;
    e.profile.transform = 0.0625;
    e.profile.workers = 2;
    e.profile.write = 0.0125;
    e.profile.exact = true;
    e.profile.stage_count = 2;
    e.profile.stage = xcalloc(2, sizeof *e.profile.stage);
    e.profile.stage[0] = (thaw_stage_time){xstrdup("layer2.0"), 0.2, (double)NAN};
    e.profile.stage[1] = (thaw_stage_time){xstrdup("fc"), 0.05, 0.5};
    feed(a, e);
}

void feed_end(app *a, const char *reason, const char *message) {
    thaw_event e = {.kind = THAW_EVENT_END, .steps = 30};
    e.end.reason = xstrdup(reason);
    e.end.message = xstrdup(message);
    e.end.best_epoch = 1;
    e.end.best_val_top1 = 0.75;
    feed(a, e);
}

void feed_run(app *a) {
    feed_begin(a, "run-1", 5);
    for (int step = 1; step <= 30; step++) {
        feed_step(a, step, step == 17 ? NAN : 2.0 / step);
        if (step % 10) continue;
        feed_epoch(a, step / 10 - 1, 0.5 + step / 100.0);
        feed_profile(a, step / 10 - 1);
    }
}

void feed_mask(app *a, int64_t step, const char *frozen, const char *label, int64_t trainable) {
    thaw_event e = {.kind = THAW_EVENT_MASK, .steps = step};
    size_t capacity = 0;
    while (*frozen) {
        size_t length = strcspn(frozen, " ");
        e.mask.frozen = vec_reserve(e.mask.frozen, &capacity, e.mask.frozen_count + 1, sizeof(char *));
        e.mask.frozen[e.mask.frozen_count++] = xstrndup(frozen, length);
        frozen += length + (frozen[length] == ' ');
    }
    e.mask.label = xstrdup(label);
    e.mask.trainable = trainable;
    feed(a, e);
}
