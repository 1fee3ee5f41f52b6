/*
 * models.c - `thaw models`: the catalog of pretrained weights, with the Models tab's filter and orders
 * (model_query.h).
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
#include "tui/model_memory.h"

typedef struct chosen {
    model_facts facts;
    int index; /* in the catalog */
} chosen;

/* The rows that are asked for, in their order. */
typedef struct choice {
    thaw_catalog *catalog;
    chosen *row;
    int count;
    model_filter *filter;
    model_key order;
    bool sorted, reverse;
    bool memory; /* what training takes is asked for: by RECIPE, beside what is AVAILABLE */
    thaw_recipe recipe;
    int64_t available;
} choice;

static int compare(const void *a, const void *b, void *user) {
    const choice *c = user;
    return model_compare(&((const chosen *)a)->facts, &((const chosen *)b)->facts, c->order, c->reverse);
}

/* What training takes; not known of a model that cannot be built. */
static void estimate(const choice *c, model_facts *m) {
    thaw_memory use;
    thaw_status status = thaw_memory_estimate(&c->recipe, m->info->arch, m->info->crop, 0, &use);
    if (!thaw_failed(&status)) m->memory = (double)use.total;
    m->fit = model_memory_fit(m->memory, c->available);
}

/* Gather the rows. BUNDLED: also what comes with thaw. */
static void choose(choice *c, bool bundled) {
    int all = thaw_catalog_count(c->catalog);
    c->row = xcalloc((size_t)all, sizeof *c->row);
    for (int i = 0; i < all; i++) {
        const thaw_weights_info *info = thaw_catalog_at(c->catalog, i);
        char *path = thaw_catalog_locate(info);
        model_facts facts = {.info = info, .here = path != NULL, .memory = NAN};
        free(path);
        if (info->bundled && !bundled) continue;
        if (c->memory) estimate(c, &facts);
        if (model_filter_wants(c->filter, &facts)) c->row[c->count++] = (chosen){facts, i};
    }
    if (c->sorted && c->count) qsort_r(c->row, (size_t)c->count, sizeof *c->row, compare, c);
}

