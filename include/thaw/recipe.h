/*
 * recipe.h - everything that determines a run, as a JSON file (docs/recipe.md) and as a struct.
 *
 * thaw_recipe_init fills in the defaults; parsing changes only what the document names; an unknown key, a
 * wrong type or a value out of range fails with the key and what would be right. Writing puts every value
 * out.
 *
 * One table of fields (thaw_recipe_field_at) is behind all of it: parsing, checking, writing, `--set`, the
 * workbench's form and the tables of docs/recipe.md.
 */
#ifndef THAW_RECIPE_H
#define THAW_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/layers.h"
#include "thaw/status.h"

typedef struct thaw_layer_lr {
    char *pattern; /* layer name or glob */
    double factor; /* times the learning rate */
} thaw_layer_lr;

/* What changes at the beginning of an epoch, as planned. */
typedef struct thaw_recipe_phase {
    int epoch;  /* epochs before it: at least 1 */
    bool masks; /* it has a mask of its own: the next four; else the mask stays */
    char **freeze;
    size_t freeze_count;
    char **moving;
    size_t moving_count;
    double lr; /* base learning rate from then on; 0: as it was */
} thaw_recipe_phase;

typedef struct thaw_recipe {
    char *model;   /* "resnet18"; "" until chosen */
    char *weights; /* catalog name, "DEFAULT", path of a file, or NULL: random initialisation */
    struct {
        char *path; /* "" until chosen */
        double val_fraction;
        int resize, crop; /* 0: from the catalog (the weights' own), else 256/224; CIFAR models: none, 32 */
        char *interpolation; /* NULL: from the catalog */
        char *augment;       /* "none", "flip", "basic", "shift" */
        bool fast_decode;
    } data;
    char **freeze; /* names and globs */
    size_t freeze_count;
    char **moving; /* frozen weights with moving statistics, whatever "norm" says */
    size_t moving_count;
    char
        *norm; /* "eval": frozen layers keep their statistics; "train": all of freeze has moving statistics */
    thaw_head head;
    struct {
        char *name; /* "sgd", "adam", "adamw" */
        double lr, momentum, weight_decay;
        bool nesterov;
        double beta1, beta2, eps;
        bool decay_norm_and_bias; /* false leaves them out of weight decay */
    } optimizer;
    thaw_layer_lr *layer_lr;
    size_t layer_lr_count;
    struct {
        char *name;           /* "constant", "step", "cosine" */
        double warmup_epochs; /* linear from lr/10... see docs/recipe.md */
        double step_epochs;   /* step: every so many epochs ... */
        double gamma;         /* ... times this */
        double min_lr;        /* cosine ends here */
    } schedule;
    thaw_recipe_phase *phase; /* in order of epochs */
    size_t phase_count;
    double label_smoothing;
    int epochs, batch_size;
    uint64_t seed;
    char *device;              /* "auto", "cpu", "cuda", "cuda:1" */
    char *precision;           /* "auto", "fp32", "bf16" */
    char *layout;              /* "auto", "contiguous", "channels_last": of images and weights in memory */
    char *cache;               /* "auto", "memory", "off": decoded images and outputs of frozen layers */
    char *cache_precision;     /* "auto", "bf16": the outputs as they are computed, or rounded */
    int cache_views;           /* random crops of an image whose outputs are kept; 0: chosen */
    int threads;               /* 0: all cores */
    int workers;               /* loader threads; 0: chosen */
    double checkpoint_seconds; /* at most so long between two checkpoints; 0: only at epoch ends */
    int early_stop;            /* epochs without improvement; 0: never */
} thaw_recipe;

void thaw_recipe_init(thaw_recipe *r); /* the article's defaults; free with thaw_recipe_clear */
void thaw_recipe_clear(thaw_recipe *r);
void thaw_recipe_copy(const thaw_recipe *from, thaw_recipe *to); /* TO is uninitialised before */

