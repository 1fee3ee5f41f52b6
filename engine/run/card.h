/*
 * card.h - what a weights file of ours says about itself, in its metadata: enough to build the model, prepare
 * images for it and name its classes, without the run it came from.
 *
 * Stored as strings, as safetensors wants it: "format" ("pt", which other readers look for), "thaw.model",
 * "thaw.head" (JSON), "thaw.classes" (JSON), "thaw.mask" (JSON), "thaw.transform" (JSON). Files of others
 * have none of it.
 */
#ifndef ENGINE_RUN_CARD_H
#define ENGINE_RUN_CARD_H

#include "engine/data/transform.h"
#include "engine/nn/freeze.h"
#include "engine/weights/weights.h"

typedef struct model_card {
    char *model; /* architecture; NULL: the file does not say */
    bool has_head;
    thaw_head head;
    char **class_name; /* in label order, NULL: not known */
    int class_count;
    freeze_mask mask; /* when it was saved */
    bool has_transform;
    transform transform; /* for evaluation: augment is NONE */
} model_card;

void model_card_clear(model_card *card);

/* Metadata pairs for a file; free with model_card_pairs_free. */
weights_pair *model_card_pairs(const model_card *card, size_t *count);
void model_card_pairs_free(weights_pair *pairs, size_t count);

/* What F says. A file that says nothing gives an empty card; a card that makes no sense fails by its key. */
thaw_status model_card_read(const weights_file *f, model_card *out);

#endif
