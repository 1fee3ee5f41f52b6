/*
 * recipe_fields.c - one row a field of the recipe: key, type, range, words, default, help, and where it lies
 * in thaw_recipe. A new field is a member of thaw_recipe and a row here; docs/recipe.md's tables, the
 * workbench's form and `--set` follow.
 */
#include "engine/run/recipe_fields.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"

#define WORDS(...)    ((const char *const[]){__VA_ARGS__, NULL})
#define AT(member)    .offset = offsetof(thaw_recipe, member)
#define COUNTED(m, n) .offset = offsetof(thaw_recipe, m), .count_offset = offsetof(thaw_recipe, n)
#define LARGEST_SEED  9007199254740991.0
#define EPOCHS_MAX    100000
#define BATCH_MAX     65536
#define SIDE_MAX      4096
#define HIDDEN_MAX    65536
#define LR_MAX        10
#define LR_FACTOR_MAX 1000

static bool is_device(const char *text) {
    if (strcmp(text, "auto") == 0 || strcmp(text, "cpu") == 0 || strcmp(text, "cuda") == 0) return true;
    if (strncmp(text, "cuda:", 5) != 0 || !text[5] || strlen(text) > 8) return false;
    for (const char *digit = text + 5; *digit; digit++)
        if (!isdigit((unsigned char)*digit)) return false;
    return true;
}

