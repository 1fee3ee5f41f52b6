/*
 * recipe.c - `thaw recipe`: a recipe in full, as the command that trains it, or beside another one.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "thaw/recipe.h"
#include "thaw/run.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/commands/table.h"

/* ---- two ---- */

static void print_json(const thaw_recipe_difference *list, size_t count) {
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "key", list[i].field->key);
        cJSON_AddStringToObject(one, "a", list[i].a);
        cJSON_AddStringToObject(one, "b", list[i].b);
        cJSON_AddBoolToObject(one, "decided", list[i].decided);
        cJSON_AddItemToArray(array, one);
    }
    report_json(array);
}

static void print_rows(const thaw_recipe_difference *list, size_t count) {
    static const table_column columns[] = {{"key", false, COLUMN_KEEP},
                                           {"a", false, COLUMN_SHRINK},
                                           {"b", false, COLUMN_SHRINK},
                                           {"", false, COLUMN_DROP}};
    if (!count) {
        out_line("no difference");
        return;
    }
    table *t = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        table_text(t, list[i].field->key);
        table_text(t, list[i].a);
        table_text(t, list[i].b);
        table_text(t, list[i].decided ? "decided by the run" : "");
    }
    table_print(t);
}

static int print_differences(const arguments *a, const thaw_recipe *one, const thaw_recipe *other) {
    size_t count;
    thaw_recipe_difference *list = thaw_recipe_compare(one, other, &count);
    if (a->given[OPT_JSON])
        print_json(list, count);
    else
        print_rows(list, count);
    thaw_recipe_differences_free(list, count);
    return EXIT_DONE;
}

/* ---- one ---- */

static int print_one(const arguments *a, const thaw_recipe *r) {
    char *text = a->given[OPT_COMMAND_LINE] ? thaw_recipe_command_line(r) : thaw_recipe_json(r);
    out_line(text);
    free(text);
    return EXIT_DONE;
}

static int show(const arguments *a, thaw_recipe *r) {
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < a->list_count && !thaw_failed(&status); i++)
        status = thaw_recipe_set(r, a->list[i]);
    if (thaw_failed(&status)) return command_usage("recipe", thaw_status_prefix(status, "--set"));
    if (a->operand_count < 2) return print_one(a, r);
    thaw_recipe other;
    status = thaw_recipe_named(a->text[OPT_RUNS], a->operand[1], &other);
    if (thaw_failed(&status)) return command_result(status);
    int code = print_differences(a, r, &other);
    thaw_recipe_clear(&other);
    return code;
}

static int recipe_run(const arguments *a) {
    thaw_recipe r;
    thaw_status status = thaw_ok();
    if (a->operand_count)
        status = thaw_recipe_named(a->text[OPT_RUNS], a->operand[0], &r);
    else
        thaw_recipe_init(&r);
    if (thaw_failed(&status)) return command_result(status);
    int code = show(a, &r);
    thaw_recipe_clear(&r);
    return code;
}

const command command_recipe = {
    .name = "recipe",
    .operands = "[A [B]]",
    .summary = "show a recipe, as a command too, or what two of them differ in",
    .about =
        "Prints the recipe A in full, every default written out; with --set, changed so; without A, the "
        "defaults. With --command-line it prints the command that trains it without a file. With B, what the "
        "two differ in; \"decided by the run\" is said where one of them left a value to the run (\"auto\", "
        "0) and the other holds what it decided. A and B are recipe files, or runs: an id, the beginning of "
        "one, a folder, or \"last\".\n"
        "With --json and B: [{\"key\", \"a\", \"b\", \"decided\"}]; without B the recipe is JSON anyway.",
    .options = OPT(JSON) | OPT(SET) | OPT(COMMAND_LINE) | OPT(RUNS),
    .min = 0,
    .max = 2,
    .run = recipe_run,
};
