/*
 * workbench.c - `thaw` and `thaw open`: the workbench.
 */
#include "tui/commands/workbench.h"

#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/front.h"

int workbench_open(const app_params *params) {
    int number = 0, code;
    out_release();
    if (front_split(&code)) return code;
    thaw_status status = app_run(params, &number);
    if (thaw_failed(&status)) return command_result(status);
    /* End as the signal would have ended us, so that whoever started thaw sees why. */
    enum { SIGNALLED = 128 };
    return number ? SIGNALLED + number : EXIT_DONE;
}

/* The recipe the workbench begins with: the file's, with --set. R is initialised by this. */
static thaw_status first_recipe(const arguments *a, thaw_recipe *r) {
    thaw_recipe_init(r);
    if (a->operand_count) THAW_TRY(thaw_recipe_read(a->operand[0], r));
    for (size_t i = 0; i < a->list_count; i++)
        THAW_TRY(thaw_status_prefix(thaw_recipe_set(r, a->list[i]), "--set"));
    return thaw_ok();
}

static int open_run(const arguments *a) {
    app_params params = app_default_params();
    thaw_recipe r;
    thaw_status status = first_recipe(a, &r);
    params.recipe = &r;
    params.theme = a->text[OPT_THEME];
    params.ascii = a->given[OPT_ASCII];
    params.runs = a->text[OPT_RUNS];
    params.threads = (int)a->number[OPT_THREADS];
    if (a->text[OPT_DEVICE]) params.device = a->text[OPT_DEVICE];
    params.start = a->given[OPT_START];
    if (params.start) params.first = SCREEN_TRAIN;
    int code = thaw_failed(&status) ? command_result(status) : workbench_open(&params);
    thaw_recipe_clear(&r);
    return code;
}

const command command_open = {
    .name = "open",
    .operands = "[RECIPE.json]",
    .summary = "open the workbench, on a recipe if one is named",
    .about =
        "Opens the workbench, as thaw without a command does. With RECIPE.json its recipe is the one to "
        "begin with, "
        "--set changes keys of it, and --start trains it at once. Leaving is q; every key is explained by ?.",
    .options = OPT(SET) | OPT(START) | OPT(THEME) | OPT(ASCII) | OPT(THREADS) | OPT(DEVICE) | OPT(RUNS),
    .max = 1,
    .run = open_run,
};