/* clang-format off */
static const recipe_row rows[] = {
    {{.key = "model", .type = THAW_RECIPE_TEXT, .initial = "",
      .choices = WORDS("resnet18", "cifar_resnet20"), .help = "architecture; `thaw models` lists them"},
     STORE_TEXT, AT(model)},
    {{.key = "weights", .decided = true, .type = THAW_RECIPE_TEXT, .initial = "DEFAULT",
      .null_means = "random initialisation", .choices = WORDS("DEFAULT", "IMAGENET1K_V1"),
      .help = "pretrained weights: a name from the catalog, DEFAULT for the model's default, or a file"},
     STORE_TEXT, AT(weights)},
    {{.key = "data.path", .type = THAW_RECIPE_TEXT, .initial = "", .choices = WORDS("shapes", "~/photos"),
      .help = "folder of images: train/CLASS and val/CLASS, or CLASS alone; \"shapes\" is the bundled set"},
     STORE_TEXT, AT(data.path)},
    {{.key = "data.val_fraction", .type = THAW_RECIPE_NUMBER, .initial = "0.2", .min = 0, .max = 1,
      .below_max = true, .help = "share of images kept for validation when no folder is named for it"},
     STORE_DOUBLE, AT(data.val_fraction)},
    {{.key = "data.resize", .decided = true, .type = THAW_RECIPE_INT, .initial = "0", .min = 0, .max = SIDE_MAX,
      .help = "shorter side before the crop, in pixels; 0: as the weights were trained"},
     STORE_INT, AT(data.resize)},
    {{.key = "data.crop", .decided = true, .type = THAW_RECIPE_INT, .initial = "0", .min = 0, .max = SIDE_MAX,
      .help = "side of the square that the model sees, in pixels; 0: as the weights were trained"},
     STORE_INT, AT(data.crop)},
    {{.key = "data.interpolation", .decided = true, .type = THAW_RECIPE_WORD, .initial = "none",
      .null_means = "as the weights were trained", .choices = WORDS("nearest", "bilinear", "bicubic"),
      .help = "how images are resized"},
     STORE_TEXT, AT(data.interpolation)},
    {{.key = "data.augment", .type = THAW_RECIPE_WORD, .initial = "basic",
      .choices = WORDS("none", "flip", "basic", "shift"),
      .help = "none; flip left-right; basic: random resized crop and flip; shift: pad, random crop and flip"},
     STORE_TEXT, AT(data.augment)},
    {{.key = "data.fast_decode", .type = THAW_RECIPE_BOOL, .initial = "true",
      .help = "training may decode large JPEGs at half size or less; validation never does"},
     STORE_BOOL, AT(data.fast_decode)},
    {{.key = "freeze", .type = THAW_RECIPE_NAMES, .initial = "all",
      .help = "layers whose weights stay as they are: names (with all under them), globs, or all: but the head"},
     STORE_NAMES, COUNTED(freeze, freeze_count)},
    {{.key = "moving", .type = THAW_RECIPE_NAMES, .initial = "",
      .help = "layers with frozen weights whose batch-norm statistics move, whatever norm says"},
     STORE_NAMES, COUNTED(moving, moving_count)},
    {{.key = "norm", .type = THAW_RECIPE_WORD, .initial = "eval", .choices = WORDS("eval", "train"),
      .help = "batch norm in frozen layers: eval keeps its statistics; train lets them move"},
     STORE_TEXT, AT(norm)},
    {{.key = "head.hidden", .type = THAW_RECIPE_SIZES, .initial = "", .min = 1, .max = HIDDEN_MAX,
      .help = "sizes of the head's hidden layers; none: a linear head"},
     STORE_SIZES, COUNTED(head.hidden, head.hidden_count)},
    {{.key = "head.dropout", .type = THAW_RECIPE_NUMBER, .initial = "0", .min = 0, .max = 1,
      .below_max = true, .help = "probability of dropping a feature before each linear layer of the head"},
     STORE_DOUBLE, AT(head.dropout)},
    {{.key = "head.batch_norm", .type = THAW_RECIPE_BOOL, .initial = "false",
      .help = "batch norm after each hidden layer of the head"},
     STORE_BOOL, AT(head.batch_norm)},
    {{.key = "head.auxiliary", .type = THAW_RECIPE_BOOL, .initial = "false",
      .help = "GoogLeNet, Inception v3: their auxiliary classifiers are trained too, as losses beside the head's"},
     STORE_BOOL, AT(head.auxiliary)},
    {{.key = "head.pool", .type = THAW_RECIPE_WORD, .initial = "default",
      .choices = WORDS("default", "avg", "max", "avg+max"),
      .help = "pooling before the head, where the family pools; default is the family's own"},
     STORE_POOL, AT(head.pool)},
    {{.key = "optimizer.name", .type = THAW_RECIPE_WORD, .initial = "sgd",
      .choices = WORDS("sgd", "adam", "adamw"), .help = "optimizer"},
     STORE_TEXT, AT(optimizer.name)},
    {{.key = "optimizer.lr", .type = THAW_RECIPE_NUMBER, .initial = "0.001", .min = 0, .above_min = true,
      .max = LR_MAX, .help = "base learning rate"},
     STORE_DOUBLE, AT(optimizer.lr)},
    {{.key = "optimizer.momentum", .type = THAW_RECIPE_NUMBER, .initial = "0.9", .min = 0, .max = 1,
      .below_max = true, .help = "sgd: momentum"},
     STORE_DOUBLE, AT(optimizer.momentum)},
    {{.key = "optimizer.nesterov", .type = THAW_RECIPE_BOOL, .initial = "false",
      .help = "sgd: Nesterov's momentum"},
     STORE_BOOL, AT(optimizer.nesterov)},
    {{.key = "optimizer.weight_decay", .type = THAW_RECIPE_NUMBER, .initial = "0", .min = 0, .max = 1,
      .help = "weight decay: added to the gradient (sgd, adam), or decoupled (adamw)"},
     STORE_DOUBLE, AT(optimizer.weight_decay)},
    {{.key = "optimizer.decay_norm_and_bias", .type = THAW_RECIPE_BOOL, .initial = "true",
      .help = "weight decay also pulls at biases and norm weights"},
     STORE_BOOL, AT(optimizer.decay_norm_and_bias)},
    {{.key = "optimizer.beta1", .type = THAW_RECIPE_NUMBER, .initial = "0.9", .min = 0, .max = 1,
      .below_max = true, .help = "adam, adamw: decay of the gradient's running mean"},
     STORE_DOUBLE, AT(optimizer.beta1)},
    {{.key = "optimizer.beta2", .type = THAW_RECIPE_NUMBER, .initial = "0.999", .min = 0, .max = 1,
      .below_max = true, .help = "adam, adamw: decay of the squared gradient's running mean"},
     STORE_DOUBLE, AT(optimizer.beta2)},
    {{.key = "optimizer.eps", .type = THAW_RECIPE_NUMBER, .initial = "1e-08", .min = 0, .above_min = true,
      .max = 1, .help = "adam, adamw: added to the denominator"},
     STORE_DOUBLE, AT(optimizer.eps)},
    {{.key = "layer_lr", .type = THAW_RECIPE_FACTORS, .initial = "", .min = 0, .above_min = true,
      .max = LR_FACTOR_MAX,
      .help = "learning rate of layers, as a multiple of the base rate; of several that match, the last counts"},
     STORE_FACTORS, COUNTED(layer_lr, layer_lr_count)},
    {{.key = "schedule.name", .type = THAW_RECIPE_WORD, .initial = "constant",
      .choices = WORDS("constant", "step", "cosine"), .help = "how the learning rate goes over the run"},
     STORE_TEXT, AT(schedule.name)},
    {{.key = "schedule.warmup_epochs", .type = THAW_RECIPE_NUMBER, .initial = "0", .min = 0,
      .max = EPOCHS_MAX, .help = "the rate rises linearly over so many epochs first; fractions count"},
     STORE_DOUBLE, AT(schedule.warmup_epochs)},
    {{.key = "schedule.step_epochs", .type = THAW_RECIPE_NUMBER, .initial = "7", .min = 0,
      .above_min = true, .max = EPOCHS_MAX,
      .help = "step: every so many epochs the rate is multiplied by gamma"},
     STORE_DOUBLE, AT(schedule.step_epochs)},
    {{.key = "schedule.gamma", .type = THAW_RECIPE_NUMBER, .initial = "0.1", .min = 0, .above_min = true,
      .max = 1, .help = "step: what the rate is multiplied by"},
     STORE_DOUBLE, AT(schedule.gamma)},
    {{.key = "schedule.min_lr", .type = THAW_RECIPE_NUMBER, .initial = "0", .min = 0, .max = LR_MAX,
      .help = "cosine: the rate at the end"},
     STORE_DOUBLE, AT(schedule.min_lr)},
    {{.key = "phases", .type = THAW_RECIPE_PHASES, .initial = "",
      .help = "what changes after so many epochs: the mask, the learning rate; {\"epoch\": 5, \"freeze\": [], \"lr\": 0.0001}"},
     STORE_PHASES, COUNTED(phase, phase_count)},
    {{.key = "label_smoothing", .type = THAW_RECIPE_NUMBER, .initial = "0", .min = 0, .max = 1,
      .below_max = true, .help = "share of each target spread evenly over all classes"},
     STORE_DOUBLE, AT(label_smoothing)},
    {{.key = "epochs", .type = THAW_RECIPE_INT, .initial = "25", .min = 1, .max = EPOCHS_MAX,
      .help = "passes over the training images"},
     STORE_INT, AT(epochs)},
    {{.key = "batch_size", .type = THAW_RECIPE_INT, .initial = "32", .min = 1, .max = BATCH_MAX,
      .help = "images a step"},
     STORE_INT, AT(batch_size)},
    {{.key = "seed", .type = THAW_RECIPE_INT, .initial = "0", .min = 0, .max = LARGEST_SEED,
      .help = "of the head's first weights, the order of images, augmentation and dropout"},
     STORE_SEED, AT(seed)},
    {{.key = "device", .decided = true, .type = THAW_RECIPE_TEXT, .initial = "auto",
      .choices = WORDS("auto", "cpu", "cuda", "cuda:1"),
      .help = "where to train: auto, cpu, cuda or cuda:N; auto takes CUDA when it is there"},
     STORE_TEXT, AT(device), .accepts = is_device},
    {{.key = "precision", .decided = true, .type = THAW_RECIPE_WORD, .initial = "auto",
      .choices = WORDS("auto", "fp32", "bf16"),
      .help = "number format of the passes; auto takes bf16 where the hardware makes it fast"},
     STORE_TEXT, AT(precision)},
    {{.key = "layout", .decided = true, .type = THAW_RECIPE_WORD, .initial = "auto",
      .choices = WORDS("auto", "contiguous", "channels_last"),
      .help = "order of activations and weights in memory; auto takes what this kind of processor is faster with"},
     STORE_TEXT, AT(layout)},
    {{.key = "cache", .type = THAW_RECIPE_WORD, .initial = "auto", .choices = WORDS("auto", "memory", "off"),
      .help = "keep what is computed once: decoded images, outputs of frozen layers; auto: these on disk too"},
     STORE_TEXT, AT(cache)},
    {{.key = "cache_precision", .type = THAW_RECIPE_WORD, .initial = "auto",
      .choices = WORDS("auto", "bf16"),
      .help = "number format in which outputs of frozen layers are kept: as computed, or half of fp32's room"},
     STORE_TEXT, AT(cache_precision)},
    {{.key = "cache_views", .decided = true, .type = THAW_RECIPE_INT, .initial = "0", .min = 0, .max = EPOCHS_MAX,
      .help = "random crops of an image whose outputs of frozen layers are kept, then shown again; 0: chosen"},
     STORE_INT, AT(cache_views)},
    {{.key = "threads", .type = THAW_RECIPE_INT, .initial = "0", .min = 0, .max = 1024,
      .help = "of libtorch; 0: all cores"},
     STORE_INT, AT(threads)},
    {{.key = "workers", .type = THAW_RECIPE_INT, .initial = "0", .min = 0, .max = 256,
      .help = "threads that read and decode images; 0: as many as are needed and do not disturb computing"},
     STORE_INT, AT(workers)},
    {{.key = "checkpoint_seconds", .type = THAW_RECIPE_NUMBER, .initial = "300", .min = 0, .max = 86400,
      .help = "at most so long between two checkpoints; 0: only when an epoch ends"},
     STORE_DOUBLE, AT(checkpoint_seconds)},
    {{.key = "early_stop", .type = THAW_RECIPE_INT, .initial = "0", .min = 0, .max = EPOCHS_MAX,
      .help = "stop after so many epochs without a better validation accuracy; 0: never"},
     STORE_INT, AT(early_stop)},
};
/* clang-format on */

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

