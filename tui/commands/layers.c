/*
 * layers.c - `thaw layers`: the tree of a model, what each layer costs and what a freeze mask makes of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/jobs.h"
#include "thaw/layers.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/commands/table.h"

static cJSON *numbers(const int64_t *value, int count) {
    cJSON *array = cJSON_CreateArray();
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber((double)value[i]));
    return array;
}

static cJSON *layers_array(const thaw_layers *layers) {
    cJSON *array = cJSON_CreateArray();
    for (int i = 0; i < thaw_layers_count(layers); i++) {
        const thaw_layer_info *info = thaw_layers_at(layers, i);
        cJSON *layer = cJSON_CreateObject();
        thaw_freeze state = thaw_layers_state(layers, i);
        cJSON_AddStringToObject(layer, "name", info->path);
        cJSON_AddStringToObject(layer, "kind", info->kind);
        cJSON_AddItemToObject(layer, "output", numbers(info->output, info->output_ndim));
        json_add_number(layer, "parameters", (double)info->parameters);
        json_add_number(layer, "macs", (double)info->macs);
        cJSON_AddBoolToObject(layer, "frozen", state == THAW_FROZEN || state == THAW_STATS_MOVING);
        cJSON_AddItemToArray(array, layer);
    }
    return array;
}

static int64_t total_macs(const thaw_layers *layers) {
    int64_t total = 0;
    for (int i = 0; i < thaw_layers_count(layers); i = thaw_layers_at(layers, i)->end)
        total += thaw_layers_at(layers, i)->macs;
    return total;
}

static void print_json(const thaw_layers *layers, const char *model) {
    cJSON *document = cJSON_CreateObject(), *state, *cuts = cJSON_CreateArray();
    int64_t input[] = {3, thaw_layers_input(layers), thaw_layers_input(layers)};
    cJSON_AddStringToObject(document, "model", model);
    cJSON_AddItemToObject(document, "input", numbers(input, 3));
    json_add_number(document, "parameters", (double)thaw_layers_parameters(layers));
    json_add_number(document, "macs", (double)total_macs(layers));
    state = cJSON_AddObjectToObject(document, "state");
    for (size_t i = 0; i < thaw_layers_tensor_count(layers); i++) {
        thaw_layers_tensor tensor = thaw_layers_tensor_at(layers, i);
        cJSON_AddItemToObject(state, tensor.key, numbers(tensor.shape, tensor.ndim));
    }
    cJSON_AddItemToObject(document, "layers", layers_array(layers));
    for (size_t i = 0; i < thaw_layers_cut_count(layers); i++)
        cJSON_AddItemToArray(cuts, cJSON_CreateString(thaw_layers_cut_name(layers, i)));
    cJSON_AddItemToObject(document, "cuts", cuts);
    report_json(document);
}

static const char *state_word(thaw_freeze state) {
    static const char *const word[] = {
        [THAW_TRAINABLE] = "trainable",
        [THAW_STATS_MOVING] = "frozen, statistics move",
        [THAW_FROZEN] = "frozen",
        [THAW_MIXED] = "in part",
    };
    return word[state];
}

static void shape_cell(table *t, const thaw_layer_info *info) {
    str text = {0};
    for (int i = 0; i < info->output_ndim; i++)
        str_appendf(&text, "%s%lld", i ? "x" : "", (long long)info->output[i]);
    table_cell(t, "%s", str_text(&text));
    str_clear(&text);
}

static void print_rows(const thaw_layers *layers, bool masked) {
    enum { BATCH_USUAL = 32, SGD_STATE = 1 };
    static const table_column columns[] = {
        {"layer", false, COLUMN_SHRINK}, {"kind", false, COLUMN_KEEP}, {"output", true, COLUMN_DROP},
        {"params", true, COLUMN_KEEP},   {"MACs", true, COLUMN_KEEP},  {"", false, COLUMN_DROP},
    };
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    char buffer[NUMBER_TEXT_MAX];
    for (int i = 0; i < thaw_layers_count(layers); i++) {
        const thaw_layer_info *info = thaw_layers_at(layers, i);
        table_cell(t, "%*s%s", 2 * info->depth, "", info->name);
        table_cell(t, "%s", info->kind);
        shape_cell(t, info);
        table_cell(t, "%s", info->parameters ? text_count((double)info->parameters, buffer) : "");
        table_cell(t, "%s", info->macs ? text_count((double)info->macs, buffer) : "");
        table_cell(t, "%s", masked && info->parameters ? state_word(thaw_layers_state(layers, i)) : "");
    }
    table_print(t);
    thaw_cost cost = thaw_layers_cost(layers, BATCH_USUAL, SGD_STATE);
    char trainable[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX], memory[NUMBER_TEXT_MAX];
    out_format("\n%s parameters, %s multiply-accumulates an image at %d px\n",
               text_count((double)cost.parameters, all), text_count((double)total_macs(layers), buffer),
               thaw_layers_input(layers));
    out_format("training %s of them at %d images a batch takes about %s",
               text_count((double)cost.trainable, trainable), BATCH_USUAL,
               text_bytes((double)cost.memory_bytes, memory));
    if (masked) out_format(" and %.0f %% of the work of training all", 100 * cost.relative_step);
    out_text("\n");
}

/* "layer1,layer2.*": each of them frozen. */
static thaw_status freeze_all(thaw_layers *layers, const char *list) {
    while (*list) {
        size_t length = strcspn(list, ",");
        char *pattern = xstrndup(list, length);
        const char *one = pattern;
        thaw_status status = strcmp(pattern, "all")
                                 ? thaw_layers_set_matching(layers, pattern, THAW_FROZEN, NULL)
                                 : thaw_layers_set_mask(layers, &one, 1, NULL, 0);
        free(pattern);
        if (thaw_failed(&status)) return status;
        list += length + (list[length] == ',');
    }
    return thaw_ok();
}

