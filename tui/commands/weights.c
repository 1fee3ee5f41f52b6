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
    report_json(document);
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
        "both of its formats), with type and shape. Nothing in the file is executed.\n"
        "With --json: {\"file\", \"format\", \"tensors\": [{\"key\", \"type\", \"shape\"}]}.",
    .options = OPT(JSON),
    .min = 1,
    .max = 1,
    .run = weights_run,
};
