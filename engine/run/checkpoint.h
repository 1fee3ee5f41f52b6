/*
 * checkpoint.h - everything needed to go on with a run, in files that are of one moment or not there.
 *
 *     last.safetensors   the model's state dict, loadable by itself: metadata says what it is (card.h)
 *     state.safetensors  the optimizer's tensors, if it has any
 *     state.json         the position, the mask of that moment, and what the other files must be
 *     best.safetensors   the state dict of the best epoch
 *
 * A checkpoint is several files, and rename(2) replaces one at a time. So state.json is the commit record: it
 * holds the length and checksum of each file that belongs to it.
 *
 *     1. write last.safetensors.new and state.safetensors.new (and best.safetensors.new, a second name of the
 *        first where the file system has such), synced
 *     2. replace state.json, which describes the new files        <- from here on they count
 *     3. rename each .new over its final name
 *
 * Whoever reads takes, for each name, the one of NAME and NAME.new that state.json describes; there is always
 * exactly one such set. A kill before 2 leaves the old files under the final names and rubbish in .new ones;
 * a kill after 2 leaves a rename undone, which the next writer does first. A full disk fails in 1 or 2 and
 * leaves the old checkpoint. No file is ever changed under its name. Somebody who only copies
 * last.safetensors always gets a whole file; and the files hold nothing but the tensors and what the model
 * is, so that equal runs give equal files.
 */
#ifndef ENGINE_RUN_CHECKPOINT_H
#define ENGINE_RUN_CHECKPOINT_H

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/nn/freeze.h"
#include "engine/weights/write.h"

/* state.json. Initialise with checkpoint_state_init; owns its mask and extra. */
typedef struct checkpoint_state {
    int epoch;        /* 0-based, in which training goes on; epochs (the recipe's) when all is done */
    int batch;        /* of that epoch, the next one */
    int64_t steps;    /* optimizer steps done */
    double seconds;   /* event time so far, over all sittings */
    freeze_mask mask; /* of that moment: resuming restores it, not the recipe's */
    double base_lr;   /* the recipe's, or what it was changed to by hand */
    int best_epoch;   /* -1: none */
    double best_val_top1, best_val_loss; /* NaN: none */
    int stale_epochs;                    /* since the best, for early stopping */
    cJSON *extra; /* an object of the trainer's own (running sums, optimizer step counts), or NULL */
} checkpoint_state;

void checkpoint_state_init(checkpoint_state *s);
void checkpoint_state_clear(checkpoint_state *s);

typedef struct checkpoint_content {
    weights_source model;         /* state dict, in order; borrowed, like everything here */
    weights_source optimizer;     /* any keys; none is fine */
    const weights_pair *metadata; /* for last and best: see card.h */
    size_t metadata_count;
    const checkpoint_state *state;
    bool best; /* this is the best so far: becomes best.safetensors too */
} checkpoint_content;

/* Write one into a run's folder. On failure the checkpoint that was there is as good as before. */
thaw_status checkpoint_write(const char *folder, const checkpoint_content *content);

typedef struct checkpoint {
    checkpoint_state state;
    int64_t generation; /* 1, 2, ... */
    weights_file *model;
    weights_file *optimizer; /* NULL when the optimizer had no tensors */
    mapped_file model_map, optimizer_map;
} checkpoint;

/* THAW_ERR_NOT_FOUND when there has never been one. Owned by the caller: checkpoint_clear. */
thaw_status checkpoint_read(const char *folder, checkpoint *out);
void checkpoint_clear(checkpoint *c);

/* Only state.json: cheap, for listings. */
thaw_status checkpoint_read_state(const char *folder, checkpoint_state *out);
/* The best weights' file (the last's when no epoch was best, or LAST is asked for), owned by the caller. */
thaw_status checkpoint_weights_path(const char *folder, bool last, char **out);
#endif
