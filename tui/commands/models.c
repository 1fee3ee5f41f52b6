/*
 * models.c - `thaw models`: the catalog of pretrained weights.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "thaw/catalog.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/commands/table.h"

/* Everything, what contains FILTER, or what matches it as a glob: by architecture, family or weights. */
static bool wanted(const thaw_weights_info *info, const char *filter) {
    const char *names[] = {info->arch, info->family, info->name};
    if (!filter) return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i] && (strcasestr(names[i], filter) || text_glob(filter, names[i]))) return true;
    return false;
}

static void print_json(const thaw_catalog *c, const char *filter, bool bundled) {
    bool first = true;
    out_text("[");
    for (int i = 0; i < thaw_catalog_count(c); i++) {
        const thaw_weights_info *info = thaw_catalog_at(c, i);
        if (!wanted(info, filter) || (info->bundled && !bundled && !filter)) continue;
        char *row = thaw_catalog_json(c, i);
        out_format("%s\n%s", first ? "" : ",", row);
        free(row);
        first = false;
    }
    out_text("\n]\n");
}

static void number_cell(table *t, int decimals, double value) {
    if (isnan(value))
        table_cell(t, "-");
    else
        table_cell(t, "%.*f", decimals, value);
}

static const char *whereabouts(const thaw_weights_info *info, bool here) {
    if (!info->buildable) return "not yet";
    if (info->bundled) return here ? "bundled" : "missing";
    return here ? "here" : "";
}

static void print_rows(const thaw_catalog *c, const char *filter) {
    static const table_column columns[] = {
        {"model", false, COLUMN_KEEP}, {"weights", false, COLUMN_SHRINK},  {"params", true, COLUMN_KEEP},
        {"GMACs", true, COLUMN_DROP},  {"top-1 %", true, COLUMN_KEEP},     {"MB", true, COLUMN_DROP},
        {"", false, COLUMN_KEEP},      {"trained on", false, COLUMN_DROP},
    };
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    int shown = 0, buildable = 0, present = 0;
    for (int i = 0; i < thaw_catalog_count(c); i++) {
        const thaw_weights_info *info = thaw_catalog_at(c, i);
        if (!wanted(info, filter)) continue;
        char *path = thaw_catalog_locate(info), count[NUMBER_TEXT_MAX];
        table_cell(t, "%s", info->arch);
        table_cell(t, "%s%s", info->name, info->is_default ? " *" : "");
        table_cell(t, "%s", text_count((double)info->parameters, count));
        number_cell(t, 2, info->gflops);
        number_cell(t, 1, info->acc1);
        number_cell(t, 1, info->file_size_mb);
        table_cell(t, "%s", whereabouts(info, path != NULL));
        table_cell(t, "%s", info->dataset ? info->dataset : "");
        shown++;
        buildable += info->buildable;
        present += path != NULL;
        free(path);
    }
    table_print(t);
    out_format("\n%d weights, %d of models that this thaw builds, %d with their file on this machine. "
               "* is what \"DEFAULT\" means.\n",
               shown, buildable, present);
}

static int models_run(const arguments *a) {
    const char *filter = a->operand_count ? a->operand[0] : NULL;
    thaw_catalog *c;
    thaw_status status = thaw_catalog_open(&c);
    if (thaw_failed(&status)) return command_result(status);
    bool any = !filter;
    for (int i = 0; i < thaw_catalog_count(c) && !any; i++)
        any = wanted(thaw_catalog_at(c, i), filter);
    if (!any)
        status = thaw_error(THAW_ERR_NOT_FOUND, "no model matches \"%s\"; `thaw models` lists all of them",
                            filter);
    else if (a->given[OPT_JSON])
        print_json(c, filter, a->given[OPT_BUNDLED]);
    else
        print_rows(c, filter);
    thaw_catalog_free(c);
    return command_result(status);
}

const command command_models = {
    .name = "models",
    .operands = "[FILTER]",
    .summary = "list the pretrained models",
    .about =
        "Lists the pretrained weights that thaw knows: size, cost, accuracy, and whether the file is on this "
        "machine already (in PyTorch's or Hugging Face's cache). FILTER keeps what contains it, or matches "
        "it as "
        "a glob, in the name of the architecture, the family or the weights.\n"
        "With --json: an array of objects with torchvision's facts and \"cached\". The models that come with "
        "thaw "
        "are in it when --bundled or a FILTER is given.",
    .options = OPT(JSON) | OPT(BUNDLED),
    .max = 1,
    .run = models_run,
};
