/*
 * runs.c - `thaw runs`: the runs on this machine.
 */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/run.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/commands/table.h"

static void add_text(cJSON *object, const char *key, const char *text) {
    if (text)
        cJSON_AddStringToObject(object, key, text);
    else
        cJSON_AddNullToObject(object, key);
}

static void add_phases(cJSON *object, const thaw_run_info *r) {
    cJSON *phases = cJSON_AddObjectToObject(object, "phases");
    for (int i = 0; i < THAW_PHASE_COUNT; i++)
        json_add_number(phases, thaw_phase_name((thaw_phase)i), r->phase[i]);
}

static void print_json(const thaw_run_info *runs, size_t count) {
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        const thaw_run_info *r = &runs[i];
        cJSON *one = cJSON_CreateObject();
        add_text(one, "run", r->id);
        add_text(one, "folder", r->folder);
        json_add_number(one, "started", r->started);
        add_text(one, "model", r->model);
        add_text(one, "weights", r->weights);
        add_text(one, "data", r->data);
        add_text(one, "mask", r->mask_label);
        json_add_number(one, "epochs", r->epochs);
        json_add_number(one, "epochs_done", r->epochs_done);
        json_add_number(one, "best_epoch", r->best_epoch);
        json_add_number(one, "best_val_top1", r->best_val_top1);
        json_add_number(one, "train_loss", r->last_train_loss);
        json_add_number(one, "val_loss", r->last_val_loss);
        add_text(one, "reason", r->reason);
        add_text(one, "problem", r->problem);
        add_phases(one, r);
        cJSON_AddItemToArray(array, one);
    }
    report_json(array);
}

static void print_rows(const thaw_run_info *runs, size_t count) {
    static const table_column columns[] = {
        {"run", false, COLUMN_KEEP},       {"started", false, COLUMN_DROP}, {"model", false, COLUMN_KEEP},
        {"data", false, COLUMN_SHRINK},    {"mask", false, COLUMN_SHRINK},  {"epochs", true, COLUMN_KEEP},
        {"best top-1", true, COLUMN_KEEP}, {"", false, COLUMN_KEEP},
    };
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        const thaw_run_info *r = &runs[i];
        char when[32] = "-";
        time_t seconds = (time_t)r->started;
        struct tm local;
        if (r->started > 0 && localtime_r(&seconds, &local))
            strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
        table_text(t, r->id);
        table_cell(t, "%s", when);
        table_text(t, r->model);
        table_text(t, r->data);
        table_text(t, r->mask_label);
        table_cell(t, "%d/%d", r->epochs_done, r->epochs);
        if (isnan(r->best_val_top1))
            table_cell(t, "-");
        else
            table_cell(t, "%.4f", r->best_val_top1);
        table_text(t, r->problem ? r->problem : r->reason);
    }
    table_print(t);
}

static int runs_run(const arguments *a) {
    thaw_run_info *runs;
    size_t count;
    thaw_status status = thaw_runs_list(a->text[OPT_RUNS], &runs, &count);
    if (thaw_failed(&status)) return command_result(status);
    if (a->given[OPT_JSON]) {
        print_json(runs, count);
    } else if (count) {
        print_rows(runs, count);
    } else {
        char *folder = thaw_runs_default_folder();
        out_format("no runs in %s yet; `thaw demo` makes two\n",
                   a->text[OPT_RUNS] ? a->text[OPT_RUNS] : folder);
        free(folder);
    }
    thaw_runs_free(runs, count);
    return EXIT_DONE;
}

const command command_runs = {
    .name = "runs",
    .operands = "",
    .summary = "list the runs",
    .about = "Lists the runs, newest first: model, data, freeze mask, epochs done of those planned, the best "
             "validation "
             "accuracy, and how it ended: done, stopped, early-stop, not-finite, error, running, or died.\n"
             "With --json: an array of {\"run\", \"folder\", \"started\", \"model\", \"weights\", \"data\", "
             "\"mask\", "
             "\"epochs\", \"epochs_done\", \"best_epoch\", \"best_val_top1\", \"train_loss\", \"val_loss\", "
             "\"reason\", "
             "\"problem\", \"phases\"}; phases are the seconds the run took by what they were for, as in the "
             "event profile "
             "(docs/events.md).",
    .options = OPT(JSON) | OPT(RUNS),
    .run = runs_run,
};
