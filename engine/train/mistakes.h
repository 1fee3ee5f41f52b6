/*
 * mistakes.h - the worst mistakes of an evaluation: images whose label did not come first, highest loss
 * first, and no more than asked for however many there are.
 */
#ifndef ENGINE_TRAIN_MISTAKES_H
#define ENGINE_TRAIN_MISTAKES_H

#include "engine/data/loader.h"
#include "thaw/event.h"

typedef struct mistake {
    uint32_t index; /* in its split */
    bool train;
    int label, predicted; /* outputs of the model */
    double probability, label_probability, loss;
} mistake;

/* Zero-initialise but for `most`. */
typedef struct mistakes {
    size_t most; /* kept */
    mistake *item;
    size_t count;
} mistakes;

/* Count B's images (of the training split: TRAIN). logits: count x classes, row-major; b->label in
 * 0..classes-1. What is not finite is left out. */
void mistakes_add(mistakes *m, const float *logits, int classes, const batch *b, bool train);
void mistakes_sort(mistakes *m); /* highest loss first; equal ones in the images' order */
void mistakes_clear(mistakes *m);

/* Rows as events and reports have them; owned by the caller (thaw_mistakes_free). NAME: the outputs' names.
 */
thaw_mistake *mistakes_describe(const mistakes *m, const thaw_dataset *d, const char *const *name);

#endif
