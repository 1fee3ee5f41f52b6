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
#include <sys/stat.h>
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
#include "tui/demo_recipe.h"

static const struct {
    const char *what, *freeze;
} masks[] = {
    {"everything pretrained stays frozen; only the new head learns", "all"},
    {"layer3, the last third of the backbone, is thawed and learns as well", "conv1, bn1, layer1, layer2"},
};
enum { MASKS = sizeof masks / sizeof masks[0] };

/* Enough for the curves to part; the recipe's own number leaves a person time to freeze and thaw. */
enum { HEADLESS_EPOCHS = 12 };

static thaw_status shorten(thaw_recipe *r) {
    r->epochs = HEADLESS_EPOCHS;
    return thaw_ok();
}

/* The demo's recipe with the options of the command line. R is initialised by this. */
static thaw_status demo_recipe(const arguments *a, bool headless, thaw_recipe *r) {
    thaw_recipe_init(r);
    thaw_status status = demo_recipe_read(r);
    if (!thaw_failed(&status)) status = headless ? shorten(r) : demo_recipe_slow_down(r);
    for (size_t i = 0; i < a->list_count && !thaw_failed(&status); i++)
        status = thaw_status_prefix(thaw_recipe_set(r, a->list[i]), "--set");
    return status;
}

static int train_one(thaw_session *s, const thaw_recipe *base, int mask, bool quiet, run_view *view) {
    thaw_recipe r;
    char seconds[NUMBER_TEXT_MAX], trainable[NUMBER_TEXT_MAX], parameters[NUMBER_TEXT_MAX];
    thaw_recipe_copy(base, &r);
    thaw_status status = thaw_recipe_set_text(&r, "freeze", masks[mask].freeze);
    if (!thaw_failed(&status)) status = thaw_session_train(s, &r);
    thaw_recipe_clear(&r);
    if (thaw_failed(&status)) return command_result(status);
    int code = follow_run(s, FOLLOW_BRIEF, view);
    if (code != EXIT_DONE || quiet) return code;
    out_format("%c  %s: %s\n", 'A' + mask, view->mask_label, masks[mask].what);
    out_format("   trains %s of %s parameters: top-1 %.1f %% after %d epochs in %s (best %.1f %%)\n",
               text_count((double)view->trainable, trainable),
               text_count((double)view->parameters, parameters), 100 * run_view_last_epoch(view)->val_top1,
               view->epochs, text_seconds(view->end_seconds, seconds), 100 * view->best_val_top1);
    out_flush();
    return code;
}

/* ---- what came out ---- */

static void conclude(const run_view *const *view) {
    static const double CLEAR = 0.05; /* fractions nearer than this are a tie on 400 images */
    double frozen = view[0]->best_val_top1, thawed = view[1]->best_val_top1, gap = thawed - frozen;
    int classes = view[0]->classes > 0 ? view[0]->classes : 1;
    char *text;
    if (!isfinite(gap))
        text = xstrdup("No validation accuracy was measured, so nothing can be concluded.");
    else if (fabs(gap) > CLEAR)
        text = xasprintf(
            "What freezing did: of 100 images that were not trained on, guessing gets %d right, %s %.0f, and "
            "%s %.0f. The seed, the images and the recipe were the same; only the freeze mask differed.",
            100 / classes, view[0]->mask_label, 100 * frozen, view[1]->mask_label, 100 * thawed);
    else
        text = xasprintf("Here it made little difference what was frozen (%.0f %% against %.0f %%).",
                         100 * frozen, 100 * thawed);
    out_text("\n");
    out_wrapped(text, 0);
    free(text);
    if (!isfinite(gap) || gap <= CLEAR) return;
    out_wrapped(
        "What was learned on photographs does not quite fit drawings. A new head can only choose among "
        "features that are there; a thawed layer can change them.",
        0);
}

/* Whether PATH, seen from here, is the running program: then that is what a person can type. */
static bool is_this_program(const char *path) {
    struct stat there, here;
    return stat(path, &there) == 0 && stat("/proc/self/exe", &here) == 0 && there.st_dev == here.st_dev &&
           there.st_ino == here.st_ino;
}

static void print_next(const run_view *const *view) {
    const char *program = is_this_program("./thaw") ? "./thaw" : "thaw";
    char *recipe = path_resource("zoo/demo.recipe.json");
    out_format("\nWhat to type next\n  %s demo\n", program);
    out_wrapped("on a terminal: the same in the workbench, where layers freeze and thaw while it trains", 6);
    if (recipe) {
        out_format("  %s train %s --set epochs=%d --set freeze=\n", program, recipe, view[0]->epochs);
        out_wrapped("nothing frozen: is it better still, and is it worth the time?", 6);
    }
    out_format("  %s predict %s FILE.jpg\n", program, view[1]->run);
    out_wrapped("what run B sees in a picture", 6);
    out_format("  %s runs\n", program);
    out_wrapped("every run is kept, these two as well", 6);
    free(recipe);
}

static void print_text(const run_view *const *view) {
    text_chart_print(TEXT_CHART_LOSS, "training loss", view, MASKS);
    text_chart_print(TEXT_CHART_ACCURACY, "validation accuracy", view, MASKS);
    conclude(view);
    print_next(view);
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
        out_format("%s learns the %s images twice; only what is frozen differs\n\n", r->model, r->data.path);
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

static void greet(app *a) {
    app_demo_greet(a);
}

static int demo_workbench(const arguments *a, const thaw_recipe *r) {
    app_params params = app_default_params();
    params.recipe = r;
    params.start = true;
    params.first = SCREEN_TRAIN;
    params.greet = greet;
    params.theme = a->text[OPT_THEME];
    params.ascii = a->given[OPT_ASCII];
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
    .about =
        "Opens the workbench on the bundled CIFAR ResNet-20 and the set of drawn shapes, already "
        "training: only the head learns, and layers are yours to thaw. Outputs of frozen layers are not kept "
        "there (cache off), because the run would be over in seconds; --set cache=auto shows that. When "
        "standard input or output is no terminal, or with --json, it trains two freeze "
        "masks instead, prints both curves and says what came of it; that takes about half a minute.",
    .options = OPT(JSON) | OPT(SET) | OPT(THEME) | OPT(ASCII) | OPT(THREADS) | OPT(RUNS),
    .run = demo_run,
};