static void print_json(const choice *c) {
    out_text("[");
    for (int i = 0; i < c->count; i++) {
        char *row = thaw_catalog_json(c->catalog, c->row[i].index);
        out_format("%s\n%s", i ? "," : "", row);
        free(row);
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

static void memory_cells(table *t, const model_facts *m) {
    char bytes[NUMBER_TEXT_MAX];
    table_cell(t, "%s", isnan(m->memory) ? "-" : text_bytes(m->memory, bytes));
    table_cell(t, "%s", model_fit_word(m->fit));
}

static void print_rows(const choice *c) {
    static const table_column columns[] = {
        {"model", false, COLUMN_KEEP}, {"weights", false, COLUMN_SHRINK},  {"params", true, COLUMN_KEEP},
        {"GMACs", true, COLUMN_DROP},  {"top-1 %", true, COLUMN_KEEP},     {"MB", true, COLUMN_DROP},
        {"", false, COLUMN_KEEP},      {"trained on", false, COLUMN_DROP},
    };
    static const table_column with_memory[] = {
        {"model", false, COLUMN_KEEP}, {"weights", false, COLUMN_SHRINK}, {"params", true, COLUMN_KEEP},
        {"GMACs", true, COLUMN_DROP},  {"top-1 %", true, COLUMN_KEEP},    {"MB", true, COLUMN_DROP},
        {"", false, COLUMN_KEEP},      {"memory", true, COLUMN_KEEP},     {"", false, COLUMN_KEEP},
    };
    table *t = c->memory ? table_new(with_memory, sizeof with_memory / sizeof *with_memory)
                         : table_new(columns, sizeof columns / sizeof *columns);
    int buildable = 0, present = 0;
    for (int i = 0; i < c->count; i++) {
        const thaw_weights_info *info = c->row[i].facts.info;
        char count[NUMBER_TEXT_MAX];
        table_cell(t, "%s", info->arch);
        table_cell(t, "%s%s", info->name, info->is_default ? " *" : "");
        table_cell(t, "%s", text_count((double)info->parameters, count));
        number_cell(t, 2, info->gflops);
        number_cell(t, 1, info->acc1);
        number_cell(t, 1, info->file_size_mb);
        table_cell(t, "%s", whereabouts(info, c->row[i].facts.here));
        if (c->memory)
            memory_cells(t, &c->row[i].facts);
        else
            table_cell(t, "%s", info->dataset ? info->dataset : "");
        buildable += info->buildable;
        present += c->row[i].facts.here;
    }
    table_print(t);
    out_format("\n%d weights, %d of models that this thaw builds, %d with their file on this machine. "
               "* is what \"DEFAULT\" means.\n",
               c->count, buildable, present);
    if (!c->memory) return;
    char bytes[NUMBER_TEXT_MAX];
    out_format("memory: what training the head alone takes at batch %d%s%s.\n", c->recipe.batch_size,
               c->available < 0 ? "" : "; available now: ",
               c->available < 0 ? "" : text_bytes((double)c->available, bytes));
}

/* The operands as one filter; owned by the caller. */
static char *filter_text(const arguments *a) {
    str text = {0};
    for (size_t i = 0; i < a->operand_count; i++)
        str_appendf(&text, "%s%s", i ? " " : "", a->operand[i]);
    return str_take(&text);
}

static thaw_status list(const arguments *a, choice *c, const char *filter) {
    THAW_TRY(thaw_catalog_open(&c->catalog));
    choose(c, *filter || a->given[OPT_BUNDLED] || !a->given[OPT_JSON]);
    if (!c->count)
        return thaw_error(THAW_ERR_NOT_FOUND, "no model matches \"%s\"; `thaw models` lists all of them",
                          filter);
    if (a->given[OPT_JSON])
        print_json(c);
    else
        print_rows(c);
    return thaw_ok();
}

static void ask_memory(choice *c, const arguments *a) {
    thaw_recipe_init(&c->recipe);
    if (a->given[OPT_BATCH] && a->number[OPT_BATCH] > 0) c->recipe.batch_size = (int)a->number[OPT_BATCH];
    c->memory = a->given[OPT_BATCH] || model_filter_asks_memory(c->filter) ||
                (c->sorted && c->order == MODEL_BY_MEMORY);
    c->available = model_memory_available(&c->recipe, NULL);
}

static int models_run(const arguments *a) {
    choice c = {.sorted = a->given[OPT_SORT] || a->given[OPT_REVERSE], .reverse = a->given[OPT_REVERSE]};
    thaw_status status = a->given[OPT_SORT] ? model_key_parse(a->text[OPT_SORT], &c.order) : thaw_ok();
    if (thaw_failed(&status)) return command_usage("models", thaw_status_prefix(status, "--sort"));
    char *filter = filter_text(a);
    status = model_filter_parse(filter, &c.filter);
    ask_memory(&c, a);
    int code = thaw_failed(&status) ? command_usage("models", status) : command_result(list(a, &c, filter));
    model_filter_free(c.filter);
    thaw_catalog_free(c.catalog);
    thaw_recipe_clear(&c.recipe);
    free(c.row);
    free(filter);
    return code;
}

const command command_models = {
    .name = "models",
    .operands = "[TERM...]",
    .summary = "list the pretrained models",
    .about =
        "Lists the pretrained weights that thaw knows: size, cost, accuracy, and whether the file is on this "
        "machine already (in PyTorch's or Hugging Face's cache).\n"
        "Only what meets every TERM is listed. A word is part of the name, family, weights or dataset, or a "
        "glob that is all of one. A figure is compared with a number: 'acc>75', 'params<30M', 'gflops<5', "
        "'size<100M', 'acc5>=92', 'input=224'; = is within 1 %, sizes are in MB unless they say k or G. "
        "A text is looked into with a colon: family:resnet, weights:V2, dataset:cifar. cached, default "
        "(what \"DEFAULT\" means) and bundled are properties. !TERM turns a term round. "
        "Terms with < or > want quotes in a shell.\n"
        "memory<4G, fits, tight and toobig go by an estimate of what training takes: the head alone, with "
        "everything else as in a recipe that says nothing, at --batch images (32); it is listed when asked "
        "for by one of these, by --batch or by --sort memory.\n"
        "With --json: an array of objects with torchvision's facts and \"cached\". The models that come with "
        "thaw are in it when --bundled or a TERM is given.",
    .options = OPT(JSON) | OPT(BUNDLED) | OPT(SORT) | OPT(REVERSE) | OPT(BATCH),
    .max = OPERANDS_MANY,
    .run = models_run,
};