size_t recipe_row_count(void) {
    return ROW_COUNT;
}

const recipe_row *recipe_row_at(size_t index) {
    return index < ROW_COUNT ? &rows[index] : NULL;
}

const recipe_row *recipe_row_find(const char *key) {
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].field.key, key) == 0) return &rows[i];
    return NULL;
}

size_t recipe_row_index(const recipe_row *row) {
    return (size_t)(row - rows);
}

const char *recipe_section_example(const char *key) {
    size_t length = strlen(key);
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strncmp(rows[i].field.key, key, length) == 0 && rows[i].field.key[length] == '.')
            return rows[i].field.key + length + 1;
    return NULL;
}

bool recipe_is_section(const char *key) {
    return recipe_section_example(key) != NULL;
}

static const char *last_part(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

thaw_status recipe_unknown_key(const char *key) {
    const char *whole[ROW_COUNT], *last[ROW_COUNT];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        whole[i] = rows[i].field.key;
        last[i] = last_part(whole[i]);
    }
    const char *meant = text_nearest(key, whole, ROW_COUNT);
    /* "lr" and "optimizer.learning_rate" are far from "optimizer.lr" in letters; the last part is often
     * right. */
    const char *part = text_nearest(last_part(key), last, ROW_COUNT);
    for (size_t i = 0; i < ROW_COUNT && !meant && part; i++)
        if (last[i] == part) meant = whole[i];
    if (meant) return thaw_error(THAW_ERR_USAGE, "unknown key \"%s\"; did you mean \"%s\"?", key, meant);
    return thaw_error(THAW_ERR_USAGE, "unknown key \"%s\"; docs/recipe.md lists them all", key);
}