/* R has been initialised. WHERE names the source in messages. On failure R is cleared and re-initialised. */
thaw_status thaw_recipe_parse(const char *json, size_t length, const char *where, thaw_recipe *r);
thaw_status thaw_recipe_read(const char *path, thaw_recipe *r);
/* "optimizer.lr=0.01", "freeze=[\"layer1\"]", "model=resnet18": the value is JSON, or else a string. */
thaw_status thaw_recipe_set(thaw_recipe *r, const char *assignment);
/* Ranges, words, and what fields say together; that model and data are chosen; not whether files exist. */
thaw_status thaw_recipe_check(const thaw_recipe *r);
char *thaw_recipe_json(const thaw_recipe *r); /* complete, indented; free() it */
thaw_status thaw_recipe_write(const thaw_recipe *r, const char *path);

/* ---- the fields, one by one: for forms, completion and help ---- */

typedef enum thaw_recipe_type {
    THAW_RECIPE_TEXT,
    THAW_RECIPE_WORD, /* one of choices */
    THAW_RECIPE_BOOL,
    THAW_RECIPE_INT,
    THAW_RECIPE_NUMBER,
    THAW_RECIPE_NAMES,   /* a list of layer names or globs; as text "conv1, layer1.*" */
    THAW_RECIPE_SIZES,   /* a list of whole numbers; as text "512, 256" */
    THAW_RECIPE_PHASES,  /* a list of phases; as text their objects with commas between */
    THAW_RECIPE_FACTORS, /* an object of layer name or glob to number; as text "layer4 = 0.1, layer3 = 0.01"
                          */
} thaw_recipe_type;

typedef struct thaw_recipe_field {
    const char *key;  /* "optimizer.lr" */
    const char *help; /* one line, without a full stop */
    thaw_recipe_type type;
    double min, max;            /* of numbers and of list items, inclusive */
    bool above_min, below_max;  /* the bound itself is not allowed */
    const char *const *choices; /* WORD: all; TEXT: examples; ends with NULL; or NULL */
    const char *null_means;     /* null (text "none") is allowed and means this; or NULL */
    const char *initial;        /* the default, as text */
    bool decided; /* a run that finds it at its default decides, and writes what it decided into its recipe */
} thaw_recipe_field;

size_t thaw_recipe_field_count(void);
const thaw_recipe_field *thaw_recipe_field_at(size_t index);      /* in the order of the document */
const thaw_recipe_field *thaw_recipe_field_find(const char *key); /* NULL when unknown */

/* The value as a person types it in a form ("0.001", "conv1, bn1", "none"); free() it. NULL: unknown key. */
char *thaw_recipe_get_text(const thaw_recipe *r, const char *key);
/* Set from what a person typed: JSON, or the forms of get_text. On failure the value stays. */
thaw_status thaw_recipe_set_text(thaw_recipe *r, const char *key, const char *text);
/* The range or the words in English: "more than 0, at most 10", "sgd, adam or adamw". */
const char *thaw_recipe_field_range(const thaw_recipe_field *f, char *buffer, size_t size);

/* ---- two recipes, and one as a command ---- */

typedef struct thaw_recipe_difference {
    const thaw_recipe_field *field;
    char *a, *b;  /* the values as thaw_recipe_get_text gives them */
    bool decided; /* one of the two leaves it to the run: no difference in what was wanted */
} thaw_recipe_difference;

/* The fields in which A and B differ, in the order of the document. thaw_recipe_differences_free them. */
thaw_recipe_difference *thaw_recipe_compare(const thaw_recipe *a, const thaw_recipe *b, size_t *count);
void thaw_recipe_differences_free(thaw_recipe_difference *list, size_t count);

/* "thaw train --set model=resnet18 ...": quoted for a shell, with every value that is not the default. Run,
 * it gives the same recipe. free() it. */
char *thaw_recipe_command_line(const thaw_recipe *r);

#endif
