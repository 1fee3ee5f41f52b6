/*
 * demo.c - `thaw demo`: the whole idea in half a minute, on what comes with the program.
 *
 * On a terminal it opens the workbench on the bundled model and images, already training. Without one it
 * trains two freeze masks one after the other, same seed, and prints both curves: the masks are the only
 * difference, so the gap between the curves is what they did.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/recipe.h"
#include "thaw/session.h"
#include "tui/commands/commands.h"
#include "tui/commands/follow.h"
#include "tui/commands/interrupt.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/commands/text_chart.h"
#include "tui/commands/workbench.h"

static const struct {
    const char *what, *freeze;
} masks[] = {
    {"only the new head learns; everything pretrained stays frozen", "all"},
    {"layer3, the last of the backbone's three, learns as well", "conv1, bn1, layer1, layer2"},
};
enum { MASKS = sizeof masks / sizeof masks[0] };

/* Enough for the curves to part; the recipe's own number leaves a person time to freeze and thaw. */
enum { HEADLESS_EPOCHS = 12 };

/* The demo's recipe with the options of the command line. R is initialised by this. */
static thaw_status demo_recipe(const arguments *a, bool headless, thaw_recipe *r) {
    thaw_recipe_init(r);
    char *path = path_resource("zoo/demo.recipe.json");
    if (!path)
        return thaw_error(THAW_ERR_NOT_FOUND,
                          "zoo/demo.recipe.json is not beside the program nor in share/thaw; "
                          "set THAW_HOME to the folder that has zoo/");
    thaw_status status = thaw_recipe_read(path, r);
    free(path);
    if (headless) r->epochs = HEADLESS_EPOCHS;
    for (size_t i = 0; i < a->list_count && !thaw_failed(&status); i++)
        status = thaw_status_prefix(thaw_recipe_set(r, a->list[i]), "--set");
    return status;
}

static int train_one(thaw_session *s, const thaw_recipe *base, int mask, bool quiet, run_view *view) {
    thaw_recipe r;
    char seconds[NUMBER_TEXT_MAX];
    thaw_recipe_copy(base, &r);
    thaw_status status = thaw_recipe_set_text(&r, "freeze", masks[mask].freeze);
    if (!thaw_failed(&status)) status = thaw_session_train(s, &r);
    thaw_recipe_clear(&r);
    if (thaw_failed(&status)) return command_result(status);
    int code = follow_run(s, FOLLOW_BRIEF, view);
    if (code != EXIT_DONE || quiet) return code;
    out_format("%c  %s: %s\n   top-1 %.1f %% after %d epochs in %s (best %.1f %%)\n", 'A' + mask,
               view->mask_label, masks[mask].what, 100 * run_view_last_epoch(view)->val_top1, view->epochs,
               text_seconds(view->end_seconds, seconds), 100 * view->best_val_top1);
    out_flush();
    return code;
}

/* ---- what came out ---- */

static void conclude(const run_view *const *view) {
    static const double CLEAR = 0.03; /* fractions nearer than this are a tie on 400 images */
    double frozen = view[0]->best_val_top1, thawed = view[1]->best_val_top1, gap = thawed - frozen;
    out_text("\n");
    char *text;
    if (!isfinite(gap))
        text = xstrdup("No validation accuracy was measured, so nothing can be concluded.");
    else if (gap > CLEAR)
        text = xasprintf(
            "What was learned: with everything pretrained frozen, %.0f of 100 shapes are told apart; with "
            "the last layer group thawed, so that features of photographs can become features of "
            "drawings, %.0f are.",
            100 * frozen, 100 * thawed);
    else
        text = xasprintf(
            "What was learned: here it made little difference what was frozen (%.0f %% against %.0f %%).",
            100 * frozen, 100 * thawed);
    out_wrapped(text, 0);
    free(text);
    out_text("\n");
    out_wrapped("Both runs are kept: `thaw runs` lists them. On a terminal `thaw demo` opens the workbench, "
                "where layers "
                "freeze and thaw while the model trains.",
                0);
}

