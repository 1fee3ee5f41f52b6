/*
 * weights.c - `thaw weights`: what is in a file of weights.
 */
#include "thaw/weights.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/commands/table.h"

static void json_architecture(cJSON *document, const thaw_weights_listing *l) {
    const char *arch = thaw_weights_architecture(l);
    thaw_weights_match best[THAW_WEIGHTS_NEAREST];
    size_t count = thaw_weights_nearest(l, best);
    if (arch)
        cJSON_AddStringToObject(document, "architecture", arch);
    else
        cJSON_AddNullToObject(document, "architecture");
    cJSON *nearest = cJSON_AddArrayToObject(document, "nearest");
    for (size_t i = 0; i < count; i++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "model", best[i].arch);
        json_add_number(one, "keys", best[i].keys);
        json_add_number(one, "shapes", best[i].shapes);
        cJSON_AddItemToArray(nearest, one);
    }
}

static void print_json(const char *path, const thaw_weights_listing *l) {
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "file", path);
    cJSON_AddStringToObject(document, "format", thaw_weights_format(l));
    cJSON *tensors = cJSON_AddArrayToObject(document, "tensors");
    for (size_t i = 0; i < thaw_weights_tensors(l); i++) {
        thaw_tensor_info info = thaw_weights_tensor(l, i);
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "key", info.key);
        cJSON_AddStringToObject(one, "type", info.type);
        cJSON *size = cJSON_AddArrayToObject(one, "shape");
        for (int d = 0; d < info.ndim; d++)
            cJSON_AddItemToArray(size, report_number((double)info.dim[d]));
        cJSON_AddItemToArray(tensors, one);
    }
    if (thaw_weights_note(l))
        cJSON_AddStringToObject(document, "note", thaw_weights_note(l));
    else
        cJSON_AddNullToObject(document, "note");
    json_architecture(document, l);
    report_json(document);
}

/* Which model it is for, or is most like. */
static void print_architecture(const thaw_weights_listing *l) {
    const char *arch = thaw_weights_architecture(l);
    thaw_weights_match best[THAW_WEIGHTS_NEAREST];
    size_t count = arch ? 0 : thaw_weights_nearest(l, best);
    if (arch)
        out_format("keys and shapes are those of %s\n", arch);
    else if (!count)
        out_text("thaw knows no model with even one of these keys\n");
    for (size_t i = 0; i < count; i++)
        out_format("%s %s: %.0f %% of the keys, %.0f %% with their shapes\n", i ? "       " : "nearest",
                   best[i].arch, 100 * best[i].keys, 100 * best[i].shapes);
}

static void print_rows(const char *path, const thaw_weights_listing *l) {
    static const table_column columns[] = {
        {"key", false, COLUMN_SHRINK}, {"type", false, COLUMN_KEEP}, {"shape", false, COLUMN_KEEP}};
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    double bytes = 0;
    size_t count = thaw_weights_tensors(l);
    for (size_t i = 0; i < count; i++) {
        thaw_tensor_info info = thaw_weights_tensor(l, i);
        char *key = text_escape(info.key);
        str size = {0};
        for (int d = 0; d < info.ndim; d++)
            str_appendf(&size, "%s%" PRId64, d ? " x " : "", info.dim[d]);
        table_cell(t, "%s", key);
        table_cell(t, "%s", info.type);
        table_cell(t, "%s", info.ndim ? str_text(&size) : "scalar");
        str_clear(&size);
        free(key);
        bytes += (double)info.bytes;
    }
    table_print(t);
    char total[NUMBER_TEXT_MAX], *name = text_escape(path);
    out_format("\n%s: %zu tensors, %s (%s)\n", name, count, text_bytes(bytes, total), thaw_weights_format(l));
    free(name);
    if (thaw_weights_note(l)) out_format("%s\n", thaw_weights_note(l));
    print_architecture(l);
}

static int weights_run(const arguments *a) {
    thaw_weights_listing *listing;
    thaw_status status = thaw_weights_list(a->operand[0], &listing);
    if (thaw_failed(&status)) return command_result(status);
    if (a->given[OPT_JSON])
        print_json(a->operand[0], listing);
    else
        print_rows(a->operand[0], listing);
    thaw_weights_listing_free(listing);
    return EXIT_DONE;
}

const command command_weights = {
    .name = "weights",
    .operands = "FILE",
    .summary = "list the tensors in a file of weights",
    .about =
        "Lists the tensors of a .safetensors file or of one that Python's torch.save wrote (.pth, .pt, .th; "
        "both of its formats), with type and shape. Nothing in the file is executed. Keys are shown as they "
        "are read: without a name that all of them begin with (\"module.\", \"backbone.\") when a known "
        "model "
        "comes out so, and timm's names of a ViT's or ConvNeXt's layers as torchvision's; a line says so.\n"
        "It also says which model's keys and shapes these are (the head may differ), or which models come "
        "nearest: the shares of all keys, the file's and the model's together, that both have, and that have "
        "the same shape as well.\n"
        "With --json: {\"file\", \"format\", \"tensors\": [{\"key\", \"type\", \"shape\"}], \"note\" (or "
        "null), \"architecture\" "
        "(or "
        "null), \"nearest\": [{\"model\", \"keys\", \"shapes\"}]}.",
    .options = OPT(JSON),
    .min = 1,
    .max = 1,
    .run = weights_run,
};