/* The model that is named, or whose keys the file has, with the file's head. *NAME is static or the user's.
 */
static thaw_status open_layers(const arguments *a, const char **name, thaw_layers **out) {
    thaw_identity of = {0};
    const char *file = a->text[OPT_WEIGHTS];
    int input = (int)a->number[OPT_INPUT];
    if (!file) {
        *name = a->operand[0];
        return thaw_layers_new(*name, NULL, 0, input, out);
    }
    THAW_TRY(thaw_identify(file, &of));
    *name = of.arch;
    fprintf(stderr, "thaw: %s is taken as %s, whose keys and shapes it has\n", file, of.arch);
    return thaw_layers_new(of.arch, &of.head, of.classes, input, out);
}

static thaw_status check_one_named(const arguments *a) {
    if (!a->operand_count && !a->text[OPT_WEIGHTS])
        return thaw_error(THAW_ERR_USAGE, "layers needs MODEL, or a file with --weights");
    if (a->operand_count && a->text[OPT_WEIGHTS])
        return thaw_error(THAW_ERR_USAGE, "both the model %s and --weights %s are named; take one",
                          a->operand[0], a->text[OPT_WEIGHTS]);
    return thaw_ok();
}

static int layers_run(const arguments *a) {
    thaw_layers *layers;
    const char *name;
    thaw_status status = check_one_named(a);
    if (thaw_failed(&status)) return command_usage("layers", status);
    status = open_layers(a, &name, &layers);
    if (thaw_failed(&status)) return command_result(status);
    if (a->given[OPT_FREEZE]) status = freeze_all(layers, a->text[OPT_FREEZE]);
    if (thaw_failed(&status)) {
        thaw_layers_free(layers);
        return command_result(status);
    }
    if (a->given[OPT_JSON])
        print_json(layers, name);
    else
        print_rows(layers, a->given[OPT_FREEZE]);
    thaw_layers_free(layers);
    return EXIT_DONE;
}

const command command_layers = {
    .name = "layers",
    .operands = "[MODEL]",
    .summary = "show the layers of a model and what they cost",
    .about =
        "Prints the tree of MODEL under torchvision's names, with the output shape, the parameters and the "
        "multiply-accumulates of each layer for one image; with --weights FILE, of the model that the file "
        "is of, "
        "with the head it has. With --freeze it shows what that mask makes "
        "trainable "
        "and what it saves.\n"
        "With --json: {\"model\", \"input\", \"parameters\", \"macs\", \"state\": {key: shape}, \"layers\": "
        "[{\"name\", \"kind\", \"output\", \"parameters\", \"macs\", \"frozen\"}], \"cuts\"}.",
    .options = OPT(JSON) | OPT(WEIGHTS) | OPT(INPUT) | OPT(FREEZE),
    .min = 0,
    .max = 1,
    .run = layers_run,
};
