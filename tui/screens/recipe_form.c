/*
 * recipe_form.c - see recipe_form.h.
 */
#include "tui/screens/recipe_form.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"

/* KEY NULL: a heading. The field matters only when the value of `needs` is one of the words in `values`. */
typedef struct place {
    const char *key, *label;
    const char *needs, *values;
    double step; /* numbers: what an arrow adds; 0: through 1, 2, 5, 10, ... */
} place;

static const place places[] = {
    {.label = "Model and images"},
    {.key = "model", .label = "model"},
    {.key = "weights", .label = "weights"},
    {.key = "data.path", .label = "folder of images"},

    {.label = "Head"},
    {.key = "head.hidden", .label = "hidden layers"},
    {.key = "head.dropout", .label = "dropout", .step = 0.1},
    {.key = "head.batch_norm", .label = "batch norm"},
    {.key = "head.pool", .label = "pooling"},
    {.key = "head.auxiliary",
     .label = "auxiliary heads",
     .needs = "model",
     .values = "googlenet inception_v3"},

    {.label = "What is frozen"},
    {.key = "freeze", .label = "frozen layers"},
    {.key = "norm", .label = "batch norm there"},
    {.key = "moving", .label = "statistics move in"},

    {.label = "Training"},
    {.key = "epochs", .label = "epochs", .step = 1},
    {.key = "batch_size", .label = "batch size", .step = 8},
    {.key = "optimizer.name", .label = "optimizer"},
    {.key = "optimizer.lr", .label = "learning rate"},
    {.key = "optimizer.momentum",
     .label = "momentum",
     .needs = "optimizer.name",
     .values = "sgd",
     .step = 0.05},
    {.key = "optimizer.nesterov", .label = "Nesterov", .needs = "optimizer.name", .values = "sgd"},
    {.key = "optimizer.beta1",
     .label = "beta 1",
     .needs = "optimizer.name",
     .values = "adam adamw",
     .step = 0.01},
    {.key = "optimizer.beta2",
     .label = "beta 2",
     .needs = "optimizer.name",
     .values = "adam adamw",
     .step = 0.001},
    {.key = "optimizer.eps", .label = "epsilon", .needs = "optimizer.name", .values = "adam adamw"},
    {.key = "optimizer.weight_decay", .label = "weight decay"},
    {.key = "optimizer.decay_norm_and_bias", .label = "decay biases too"},
    {.key = "schedule.name", .label = "schedule"},
    {.key = "schedule.warmup_epochs", .label = "warm-up epochs", .step = 0.5},
    {.key = "schedule.step_epochs",
     .label = "step every",
     .needs = "schedule.name",
     .values = "step",
     .step = 1},
    {.key = "schedule.gamma",
     .label = "step factor",
     .needs = "schedule.name",
     .values = "step",
     .step = 0.1},
    {.key = "schedule.min_lr", .label = "last rate", .needs = "schedule.name", .values = "cosine"},
    {.key = "layer_lr", .label = "rates of layers"},
    {.key = "phases", .label = "phases"},
    {.key = "label_smoothing", .label = "label smoothing", .step = 0.05},
    {.key = "early_stop", .label = "early stop after", .step = 1},

    {.label = "Images"},
    {.key = "data.augment", .label = "augmentation"},
    {.key = "data.val_fraction", .label = "validation share", .step = 0.05},
    {.key = "data.resize", .label = "resize to", .step = 32},
    {.key = "data.crop", .label = "crop to", .step = 32},
    {.key = "data.interpolation", .label = "interpolation"},
    {.key = "data.fast_decode", .label = "fast decoding"},

    {.label = "Machine"},
    {.key = "seed", .label = "seed", .step = 1},
    {.key = "device", .label = "device"},
    {.key = "precision", .label = "precision"},
    {.key = "layout", .label = "memory layout"},
    {.key = "threads", .label = "threads", .step = 1},
    {.key = "workers", .label = "decoding threads", .step = 1},
    {.key = "cache", .label = "cache"},
    {.key = "cache_views", .label = "views kept"},
    {.key = "cache_precision", .label = "kept in"},
    {.key = "checkpoint_seconds", .label = "checkpoint every", .step = 60},
};
enum { PLACES = sizeof places / sizeof places[0] };