/* ---- public ---- */

size_t thaw_recipe_field_count(void) {
    return ROW_COUNT;
}

const thaw_recipe_field *thaw_recipe_field_at(size_t index) {
    return index < ROW_COUNT ? &rows[index].field : NULL;
}

const thaw_recipe_field *thaw_recipe_field_find(const char *key) {
    const recipe_row *row = recipe_row_find(key);
    return row ? &row->field : NULL;
}

/* "a, b or c" */
static void list_words(str *out, const char *const *words) {
    for (size_t i = 0; words[i]; i++)
        str_appendf(out, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

static const char *largest(const thaw_recipe_field *f, char buffer[NUMBER_TEXT_MAX]) {
    if (f->max == LARGEST_SEED) return "2^53 - 1";
    snprintf(buffer, NUMBER_TEXT_MAX, "%.10g", f->max);
    return buffer;
}

const char *thaw_recipe_field_range(const thaw_recipe_field *f, char *buffer, size_t size) {
    str text = {0};
    char max[NUMBER_TEXT_MAX];
    switch (f->type) {
    case THAW_RECIPE_WORD:
        list_words(&text, f->choices);
        break;
    case THAW_RECIPE_BOOL:
        str_append(&text, "true or false");
        break;
    case THAW_RECIPE_INT:
    case THAW_RECIPE_NUMBER:
    case THAW_RECIPE_SIZES:
    case THAW_RECIPE_FACTORS:
        str_appendf(&text, "%s %g, %s %s", f->above_min ? "more than" : "at least", f->min,
                    f->below_max ? "less than" : "at most", largest(f, max));
        break;
    case THAW_RECIPE_TEXT:
    case THAW_RECIPE_NAMES:
    case THAW_RECIPE_PHASES:
        break;
    }
    snprintf(buffer, size, "%s", str_text(&text));
    str_clear(&text);
    return buffer;
}
