/*
 * train.c - `thaw train` and `thaw resume`: a run from a recipe, or on from its last checkpoint.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "thaw/catalog.h"
#include "thaw/recipe.h"
#include "thaw/run.h"
#include "thaw/session.h"
#include "tui/commands/commands.h"
#include "tui/commands/follow.h"
#include "tui/commands/interrupt.h"
#include "tui/commands/profile_table.h"

static thaw_session_params session_params(const arguments *a) {
    thaw_session_params params = thaw_session_default_params();
    if (a->text[OPT_RUNS]) params.runs = a->text[OPT_RUNS];
    if (a->given[OPT_THREADS]) params.threads = (int)a->number[OPT_THREADS];
    if (a->text[OPT_DEVICE]) params.device = a->text[OPT_DEVICE];
    return params;
}

static void replace(char **text, const char *by) {
    if (!by) return;
    free(*text);
    *text = xstrdup(by);
}

/* The options that are also keys of the recipe win over the file. */
static void take_options(const arguments *a, thaw_recipe *r) {
    if (a->given[OPT_THREADS]) r->threads = (int)a->number[OPT_THREADS];
    replace(&r->device, a->text[OPT_DEVICE]);
    replace(&r->precision, a->text[OPT_PRECISION]);
}

static int follow(thaw_session *s, const arguments *a) {
    run_view view;
    run_view_init(&view);
    int code = follow_run(s, a->given[OPT_JSON] ? FOLLOW_JSON : FOLLOW_TEXT, &view);
    if (a->given[OPT_PROFILE] && !a->given[OPT_JSON]) profile_table_print(&view.profile);
    run_view_clear(&view);
    return code;
}

/* Weights that are not here are told at once: libtorch takes most of a second to load. */
static thaw_status look_for_weights(const thaw_recipe *r) {
    thaw_catalog *catalog;
    char *path = NULL;
    if (!r->weights) return thaw_ok();
    THAW_TRY(thaw_catalog_open(&catalog));
    thaw_status status = thaw_weights_resolve(catalog, r->model, r->weights, &path, NULL);
    free(path);
    thaw_catalog_free(catalog);
    return status;
}

static int train_recipe(const arguments *a, const thaw_recipe *r) {
    thaw_session_params params = session_params(a);
    thaw_session *s;
    if (!a->given[OPT_THREADS]) params.threads = r->threads;
    params.device = r->device;
    interrupt_watch();
    thaw_status status = a->given[OPT_JSON] ? thaw_ok() : look_for_weights(r); /* JSON has an event for it */
    if (!thaw_failed(&status)) status = thaw_session_new(&params, &s);
    if (thaw_failed(&status)) return command_result(status);
    if (a->given[OPT_PROFILE]) thaw_session_profile(s, true);
    status = thaw_session_train(s, r);
    int code = thaw_failed(&status) ? command_result(status) : follow(s, a);
    thaw_session_free(s);
    return code;
}

static int train_run(const arguments *a) {
    const char *where = a->operand_count ? a->operand[0] : "the recipe";
    thaw_recipe r;
    thaw_recipe_init(&r);
    thaw_status status = a->operand_count ? thaw_recipe_read(a->operand[0], &r) : thaw_ok();
    if (thaw_failed(&status)) return command_result(status);
    for (size_t i = 0; i < a->list_count && !thaw_failed(&status); i++)
        status = thaw_recipe_set(&r, a->list[i]);
    int code;
    if (thaw_failed(&status)) {
        code = command_usage("train", thaw_status_prefix(status, "--set"));
    } else {
        take_options(a, &r);
        status = thaw_recipe_check(&r);
        code = thaw_failed(&status) ? command_result(thaw_status_prefix(status, "%s", where))
                                    : train_recipe(a, &r);
    }
    thaw_recipe_clear(&r);
    return code;
}

static int resume_run(const arguments *a) {
    thaw_run_info info;
    thaw_status status = thaw_run_find(a->text[OPT_RUNS], a->operand[0], &info);
    if (thaw_failed(&status)) return command_result(status);
    thaw_session_params params = session_params(a);
    thaw_session *s;
    interrupt_watch();
    status = thaw_session_new(&params, &s);
    int code = EXIT_FAILED;
    if (thaw_failed(&status)) {
        code = command_result(status);
    } else {
        if (a->given[OPT_PROFILE]) thaw_session_profile(s, true);
        status = thaw_session_resume(s, info.folder);
        code = thaw_failed(&status) ? command_result(status) : follow(s, a);
        thaw_session_free(s);
    }
    thaw_run_info_clear(&info);
    return code;
}

const command command_train = {
    .name = "train",
    .operands = "[RECIPE.json]",
    .summary = "train what a recipe says",
    .about =
        "Trains the run that RECIPE.json describes (docs/recipe.md has every key) and keeps it in a run "
        "folder. "
        "--set changes a key for this run: --set epochs=3 --set 'freeze=[\"layer1\"]'; without a file it "
        "changes "
        "the defaults, and `thaw recipe --command-line` prints such a command. Ctrl-C stops and "
        "saves at "
        "the next step, so that `thaw resume` can go on; a second Ctrl-C stops at once, and what was "
        "saved before "
        "stays whole. --profile says at the end what the time went into: phases that add up to all of it, "
        "what threads loaded and saved beside them, and forward and backward of each stage of the model.\n"
        "With --json: one event a line as docs/events.md describes them. An epoch ends with {\"event\": "
        "\"epoch\", ...} and the run with {\"event\": \"end\", ...}.",
    .options = OPT(JSON) | OPT(SET) | OPT(THREADS) | OPT(DEVICE) | OPT(PRECISION) | OPT(RUNS) | OPT(PROFILE),
    .min = 0,
    .max = 1,
    .run = train_run,
};

const command command_resume = {
    .name = "resume",
    .operands = "RUN",
    .summary = "go on with a run from its last checkpoint",
    .about =
        "Goes on with RUN, which stopped, was killed or broke off: same data order, same random numbers, the "
        "freeze mask of that moment. RUN is an id, the beginning of one, a folder, or \"last\".",
    .options = OPT(JSON) | OPT(THREADS) | OPT(DEVICE) | OPT(RUNS) | OPT(PROFILE),
    .min = 1,
    .max = 1,
    .run = resume_run,
};