static const place *place_of(const char *key) {
    for (int i = 0; i < PLACES; i++)
        if (places[i].key && !strcmp(places[i].key, key)) return &places[i];
    return NULL;
}

static field_kind kind_of(const thaw_recipe_field *f) {
    static const field_kind kind[] = {
        [THAW_RECIPE_TEXT] = FIELD_TEXT,     [THAW_RECIPE_WORD] = FIELD_CHOICE,
        [THAW_RECIPE_BOOL] = FIELD_TOGGLE,   [THAW_RECIPE_INT] = FIELD_INTEGER,
        [THAW_RECIPE_NUMBER] = FIELD_NUMBER, [THAW_RECIPE_NAMES] = FIELD_TEXT,
        [THAW_RECIPE_PHASES] = FIELD_TEXT,   [THAW_RECIPE_SIZES] = FIELD_TEXT,
        [THAW_RECIPE_FACTORS] = FIELD_TEXT,
    };
    return strcmp(f->key, "data.path") ? kind[f->type] : FIELD_PATH;
}

/* The field's words, after "none" when null is allowed; an array for the form to keep. */
static const char **choices_of(const thaw_recipe_field *f) {
    size_t count = 0;
    if (f->type != THAW_RECIPE_WORD || !f->choices) return NULL;
    while (f->choices[count])
        count++;
    const char **choice = xcalloc(count + 2, sizeof *choice);
    size_t at = 0;
    if (f->null_means) choice[at++] = "none";
    memcpy(choice + at, f->choices, count * sizeof *choice);
    return choice;
}

static void add(recipe_form *into, const thaw_recipe_field *f, const place *p) {
    const char **choice = choices_of(f);
    into->choice[into->count] = choice;
    into->field[into->count++] = (form_field){
        .name = f->key,
        .label = p ? p->label : f->key,
        .help = f->help,
        .kind = kind_of(f),
        .choice = choice,
        .least = f->min,
        .most = f->max,
        .step = p && p->step > 0             ? p->step
                : f->type == THAW_RECIPE_INT ? 1
                                             : 0,
    };
}

void recipe_form_init(recipe_form *into) {
    size_t fields = thaw_recipe_field_count();
    *into = (recipe_form){0};
    into->field = xcalloc(fields + PLACES + 1, sizeof *into->field);
    into->choice = xcalloc(fields + PLACES + 1, sizeof *into->choice);
    for (int i = 0; i < PLACES; i++) {
        const thaw_recipe_field *f = places[i].key ? thaw_recipe_field_find(places[i].key) : NULL;
        if (f)
            add(into, f, &places[i]);
        else if (!places[i].key)
            into->field[into->count++] = (form_field){.label = places[i].label, .kind = FIELD_HEADING};
    }
    bool heading = false;
    for (size_t i = 0; i < fields; i++) {
        const thaw_recipe_field *f = thaw_recipe_field_at(i);
        if (place_of(f->key)) continue;
        if (!heading) into->field[into->count++] = (form_field){.label = "More", .kind = FIELD_HEADING};
        heading = true;
        add(into, f, NULL);
    }
}

void recipe_form_clear(recipe_form *into) {
    for (int i = 0; i < into->count; i++)
        free((void *)into->choice[i]);
    free((void *)into->choice);
    free(into->field);
    *into = (recipe_form){0};
}

/* Is WORD one of the space-separated WORDS? */
static bool among(const char *words, const char *word) {
    size_t length = strlen(word);
    for (const char *at = words; length && (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return true;
    return false;
}

bool recipe_form_matters(const thaw_recipe *r, const char *key) {
    const place *p = place_of(key);
    if (!p || !p->needs) return true;
    char *value = thaw_recipe_get_text(r, p->needs);
    bool matters = !value || among(p->values, value);
    free(value);
    return matters;
}
