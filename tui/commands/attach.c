/*
 * attach.c - `thaw attach`: the workbench on a run that another process trains.
 */
#include <stdlib.h>

#include "thaw/run.h"
#include "tui/commands/commands.h"
#include "tui/commands/workbench.h"

static int attach_run(const arguments *a) {
    app_params params = app_default_params();
    char *folder = NULL;
    thaw_status status =
        thaw_run_find_alive(a->text[OPT_RUNS], a->operand_count ? a->operand[0] : NULL, &folder);
    if (thaw_failed(&status)) return command_result(status);
    params.attach = folder;
    params.first = SCREEN_TRAIN;
    params.theme = a->text[OPT_THEME];
    params.ascii = a->given[OPT_ASCII];
    params.runs = a->text[OPT_RUNS];
    int code = workbench_open(&params);
    free(folder);
    return code;
}

const command command_attach = {
    .name = "attach",
    .operands = "[RUN]",
    .summary = "watch and steer a run that another process is training",
    .about = "Opens the workbench on RUN (an id, the beginning of one, or a folder; the newest that is on "
             "unless given) while "
             "another process is training it: one whose terminal was lost, one that was sent to the "
             "background, one that "
             "thaw train has, or one in another window. It is shown and steered as if it were this "
             "workbench's own: pause, "
             "freeze and thaw, learning rate, checkpoint, stop. q leaves it running, and so does losing this "
             "terminal. Several "
             "may watch at once.",
    .options = OPT(THEME) | OPT(ASCII) | OPT(RUNS),
    .max = 1,
    .run = attach_run,
};
