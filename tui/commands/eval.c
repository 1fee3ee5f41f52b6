/*
 * eval.c - `thaw eval`: how well a model does on a folder of images.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/jobs.h"
#include "tui/commands/commands.h"
#include "tui/commands/interrupt.h"
#include "tui/commands/meter.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/commands/table.h"

enum { WORST_IN_JSON = 10 };

static size_t shown_mistakes(const thaw_eval_report *r, long wanted) {
    return wanted < (long)r->worst_count ? (size_t)wanted : r->worst_count;
}

static cJSON *mistake_json(const thaw_mistake *m) {
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "file", m->file);
    cJSON_AddStringToObject(one, "label", m->label);
    cJSON_AddStringToObject(one, "predicted", m->predicted);
    json_add_number(one, "probability", m->probability);
    json_add_number(one, "label_probability", m->label_probability);
    json_add_number(one, "loss", m->loss);
    return one;
}

static void print_json(const thaw_eval_report *r, long worst) {
    cJSON *document = cJSON_CreateObject();
    json_add_number(document, "images", (double)r->images);
    json_add_number(document, "top1", r->top1);
    json_add_number(document, "top5", r->top5);
    json_add_number(document, "loss", r->loss);
    cJSON *classes = cJSON_AddArrayToObject(document, "classes");
    for (int i = 0; i < r->class_count; i++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", r->classes[i].name);
        json_add_number(one, "images", (double)r->classes[i].images);
        json_add_number(one, "top1", r->classes[i].top1);
        cJSON_AddItemToArray(classes, one);
    }
    cJSON *skipped = cJSON_AddArrayToObject(document, "skipped");
    for (size_t i = 0; i < r->skipped_count; i++)
        cJSON_AddItemToArray(skipped, report_skipped_json(&r->skipped[i]));
    cJSON *mistakes = cJSON_AddArrayToObject(document, "worst");
    for (size_t i = 0; i < shown_mistakes(r, worst); i++)
        cJSON_AddItemToArray(mistakes, mistake_json(&r->worst[i]));
    json_add_number(document, "seconds", r->seconds);
    report_json(document);
}

static void print_worst(const thaw_eval_report *r, long worst) {
    static const table_column columns[] = {{"the worst mistakes", false, COLUMN_SHRINK},
                                           {"is", false, COLUMN_KEEP},
                                           {"taken for", false, COLUMN_KEEP},
                                           {"by", true, COLUMN_KEEP},
                                           {"loss", true, COLUMN_DROP}};
    size_t count = shown_mistakes(r, worst);
    if (!count) return;
    out_text("\n");
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        const thaw_mistake *m = &r->worst[i];
        table_text(t, m->file);
        table_text(t, m->label);
        table_text(t, m->predicted);
        table_cell(t, "%.1f %%", 100 * m->probability);
        table_cell(t, "%.2f", m->loss);
    }
    table_print(t);
}

static void print_rows(const thaw_eval_report *r, long worst) {
    static const table_column columns[] = {
        {"class", false, COLUMN_SHRINK}, {"images", true, COLUMN_KEEP}, {"top-1", true, COLUMN_KEEP}};
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (int i = 0; i < r->class_count; i++) {
        const thaw_class_score *one = &r->classes[i];
        char *name = text_escape(one->name);
        table_cell(t, "%s", name);
        table_cell(t, "%lld", (long long)one->images);
        if (isnan(one->top1))
            table_cell(t, "-");
        else
            table_cell(t, "%.4f", one->top1);
        free(name);
    }
    table_print(t);
    out_format("\n%lld images: top-1 %.4f, top-5 %.4f, loss %.4f; %.0f images/s\n", (long long)r->images,
               r->top1, r->top5, r->loss, r->seconds > 0 ? (double)r->images / r->seconds : 0.0);
    print_worst(r, worst);
    if (r->skipped_count) out_format("\nskipped %zu:\n", r->skipped_count);
    for (size_t i = 0; i < r->skipped_count; i++)
        report_skipped_line(&r->skipped[i]);
}

static bool on_progress(void *user, int64_t done, int64_t total) {
    str text = {0};
    str_appendf(&text, "%lld of %lld images", (long long)done, (long long)total);
    meter_show(user, total > 0 ? (double)done / (double)total : -1, str_text(&text));
    str_clear(&text);
    return interrupt_count() == 0;
}

static int eval_run(const arguments *a) {
    const char *run = a->operand_count ? a->operand[0] : NULL;
    thaw_status status = report_check_subject(a, run);
    if (thaw_failed(&status)) return command_usage("eval", status);
    if (!run && !a->text[OPT_DATA])
        return command_usage(
            "eval", thaw_error(THAW_ERR_USAGE, "a model that is no run needs --data DIR to be judged on"));
    thaw_subject subject = report_subject(a, run);
    thaw_eval_report report = {0};
    meter m = meter_begin();
    interrupt_watch();
    interrupt_allow();
    status = thaw_evaluate(&subject, a->text[OPT_DATA], on_progress, &m, &report);
    meter_clear(&m);
    if (thaw_failed(&status)) return command_result(status);
    if (a->given[OPT_JSON])
        print_json(&report, a->given[OPT_WORST] ? a->number[OPT_WORST] : WORST_IN_JSON);
    else
        print_rows(&report, a->number[OPT_WORST]);
    thaw_eval_report_clear(&report);
    return EXIT_DONE;
}

const command command_eval = {
    .name = "eval",
    .operands = "[RUN]",
    .summary = "judge a model on a folder of images",
    .about = "Measures accuracy and loss of RUN's best checkpoint on its own validation images or on --data "
             "DIR; or, "
             "without RUN, of --model M, --weights W or both on --data DIR: a file of weights tells by its "
             "keys whose "
             "it is, which is then said. In DIR the val, valid or test folder "
             "is used "
             "when there is one.\n"
             "With --json: {\"images\", \"top1\", \"top5\", \"loss\", \"classes\": [{\"name\", \"images\", "
             "\"top1\"}], "
             "\"skipped\": [{\"file\", \"reason\"}], \"worst\": [{\"file\", \"label\", \"predicted\", "
             "\"probability\", \"label_probability\", "
             "\"loss\"}], \"seconds\"}; fractions from 0 to 1.",
    .options = OPT(JSON) | OPT(MODEL) | OPT(WEIGHTS) | OPT(DATA) | OPT(WORST) | OPT(BATCH) | OPT(THREADS) |
               OPT(DEVICE) | OPT(PRECISION) | OPT(RUNS),
    .max = 1,
    .run = eval_run,
};
