/*
 * cache.c - `thaw cache`: what is kept on disk of the outputs of frozen layers.
 */
#include "thaw/cache.h"

#include <stdlib.h>
#include <time.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/commands/table.h"

enum { NAME_SHOWN = 12, WHEN_MAX = 32 };

static void add_text(cJSON *to, const char *key, const char *text) {
    cJSON_AddItemToObject(to, key, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static void print_json(const thaw_cache_info *info, size_t count) {
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON *one = cJSON_CreateObject();
        add_text(one, "name", info[i].name);
        add_text(one, "folder", info[i].folder);
        add_text(one, "model", info[i].model);
        add_text(one, "layer", info[i].layer);
        add_text(one, "data", info[i].data);
        add_text(one, "images", info[i].images);
        json_add_number(one, "outputs", (double)info[i].outputs);
        json_add_number(one, "bytes", (double)info[i].bytes);
        json_add_number(one, "used", info[i].used);
        cJSON_AddBoolToObject(one, "in_use", info[i].in_use);
        add_text(one, "problem", info[i].problem);
        cJSON_AddItemToArray(array, one);
    }
    report_json(array);
}

static void print_rows(const thaw_cache_info *info, size_t count) {
    static const table_column columns[] = {
        {"name", false, COLUMN_KEEP},   {"model", false, COLUMN_KEEP},  {"layer", false, COLUMN_KEEP},
        {"data", false, COLUMN_SHRINK}, {"images", false, COLUMN_DROP}, {"outputs", true, COLUMN_KEEP},
        {"size", true, COLUMN_KEEP},    {"used", false, COLUMN_DROP},   {"", false, COLUMN_KEEP},
    };
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        char when[WHEN_MAX] = "-", size[NUMBER_TEXT_MAX];
        time_t seconds = (time_t)info[i].used;
        struct tm local;
        if (localtime_r(&seconds, &local)) strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
        table_cell(t, "%.*s", NAME_SHOWN, info[i].name);
        table_text(t, info[i].model);
        table_text(t, info[i].layer);
        table_text(t, info[i].data);
        table_text(t, info[i].images);
        table_cell(t, "%lld", (long long)info[i].outputs);
        table_cell(t, "%s", text_bytes((double)info[i].bytes, size));
        table_cell(t, "%s", when);
        table_text(t, info[i].problem ? info[i].problem : info[i].in_use ? "in use" : "");
    }
    table_print(t);
}

static void print_sum(const thaw_cache_info *info, size_t count, int64_t limit) {
    char size[NUMBER_TEXT_MAX], most[NUMBER_TEXT_MAX], *folder = thaw_cache_folder();
    int64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += info[i].bytes;
    text_bytes((double)bytes, size);
    text_bytes((double)limit, most);
    if (count)
        out_format("\n%s of at most %s in %s\n", size, most, folder);
    else if (limit)
        out_format("nothing is kept in %s yet; runs keep outputs of frozen layers there, up to %s\n", folder,
                   most);
    else
        out_text("nothing is kept on disk: THAW_CACHE_LIMIT is 0\n");
    free(folder);
}

static int list(const arguments *a) {
    int64_t limit;
    thaw_cache_info *info;
    size_t count;
    if (a->operand_count)
        return command_usage("cache", thaw_error(THAW_ERR_USAGE, "a name is for --clear: which to remove"));
    thaw_status status = thaw_cache_limit(&limit);
    if (!thaw_failed(&status)) status = thaw_cache_list(&info, &count);
    if (thaw_failed(&status)) return command_result(status);
    if (a->given[OPT_JSON]) {
        print_json(info, count);
    } else {
        if (count) print_rows(info, count);
        print_sum(info, count, limit);
    }
    thaw_cache_list_free(info, count);
    return EXIT_DONE;
}

/* What was removed, and what had to stay. */
typedef struct tally {
    size_t removed, kept;
    int64_t bytes;
} tally;

static void print_tally(const tally *t, bool json) {
    char size[NUMBER_TEXT_MAX];
    if (json) {
        cJSON *o = cJSON_CreateObject();
        json_add_number(o, "removed", (double)t->removed);
        json_add_number(o, "in_use", (double)t->kept);
        json_add_number(o, "bytes", (double)t->bytes);
        report_json(o);
        return;
    }
    out_format("removed %zu, %s", t->removed, text_bytes((double)t->bytes, size));
    if (t->kept) out_format("; %zu in use %s left", t->kept, t->kept == 1 ? "is" : "are");
    out_text("\n");
}

static int clear(const arguments *a) {
    tally all = {0};
    thaw_status status = thaw_ok();
    for (size_t i = 0; (i == 0 || i < a->operand_count) && !thaw_failed(&status); i++) {
        tally one;
        status =
            thaw_cache_clear(a->operand_count ? a->operand[i] : NULL, &one.removed, &one.kept, &one.bytes);
        all.removed += one.removed;
        all.kept += one.kept;
        all.bytes += one.bytes;
    }
    if (!thaw_failed(&status) || all.removed) print_tally(&all, a->given[OPT_JSON]);
    return command_result(status);
}

static int cache_run(const arguments *a) {
    return a->given[OPT_CLEAR] ? clear(a) : list(a);
}

const command command_cache = {
    .name = "cache",
    .operands = "[NAME...]",
    .summary = "list or clear the kept outputs of frozen layers",
    .about =
        "Lists what is kept on disk of the outputs of frozen layers, last used first. A run with the same "
        "weights in front of the same cut, the same images and the same transform finds them there and "
        "computes only what is behind. All of it may take 10 GiB, or what THAW_CACHE_LIMIT says (20G, 500M; "
        "0: nothing is kept on disk); the least recently used goes first, and 1 GiB of the disk is always "
        "left free. A recipe with \"cache\": \"memory\" or \"off\" keeps nothing there.\n"
        "--clear removes all of it, or what has a name beginning with NAME; what a run uses stays. Nothing "
        "is lost: it is computed again.\n"
        "With --json: an array of {\"name\", \"folder\", \"model\", \"layer\", \"data\", \"images\", "
        "\"outputs\", \"bytes\", \"used\", \"in_use\", \"problem\"}; with --clear {\"removed\", \"in_use\", "
        "\"bytes\"}.",
    .options = OPT(JSON) | OPT(CLEAR),
    .max = OPERANDS_MANY,
    .run = cache_run,
};
