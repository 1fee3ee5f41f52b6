/*
 * recipe.h - everything that determines a run, as a JSON file (docs/recipe.md) and as a struct.
 *
 * thaw_recipe_init fills in the defaults; parsing changes only what the document names; an unknown key, a
 * wrong type or a value out of range fails with the key and what would be right. Writing puts every value
 * out.
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

typedef struct thaw_recipe {
    char *model;   /* "resnet18" */
    char *weights; /* catalog name, path of a file, or NULL: random initialisation */
    struct {
        char *path;
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
    double label_smoothing;
    int epochs, batch_size;
    uint64_t seed;
    char *device;              /* "auto", "cpu", "cuda", "cuda:1" */
    char *precision;           /* "auto", "fp32", "bf16" */
    char *cache;               /* "auto", "off" : decoded images in memory */
    int threads;               /* 0: all cores */
    int workers;               /* loader threads; 0: chosen */
    double checkpoint_seconds; /* at most so long between two checkpoints; 0: only at epoch ends */
    int early_stop;            /* epochs without improvement; 0: never */
} thaw_recipe;

void thaw_recipe_init(thaw_recipe *r); /* the article's defaults; free with thaw_recipe_clear */
void thaw_recipe_clear(thaw_recipe *r);
void thaw_recipe_copy(const thaw_recipe *from, thaw_recipe *to); /* TO is uninitialised before */

/* WHERE names the source in messages. On failure R is cleared and re-initialised. */
thaw_status thaw_recipe_parse(const char *json, size_t length, const char *where, thaw_recipe *r);
thaw_status thaw_recipe_read(const char *path, thaw_recipe *r);
/* "optimizer.lr=0.01", "freeze=[\"layer1\"]", "model=resnet18": the value is JSON, or else a string. */
thaw_status thaw_recipe_set(thaw_recipe *r, const char *assignment);
thaw_status thaw_recipe_check(const thaw_recipe *r); /* ranges, names; not whether files exist */
char *thaw_recipe_json(const thaw_recipe *r);        /* complete, indented; free() it */
thaw_status thaw_recipe_write(const thaw_recipe *r, const char *path);

#endif
