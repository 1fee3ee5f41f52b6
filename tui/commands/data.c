/*
 * data.c - `thaw data`: what is in a folder of images.
 */
#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/dataset.h"
#include "tui/commands/commands.h"
#include "tui/commands/interrupt.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/commands/table.h"

static void print_json(const thaw_dataset *d) {
    cJSON *document = cJSON_CreateObject(), *classes = cJSON_AddArrayToObject(document, "classes");
    for (int i = 0; i < thaw_dataset_class_count(d); i++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", thaw_dataset_class_name(d, i));
        json_add_number(one, "train", (double)thaw_dataset_class_images(d, i, true));
        json_add_number(one, "val", (double)thaw_dataset_class_images(d, i, false));
        cJSON_AddItemToArray(classes, one);
    }
    cJSON *skipped = cJSON_AddArrayToObject(document, "skipped");
    for (size_t i = 0; i < thaw_dataset_skipped_count(d); i++)
        cJSON_AddItemToArray(skipped, report_skipped_json(thaw_dataset_skipped_at(d, i)));
    cJSON_AddStringToObject(document, "root", thaw_dataset_root(d));
    cJSON_AddBoolToObject(document, "split", thaw_dataset_has_split(d));
    report_json(document);
}

static void print_rows(const thaw_dataset *d) {
    static const table_column columns[] = {
        {"class", false, COLUMN_SHRINK}, {"train", true, COLUMN_KEEP}, {"val", true, COLUMN_KEEP}};
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (int i = 0; i < thaw_dataset_class_count(d); i++) {
        char *name = text_escape(thaw_dataset_class_name(d, i));
        table_cell(t, "%s", name);
        table_cell(t, "%zu", thaw_dataset_class_images(d, i, true));
        table_cell(t, "%zu", thaw_dataset_class_images(d, i, false));
        free(name);
    }
    table_print(t);
    out_format("\n%s: %d class%s, %zu images to train on, %zu to validate on (%s)\n", thaw_dataset_root(d),
               thaw_dataset_class_count(d), thaw_dataset_class_count(d) == 1 ? "" : "es",
               thaw_dataset_images(d, true), thaw_dataset_images(d, false),
               thaw_dataset_has_split(d) ? "as the folders say" : "split by a hash of each file's path");
    if (thaw_dataset_class_count(d) == 1)
        out_format("one class is nothing to tell apart: training needs two folders of images or more\n");
    size_t skipped = thaw_dataset_skipped_count(d);
    if (skipped) out_format("\nskipped %zu:\n", skipped);
    for (size_t i = 0; i < skipped; i++)
        report_skipped_line(thaw_dataset_skipped_at(d, i));
}

static bool keep_going(void *user) {
    (void)user;
    return interrupt_count() == 0;
}

static int data_run(const arguments *a) {
    thaw_dataset_params params = thaw_dataset_default_params();
    thaw_dataset *d;
    params.path = a->operand[0];
    params.verify = a->given[OPT_VERIFY];
    params.keep_going = keep_going;
    interrupt_watch();
    interrupt_allow();
    thaw_status status = thaw_dataset_open(&params, &d);
    if (thaw_failed(&status)) return command_result(status);
    if (a->given[OPT_JSON])
        print_json(d);
    else
        print_rows(d);
    thaw_dataset_free(d);
    return EXIT_DONE;
}

const command command_data = {
    .name = "data",
    .operands = "DIR",
    .summary = "look into a folder of images",
    .about =
        "Lists the classes of an image folder (train/CLASS/* and val/CLASS/*, or CLASS/* alone), how many "
        "images "
        "each has, and the files that are skipped with the reason. \"shapes\" is the set that comes with "
        "thaw; it "
        "is drawn when it is first asked for.\n"
        "With --json: {\"classes\": [{\"name\", \"train\", \"val\"}], \"skipped\": [{\"file\", \"reason\"}], "
        "\"root\", \"split\"}.",
    .options = OPT(JSON) | OPT(VERIFY),
    .min = 1,
    .max = 1,
    .run = data_run,
};
