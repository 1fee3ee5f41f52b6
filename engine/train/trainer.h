/*
 * trainer.h - one run, from its recipe to its end.
 *
 * A trainer owns the model, the data and the run folder of one run. It is prepared (from a recipe, or from a
 * folder to go on with) and then driven to its end by trainer_run, which looks into the mailbox before every
 * batch, in training and in evaluation alike: every command acts between two batches, wherever the run is.
 *
 * What decides the numbers is only: the recipe, the weights, the data, and the position (epoch, batch, step),
 * which is what a checkpoint holds. There is no generator state. So a run that was killed and resumed ends
 * bit-identical to one that was not.
 *
 *     trainer.c            preparing and freeing
 *     trainer_run.c        epochs, steps, evaluation
 *     trainer_command.c    what each command does
 *     trainer_cache.c      which outputs of frozen layers are kept
 *     trainer_key.c        and under which name on disk
 *     trainer_images.c     whether images stay decoded
 *     trainer_phase.c      what the recipe planned for a later epoch
 *     trainer_data.c       whether the images are still the same
 *     trainer_save.c       into the run folder
 *     trainer_checkpoint.c and back
 *     trainer_event.c      what is said when
 */
#ifndef ENGINE_TRAIN_TRAINER_H
#define ENGINE_TRAIN_TRAINER_H

#include "engine/data/loader.h"
#include "engine/run/checkpoint.h"
#include "engine/run/folder.h"
#include "engine/run/resolve.h"
#include "engine/train/learner.h"
#include "engine/train/mailbox.h"
#include "engine/train/metrics.h"
#include "engine/train/mistakes.h"
#include "engine/train/pinned.h"
#include "engine/train/schedule.h"

/* What a trainer is given to live on. Borrowed. */
typedef struct trainer_host {
    torch *torch;
    const char *runs;   /* folder of runs, NULL: the default */
    const char *device; /* where "auto" goes, and where a resumed run goes when its own device is not here */
    mailbox *mailbox;
    bool profile;                            /* measure in detail from the start, see profile.h */
    void (*emit)(void *user, thaw_event *e); /* takes what E owns */
    void *user;
} trainer_host;

/* How a run ended, other than by an error. */
typedef enum trainer_end {
    TRAINER_DONE,
    TRAINER_STOPPED,
    TRAINER_EARLY_STOP,
    TRAINER_NOT_FINITE
} trainer_end;

typedef struct trainer {
    trainer_host host;
    thaw_recipe recipe; /* complete */
    recipe_plan plan;
    thaw_catalog *catalog;
    thaw_dataset *dataset;
    device device;
    model *model;
    thaw_layers *layers; /* the same model as people see it: for the mask's label */
    optimizer *optimizer;
    learner learner;
    layer_stats *stats;
    profile profile;
    loader_times loaded_told; /* what both loaders had done at the last profile event */
    schedule schedule;
    pinned pinned;       /* where their batches are, on CUDA */
    loader *train, *val; /* val NULL: no validation images */
    /* What frozen layers make of the images: see prefix_cache.h. NULL: nothing is kept. */
    prefix_cache *train_cache, *val_cache;
    size_t cache_bytes;   /* both may fill; 0: off */
    size_t cache_cut;     /* 0: none */
    int cache_views;      /* of a training image; 0: training images are not kept */
    bool cache_stale;     /* the mask has changed since */
    size_t cache_told;    /* entries of the last event */
    double cache_told_at; /* clock_seconds() of it */
    char *cache_trouble;  /* the last that was told, or NULL */
    struct {              /* whether it is worth doing once only: see trainer_images.c */
        bool pays;
        double before, seconds, waited; /* what loader_worked said; of the batches since, and for them */
    } decoding;
    double data_checked_at; /* clock_seconds(): see trainer_check_data */
    size_t data_checked, changed_files;
    size_t skipped_told; /* files that could not be read, of train's list and of val's */
    size_t skipped_val_told;
    run_folder *folder;
    bool resumed;
    thaw_event *early; /* said before there was a run folder: written to it after BEGIN */
    size_t early_count, early_capacity;

    /* Position and everything else that a checkpoint holds. */
    int epoch, next_batch; /* of the epoch; steps_per_epoch when only the evaluation is left */
    size_t phase;          /* of the recipe's, how many have begun */
    int64_t steps;
    double base_lr;
    metrics score;                       /* of the epoch's training batches so far */
    double epoch_seconds, train_seconds; /* of the epoch so far: all of it, without evaluation */
    int best_epoch, stale_epochs;
    double best_val_top1, best_val_loss; /* without validation best_val_loss is the training loss */

    /* Control. */
    bool paused, one_step, stopping, stop_save;
    bool lone_image_told;
    double clock_zero;         /* clock_seconds() of event time 0 */
    double paused_seconds;     /* waited in trainer_poll so far */
    double saved_at;           /* clock_seconds() when the last checkpoint was there */
    int64_t saved_steps;       /* of it; -1: none */
    thaw_status save_status;   /* of the last attempt that is over */
    struct saving *saving;     /* trainer_save.c's own; NULL before the first */
    thaw_state state, working; /* now, and what a pause interrupts */
} trainer;