static void print_text(const run_view *const *view) {
    text_chart_print(TEXT_CHART_LOSS, "training loss", view, MASKS);
    text_chart_print(TEXT_CHART_ACCURACY, "validation accuracy", view, MASKS);
    conclude(view);
}

static void print_json(const run_view *const *view) {
    cJSON *array = cJSON_CreateArray();
    for (int i = 0; i < MASKS; i++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "run", view[i]->run);
        cJSON_AddStringToObject(one, "mask", view[i]->mask_label);
        json_add_number(one, "best_val_top1", view[i]->best_val_top1);
        cJSON *loss = cJSON_AddArrayToObject(one, "train_loss"),
              *top1 = cJSON_AddArrayToObject(one, "val_top1");
        for (size_t e = 0; e < view[i]->epoch_count; e++) {
            cJSON_AddItemToArray(loss, report_number(view[i]->epoch_list[e].train_loss));
            cJSON_AddItemToArray(top1, report_number(view[i]->epoch_list[e].val_top1));
        }
        cJSON_AddItemToArray(array, one);
    }
    report_json(array);
}

static int demo_headless(const arguments *a, const thaw_recipe *r) {
    thaw_session_params params = thaw_session_default_params();
    thaw_session *s;
    run_view view[MASKS];
    const run_view *views[MASKS];
    int code = EXIT_DONE;
    bool json = a->given[OPT_JSON];
    if (a->text[OPT_RUNS]) params.runs = a->text[OPT_RUNS];
    params.threads = r->threads;
    params.device = r->device;
    interrupt_watch();
    thaw_status status = thaw_session_new(&params, &s);
    if (thaw_failed(&status)) return command_result(status);
    if (!json) {
        out_format("%s on the %s images, trained twice with different layers frozen\n\n", r->model,
                   r->data.path);
        out_flush();
    }
    for (int i = 0; i < MASKS; i++) {
        run_view_init(&view[i]);
        views[i] = &view[i];
    }
    for (int i = 0; i < MASKS && code == EXIT_DONE; i++)
        code = train_one(s, r, i, json, &view[i]);
    if (code == EXIT_DONE) (json ? print_json : print_text)(views);
    for (int i = 0; i < MASKS; i++)
        run_view_clear(&view[i]);
    thaw_session_free(s);
    return code;
}

static int demo_workbench(const arguments *a, const thaw_recipe *r) {
    app_params params = app_default_params();
    params.recipe = r;
    params.start = true;
    params.first = SCREEN_TRAIN;
    params.runs = a->text[OPT_RUNS];
    params.threads = r->threads;
    return workbench_open(&params);
}

/* Somebody is there to look and to press keys. */
static bool interactive(const arguments *a) {
    const char *term = getenv("TERM");
    return !a->given[OPT_JSON] && isatty(STDIN_FILENO) && out_terminal() && term && strcmp(term, "dumb") != 0;
}

static int demo_run(const arguments *a) {
    thaw_recipe r;
    bool headless = !interactive(a);
    thaw_status status = demo_recipe(a, headless, &r);
    if (a->given[OPT_THREADS]) r.threads = (int)a->number[OPT_THREADS];
    int code;
    if (thaw_failed(&status))
        code = command_result(status);
    else
        code = (headless ? demo_headless : demo_workbench)(a, &r);
    thaw_recipe_clear(&r);
    return code;
}

const command command_demo = {
    .name = "demo",
    .operands = "",
    .summary = "show the whole idea on the model and the images that come with thaw",
    .about = "Opens the workbench on the bundled CIFAR ResNet-20 and the set of drawn shapes, already "
             "training. When "
             "standard input or output is no terminal, or with --json, it trains two freeze masks instead, "
             "prints both "
             "curves and says what came of it; that takes about half a minute.",
    .options = OPT(JSON) | OPT(SET) | OPT(THREADS) | OPT(RUNS),
    .run = demo_run,
};
