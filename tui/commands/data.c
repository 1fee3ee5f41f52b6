/*
 * data.c - `thaw data`: what is in a folder of images.
 */
#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/dataset.h"
#include "tui/commands/commands.h"
#include "tui/commands/interrupt.h"
#include "tui/commands/meter.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/commands/table.h"
#include "tui/data_balance.h"

static cJSON *twin_json(const thaw_dataset *d, thaw_twin twin) {
    int label = 0;
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "file", thaw_dataset_file(d, twin.train, twin.index, &label));
    cJSON_AddStringToObject(one, "class", thaw_dataset_class_name(d, label));
    cJSON_AddStringToObject(one, "split", twin.train ? "train" : "val");
    return one;
}

static void add_duplicates(cJSON *document, const thaw_dataset *d, const thaw_duplicates *twins) {
    cJSON *groups = cJSON_AddArrayToObject(document, "duplicates");
    for (size_t i = 0; i < twins->count; i++) {
        const thaw_twins *group = &twins->group[i];
        cJSON *one = cJSON_CreateObject(), *files = cJSON_AddArrayToObject(one, "files");
        for (size_t k = 0; k < group->count; k++)
            cJSON_AddItemToArray(files, twin_json(d, group->item[k]));
        cJSON_AddBoolToObject(one, "across_splits", group->across);
        cJSON_AddBoolToObject(one, "across_classes", group->classes);
        cJSON_AddBoolToObject(one, "pixels", group->pixels);
        cJSON_AddItemToArray(groups, one);
    }
}

static void print_json(const thaw_dataset *d, const thaw_duplicates *twins) {
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
    add_duplicates(document, d, twins);
    cJSON_AddStringToObject(document, "root", thaw_dataset_root(d));
    cJSON_AddBoolToObject(document, "split", thaw_dataset_has_split(d));
    report_json(document);
}

static void print_group(const thaw_dataset *d, const thaw_twins *group) {
    for (size_t i = 0; i < group->count; i++) {
        char *file = text_escape(thaw_dataset_file(d, group->item[i].train, group->item[i].index, NULL));
        out_format("%s%s", i == 0 ? "  " : group->pixels ? " ~ " : " = ", file);
        free(file);
    }
    out_format("%s%s\n", group->across ? "  (both sides)" : "", group->classes ? "  (two classes)" : "");
}

static void print_duplicates(const thaw_dataset *d, const thaw_duplicates *twins) {
    if (!twins->count) return;
    out_format("\nthe same picture more than once, %zu time%s:\n", twins->count,
               twins->count == 1 ? "" : "s");
    for (size_t i = 0; i < twins->count; i++)
        print_group(d, &twins->group[i]);
    if (twins->across)
        out_format(
            "%zu of %zu validation images are also trained on: what they score says nothing; remove them "
            "from one side\n",
            twins->across_val, thaw_dataset_images(d, false));
}

static void print_balance(const thaw_dataset *d) {
    str text = {0};
    data_balance b = data_balance_of(d);
    data_balance_describe(&b, d, &text);
    if (text.length) out_wrapped(str_text(&text), 0);
    str_clear(&text);
}

static void print_rows(const thaw_dataset *d, const thaw_duplicates *twins) {
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
    print_balance(d);
    size_t skipped = thaw_dataset_skipped_count(d);
    if (skipped) out_format("\nskipped %zu:\n", skipped);
    for (size_t i = 0; i < skipped; i++)
        report_skipped_line(thaw_dataset_skipped_at(d, i));
    print_duplicates(d, twins);
}

static bool keep_going(void *user) {
    (void)user;
    return interrupt_count() == 0;
}

static bool on_search(void *user, double part) {
    meter_show(user, part, "looking for duplicates");
    return interrupt_count() == 0;
}

static thaw_status search(const arguments *a, const thaw_dataset *d, thaw_duplicates *twins) {
    meter m = meter_begin();
    thaw_duplicates_params params = {.pixels = a->given[OPT_VERIFY], .go_on = on_search, .user = &m};
    thaw_status status = thaw_duplicates_find(d, &params, twins);
    meter_clear(&m);
    return status;
}

static int data_run(const arguments *a) {
    thaw_dataset_params params = thaw_dataset_default_params();
    thaw_dataset *d;
    thaw_duplicates twins;
    params.path = a->operand[0];
    params.verify = a->given[OPT_VERIFY];
    params.keep_going = keep_going;
    interrupt_watch();
    interrupt_allow();
    thaw_status status = thaw_dataset_open(&params, &d);
    if (thaw_failed(&status)) return command_result(status);
    status = search(a, d, &twins);
    if (!thaw_failed(&status)) (a->given[OPT_JSON] ? print_json : print_rows)(d, &twins);
    thaw_duplicates_clear(&twins);
    thaw_dataset_free(d);
    return thaw_failed(&status) ? command_result(status) : EXIT_DONE;
}

const command command_data = {
    .name = "data",
    .operands = "DIR",
    .summary = "look into a folder of images",
    .about =
        "Lists the classes of an image folder (train/CLASS/* and val/CLASS/*, or CLASS/* alone), how many "
        "images each has, the files that are skipped with the reason, how uneven the classes are, and "
        "pictures that are there more "
        "than once: equal files, and with --verify equal pixels in different files too. \"shapes\" is the "
        "set that comes with "
        "thaw; it "
        "is drawn when it is first asked for.\n"
        "With --json: {\"classes\": [{\"name\", \"train\", \"val\"}], \"skipped\": [{\"file\", \"reason\"}], "
        "\"duplicates\": [{\"files\": [{\"file\", \"class\", \"split\"}], \"across_splits\", "
        "\"across_classes\", "
        "\"pixels\"}], \"root\", \"split\"}.",
    .options = OPT(JSON) | OPT(VERIFY),
    .min = 1,
    .max = 1,
    .run = data_run,
};