/* Open everything that RECIPE names and make the run folder. On failure nothing is left on disk. */
thaw_status trainer_prepare(const trainer_host *host, const thaw_recipe *recipe, trainer **out);
/* Go on with a run (id or folder) from its last checkpoint, or from the start when it never got to one. */
thaw_status trainer_prepare_resume(const trainer_host *host, const char *run, trainer **out);
void trainer_free(trainer *t); /* NULL is fine */

/* Train to the end; says BEGIN first, and everything but END. */
thaw_status trainer_run(trainer *t, trainer_end *how);

/* ---- between the trainer's own files ---- */

/* Emit E (taken) with time and step filled in, to the run's log and to the host. */
void trainer_emit(trainer *t, thaw_event *e);
void trainer_emit_at(trainer *t, thaw_event *e, int64_t steps); /* about an earlier step */
void trainer_log(trainer *t, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void trainer_say_state(trainer *t, thaw_state state);
void trainer_say_begin(trainer *t);
void trainer_say_mask(trainer *t);
void trainer_say_end(trainer *t, const char *reason, const char *message);
void trainer_say_skipped(trainer *t); /* files that could not be read since the last call */
void trainer_say_cache(trainer *t);
void trainer_say_cache_growth(trainer *t);   /* if there is more than was said */
void trainer_say_cache_when_due(trainer *t); /* the same, within an epoch, every few seconds */

void trainer_say_mistakes(trainer *t, mistakes *worst); /* sorts them */
void trainer_say_profile(trainer *t);
/* Now and then, between epochs and after the last: name files that are not what they were when the dataset
 * was opened. */
void trainer_check_data(trainer *t);

/* recipe.cache_views, when it is to be chosen. */
void trainer_choose_views(trainer *t);
/* Bring the caches in line with the mask. True: the loaders must be started anew. */
bool trainer_renew_cache(trainer *t);
/* Before an epoch, with the loaders at rest: let go of what was kept at an earlier cut and is not needed now.
 */
void trainer_settle_cache(trainer *t);
/* What a later run must have in common with this one to find the outputs of CUT (a JSON object, the
   caller's), and what each entry is of (image x views + view). */
thaw_status trainer_cache_key(const trainer *t, bool train, size_t cut, char **out);
row_id *trainer_cache_ids(const trainer *t, bool train, int views);

/* With the loaders at rest: keep decoded images where that may help, and else let go of them. */
void trainer_choose_images(trainer *t);
/* A batch took SECONDS: does decoding take so much of the time that it should be done once only? */
void trainer_weigh_decoding(trainer *t, const batch *b, double seconds);

/* Act on what is in the mailbox; waits while the run is paused. False: stop. */
bool trainer_poll(trainer *t);

/* Apply a mask; a mask that does not fit or leaves nothing trainable changes nothing. */
thaw_status trainer_set_mask(trainer *t, const freeze_mask *mask);

void trainer_set_lr(trainer *t, double lr); /* and say so */

/* Do the recipe's phases name layers that are there, and leave something to train? */
thaw_status trainer_check_phases(trainer *t);
/* At the beginning of an epoch: begin those that are due. */
thaw_status trainer_begin_phases(trainer *t);

/*
 * Write a checkpoint of this moment, and say so when it is on the disk. Trouble is told as a log event, is in
 * save_status, and does not end the run: the checkpoint before is as good as it was, and a later one may
 * succeed. trainer_save may leave the writing to a thread; trainer_save_now is done when it returns.
 */
void trainer_save(trainer *t, bool best);
void trainer_save_now(trainer *t, bool best);
bool trainer_is_saving(const trainer *t);
void trainer_look_for_save(trainer *t); /* if it is done, saved_steps and save_status know, and it is said */
void trainer_await_save(trainer *t);    /* the same, when it is done */
/* The tensors that are read where they lie are about to be trained, or others are. Waits for the saving. */
void trainer_saving_mask_changes(trainer *t);
void trainer_saving_free(trainer *t);
/* Take up the checkpoint of t->folder; ANY is false when it has none. */
thaw_status trainer_restore(trainer *t, bool *any);
uint64_t trainer_checkpoint_bytes(const trainer *t); /* an estimate, before training */

#endif
