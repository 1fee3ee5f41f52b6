/*
 * predict.c - `thaw predict`: what a model sees in some images.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/jobs.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"

static cJSON *prediction_json(const thaw_prediction *p, bool logits) {
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "file", p->file);
    if (p->problem) cJSON_AddStringToObject(one, "problem", p->problem);
    cJSON *top = cJSON_AddArrayToObject(one, "top");
    for (int i = 0; i < p->top_count; i++) {
        cJSON *guess = cJSON_CreateObject();
        cJSON_AddStringToObject(guess, "class", p->top[i].name);
        json_add_number(guess, "probability", p->top[i].probability);
        cJSON_AddItemToArray(top, guess);
    }
    if (!logits) return one;
    cJSON *values = cJSON_AddArrayToObject(one, "logits");
    for (int i = 0; i < (p->problem ? 0 : p->classes); i++)
        cJSON_AddItemToArray(values, report_number((double)p->logits[i]));
    return one;
}

static void print_text(const thaw_prediction *p, bool logits) {
    char *file = text_escape(p->file);
    out_format("%s:", file);
    for (int i = 0; i < p->top_count; i++) {
        char *name = text_escape(p->top[i].name);
        out_format("%s %s %.1f %%", i ? "," : "", name, 100 * p->top[i].probability);
        free(name);
    }
    out_text("\n");
    for (int i = 0; logits && i < p->classes; i++)
        out_format("%s%.6g%s", i ? " " : "  ", (double)p->logits[i], i + 1 == p->classes ? "\n" : "");
    free(file);
}

static int print_all(const arguments *a, const thaw_prediction *p, size_t count) {
    cJSON *array = a->given[OPT_JSON] ? cJSON_CreateArray() : NULL;
    int code = EXIT_DONE;
    for (size_t i = 0; i < count; i++) {
        if (p[i].problem) {
            char *file = text_escape(p[i].file), *problem = text_escape(p[i].problem);
            bool named = strncmp(problem, file, strlen(file)) == 0; /* as errors of the system do */
            out_flush();
            fprintf(stderr, "thaw: %s%s%s\n", named ? "" : file, named ? "" : ": ", problem);
            free(file);
            free(problem);
            code = EXIT_FAILED;
        }
        if (array)
            cJSON_AddItemToArray(array, prediction_json(&p[i], a->given[OPT_LOGITS]));
        else if (!p[i].problem)
            print_text(&p[i], a->given[OPT_LOGITS]);
    }
    if (array) report_json(array);
    return code;
}

static int predict_run(const arguments *a) {
    bool named = a->text[OPT_MODEL] || a->text[OPT_WEIGHTS];
    const char *run = named ? NULL : a->operand[0];
    size_t first = run ? 1 : 0, count = a->operand_count - first;
    if (!count)
        return command_usage("predict", thaw_error(THAW_ERR_USAGE, "no image is named; predict %s IMAGE...",
                                                   run ? run : "--weights FILE"));
    thaw_subject subject = report_subject(a, run);
    thaw_prediction *p = NULL;
    thaw_status status = thaw_predict(&subject, a->operand + first, count, &p);
    if (thaw_failed(&status)) return command_result(status);
    int code = print_all(a, p, count);
    thaw_predictions_free(p, count);
    return code;
}

const command command_predict = {
    .name = "predict",
    .operands = "[RUN] IMAGE...",
    .summary = "say what is in some images",
    .about = "Classifies each IMAGE with RUN's best checkpoint, or with --weights FILE (of --model M, or of "
             "the model "
             "whose keys it has). A file "
             "that cannot "
             "be read is reported, the others are still classified, and the exit code is 1.\n"
             "With --json: an array of {\"file\", \"top\": [{\"class\", \"probability\"}]}, with \"logits\" "
             "(in the "
             "order of the classes) when --logits is given, and \"problem\" where a file could not be read.",
    .options = OPT(JSON) | OPT(LOGITS) | OPT(MODEL) | OPT(WEIGHTS) | OPT(BATCH) | OPT(THREADS) | OPT(DEVICE) |
               OPT(PRECISION) | OPT(RUNS),
    .min = 1,
    .max = OPERANDS_MANY,
    .run = predict_run,
};
