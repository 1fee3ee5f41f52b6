/*
 * report.c - see report.h.
 */
#include "tui/commands/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "tui/commands/out.h"

void report_json(cJSON *document) {
    char *line = json_print_line(document);
    out_line(line);
    free(line);
    cJSON_Delete(document);
}

cJSON *report_number(double value) {
    cJSON *holder = cJSON_CreateObject();
    json_add_number(holder, "value", value);
    cJSON *number = cJSON_DetachItemFromObject(holder, "value");
    cJSON_Delete(holder);
    return number;
}

cJSON *report_skipped_json(const thaw_skipped *s) {
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "file", s->file);
    cJSON_AddStringToObject(one, "reason", s->reason);
    return one;
}

void report_skipped_line(const thaw_skipped *s) {
    char *file = text_escape(s->file);
    out_format("  %s: %s\n", file, s->reason);
    free(file);
}

/* Beside the result, so that what reads that is not disturbed. */
static void print_note(void *user, const char *text) {
    (void)user;
    fprintf(stderr, "thaw: %s\n", text);
}

thaw_subject report_subject(const arguments *a, const char *run) {
    return (thaw_subject){
        .run = run,
        .runs = a->text[OPT_RUNS],
        .model = a->text[OPT_MODEL],
        .weights = a->text[OPT_WEIGHTS],
        .threads = (int)a->number[OPT_THREADS],
        .device = a->text[OPT_DEVICE],
        .precision = a->text[OPT_PRECISION],
        .batch_size = (int)a->number[OPT_BATCH],
        .note = print_note,
    };
}

thaw_status report_check_subject(const arguments *a, const char *run) {
    if (!run && !a->text[OPT_MODEL] && !a->text[OPT_WEIGHTS])
        return thaw_error(THAW_ERR_USAGE,
                          "which model? name a RUN, an architecture with --model, or a file with --weights");
    if (run && a->text[OPT_MODEL])
        return thaw_error(THAW_ERR_USAGE, "both the run %s and --model %s are named; take one", run,
                          a->text[OPT_MODEL]);
    if (run && a->text[OPT_WEIGHTS])
        return thaw_error(THAW_ERR_USAGE,
                          "both the run %s and --weights %s are named; a run has its own weights", run,
                          a->text[OPT_WEIGHTS]);
    return thaw_ok();
}
