/*
 * trainer_save.c - a run's state into its folder, beside training where that pays.
 *
 * The engine thread takes a snapshot of the tensors (snapshot.h), and with it everything else that the
 * checkpoint says; from then on it may train. What waits for the disk is a thread's (saver.h): looking for
 * weights that are not finite, which never replace a checkpoint that is, and checkpoint_write. It touches
 * nothing of the trainer but the `saving` below, which the engine thread leaves alone until it has taken the
 * result, between two batches (trainer_poll). Only then is the checkpoint said to be there. One is written at
 * a time: whoever wants another, ends the run, or changes the mask under which tensors are read where they
 * lie, waits first.
 *
 * A snapshot that lives beside a step takes memory that the step does not leave, so a large one is made only
 * where writing was seen to take a share of the run, and where memory is plentiful. Everywhere else the
 * engine thread writes by itself, and the copies are gone before the next step.
 *
 * Beside what checkpoint.h defines, "extra" holds: "updates" (each optimizer slot's count), "phase" (how many
 * of the recipe's have begun), "epoch" (the sums of the epoch so far, so that its mean loss comes out
 * bit-identical after a resume) and "images" (how many training images the position was counted in).
 */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/run/card.h"
#include "engine/train/saver.h"
#include "engine/train/snapshot.h"
#include "engine/train/trainer.h"
#include "thaw/memory.h"

static const size_t little = (size_t)32 << 20; /* bytes that are copied whatever else */
static const int64_t room_parts = 4;           /* of the free memory one may be copies */
static const double worth = 0.02;              /* of the time between two checkpoints, writing one */
static const double slow_seconds = 1;          /* of waiting for the disk that are worth a word */

/* What is being written: the saver's thread's while that is busy, else the engine thread's. */
struct saving {
    saver saver;
    snapshot weights, updates;
    checkpoint_state state;
    weights_pair *pairs;
    size_t pair_count;
    const char *folder;
    int epoch;
    bool best;
    double seconds; /* that writing took */
    double asked;   /* clock_seconds() at the beginning */
    double resumed; /* and when training went on, whoever wrote it */

    /* The engine thread's at any time. */
    bool mask_changed; /* since the last one */
    bool pays;         /* writing was seen to take a share of the run */
    bool slow_told;
};

/* ---- what is saved ---- */

static cJSON *extra_write(trainer *t) {
    cJSON *extra = cJSON_CreateObject();
    cJSON *updates = cJSON_AddObjectToObject(extra, "updates");
    for (size_t i = 0; i < optimizer_count(t->optimizer); i++) {
        optimizer_slot *slot = optimizer_at(t->optimizer, i);
        json_add_number(updates, slot->key, (double)slot->steps);
    }
    cJSON *epoch = cJSON_AddObjectToObject(extra, "epoch");
    json_add_number(epoch, "images", (double)t->score.images);
    json_add_number(epoch, "top1", (double)t->score.top1);
    json_add_number(epoch, "top5", (double)t->score.top5);
    json_add_number(epoch, "loss_sum", t->score.loss_sum);
    json_add_number(epoch, "seconds", t->epoch_seconds);
    json_add_number(epoch, "train_seconds", t->train_seconds);
    json_add_number(extra, "phase", (double)t->phase);
    json_add_number(extra, "images", (double)thaw_dataset_images(t->dataset, true));
    return extra;
}

static checkpoint_state describe_state(trainer *t) {
    checkpoint_state state;
    checkpoint_state_init(&state);
    state.epoch = t->epoch;
    state.batch = t->next_batch;
    state.steps = t->steps;
    state.seconds = clock_seconds() - t->clock_zero;
    state.mask = freeze_describe(t->model);
    state.base_lr = t->base_lr;
    state.best_epoch = t->best_epoch;
    state.best_val_top1 = t->best_val_top1;
    state.best_val_loss = t->best_val_loss;
    state.stale_epochs = t->stale_epochs;
    state.extra = extra_write(t);
    return state;
}

static weights_pair *describe_model(trainer *t, size_t *count) {
    int classes = thaw_dataset_class_count(t->dataset);
    char **name = xcalloc((size_t)classes, sizeof *name);
    for (int i = 0; i < classes; i++)
        name[i] = (char *)thaw_dataset_class_name(t->dataset, i);
    model_card card = {
        .model = t->recipe.model,
        .has_head = true,
        .head = t->recipe.head,
        .class_name = name,
        .class_count = classes,
        .mask = freeze_describe(t->model),
        .has_transform = true,
        .transform = t->plan.transform,
    };
    card.transform.augment = AUGMENT_NONE;
    weights_pair *pairs = model_card_pairs(&card, count);
    freeze_mask_clear(&card.mask);
    free(name);
    return pairs;
}

/* Frozen weights stay as they are whatever their norm's statistics do. */
static bool is_settled(const layer *l, const param *p) {
    return l->freeze == THAW_FROZEN || (!p->buffer && !layer_trainable(l));
}

static thaw_status add_param(void *user, layer *l, param *p, const char *key) {
    return snapshot_add(user, xstrdup(key), &p->size, p->type, p->t, is_settled(l, p));
}

/* "momentum_buffer.layer1.0.conv1.weight" */
static thaw_status add_updates(snapshot *s, optimizer *o) {
    for (size_t i = 0; i < optimizer_count(o); i++) {
        optimizer_slot *slot = optimizer_at(o, i);
        for (int k = 0; optimizer_state_name(o, k); k++) {
            if (!slot->state[k]) continue;
            char *key = xasprintf("%s.%s", optimizer_state_name(o, k), slot->key);
            THAW_TRY(snapshot_add(s, key, &slot->param->size, DTYPE_F32, slot->state[k], false));
        }
    }
    return thaw_ok();
}

static thaw_status list_tensors(trainer *t, struct saving *s) {
    snapshot_begin(&s->weights, s->mask_changed);
    snapshot_begin(&s->updates, s->mask_changed);
    s->mask_changed = false;
    THAW_TRY(model_each_param(t->model, add_param, &s->weights));
    return add_updates(&s->updates, t->optimizer);
}

static thaw_status take(trainer *t, struct saving *s, bool best) {
    THAW_TRY(snapshot_take(&s->weights));
    THAW_TRY(snapshot_take(&s->updates));
    s->state = describe_state(t);
    s->pairs = describe_model(t, &s->pair_count);
    s->folder = run_folder_path(t->folder);
    s->epoch = t->epoch;
    s->best = best;
    return thaw_ok();
}

/* ---- writing, on either thread ---- */

static thaw_status check_finite(struct saving *s) {
    const char *key = snapshot_not_finite(&s->weights);
    if (!key) return thaw_ok();
    return thaw_error(
        THAW_ERR_NUMERIC,
        "%s is not finite after step %lld; the checkpoint before is kept. Lower the learning rate", key,
        (long long)s->state.steps);
}

static thaw_status write_snapshot(void *user) {
    struct saving *s = user;
    double begun = clock_seconds();
    checkpoint_content content = {
        .model = snapshot_source(&s->weights),
        .optimizer = snapshot_source(&s->updates),
        .metadata = s->pairs,
        .metadata_count = s->pair_count,
        .state = &s->state,
        .best = s->best,
    };
    thaw_status status = check_finite(s);
    if (!thaw_failed(&status)) status = checkpoint_write(s->folder, &content);
    s->seconds = clock_seconds() - begun;
    return status;
}

/* ---- where it is written ---- */

static bool fits_beside(struct saving *s) {
    size_t lacking = snapshot_lacks(&s->weights) + snapshot_lacks(&s->updates);
    int64_t available = lacking ? thaw_memory_available() : 0;
    return available < 0 || (int64_t)lacking <= available / room_parts;
}

/* TRAINED seconds lie between the last checkpoint and this one. Where they are few, most of the writing is
 * waited for all the same, and training would only be slower for what is written beside it. */
static bool goes_beside(struct saving *s, double trained) {
    if (s->seconds > trained) return false;
    if (snapshot_bytes(&s->weights) + snapshot_bytes(&s->updates) <= little) return true;
    return s->pays && fits_beside(s);
}

static struct saving *saving_of(trainer *t) {
    if (t->saving) return t->saving;
    bool gather = t->device.kind == DEVICE_CUDA;
    t->saving = xcalloc(1, sizeof *t->saving);
    t->saving->weights = t->saving->updates = (snapshot){.torch = t->host.torch, .gather = gather};
    return t->saving;
}

/* ---- what became of it ---- */

static void say_saved(trainer *t, const struct saving *s) {
    thaw_event e = {.kind = THAW_EVENT_CHECKPOINT};
    e.checkpoint.path = xstrdup(s->folder);
    e.checkpoint.epoch = s->epoch;
    e.checkpoint.best = s->best;
    e.checkpoint.seconds = s->seconds;
    trainer_emit_at(t, &e, s->state.steps);
}

static void finish(trainer *t, const thaw_status *status) {
    struct saving *s = t->saving;
    snapshot_let_go(&s->weights);
    snapshot_let_go(&s->updates);
    t->save_status = *status;
    t->saved_at = clock_seconds();
    if (thaw_failed(status)) {
        trainer_log(t, 2, "no checkpoint: %s", status->message);
    } else {
        t->saved_steps = s->state.steps;
        say_saved(t, s);
    }
    model_card_pairs_free(s->pairs, s->pair_count);
    checkpoint_state_clear(&s->state);
    s->pairs = NULL;
    s->pair_count = 0;
}

static void say_slow(trainer *t, double waited) {
    struct saving *s = t->saving;
    if (waited < slow_seconds || s->slow_told) return;
    s->slow_told = true;
    trainer_log(
        t, 1,
        "training waited %.1f s for a checkpoint that took %.1f s to be written to %s; runs on a faster "
        "disk (--runs) would not",
        waited, s->seconds, s->folder);
}

bool trainer_is_saving(const trainer *t) {
    return t->saving && t->saving->saver.busy;
}

void trainer_await_save(trainer *t) {
    if (!trainer_is_saving(t)) return;
    thaw_phase before = profile_enter(&t->profile, THAW_PHASE_CHECKPOINT);
    double begun = clock_seconds();
    thaw_status status = saver_end(&t->saving->saver);
    double waited = clock_seconds() - begun;
    t->profile.write += t->saving->seconds;
    finish(t, &status);
    say_slow(t, waited);
    profile_enter(&t->profile, before);
}

void trainer_look_for_save(trainer *t) {
    if (trainer_is_saving(t) && saver_done(&t->saving->saver)) trainer_await_save(t);
}

/* ---- saving ---- */

/* What it takes says whether going on meanwhile would be worth the memory. */
static void write_here(trainer *t) {
    struct saving *s = t->saving;
    double since = s->asked - t->saved_at;
    thaw_status status = write_snapshot(s);
    s->pays |= clock_seconds() - s->asked > worth * since;
    finish(t, &status);
}

static void free_copies(struct saving *s) {
    snapshot_free_buffer(&s->weights);
    snapshot_free_buffer(&s->updates);
}

static bool write_beside(struct saving *s) {
    thaw_status status = saver_begin(&s->saver, write_snapshot, s);
    return !thaw_failed(&status); /* without a thread it is written here */
}

static void save(trainer *t, bool best, bool may_go_on) {
    struct saving *s = saving_of(t);
    double trained = clock_seconds() - s->resumed;
    trainer_await_save(t);
    thaw_phase before = profile_enter(&t->profile, THAW_PHASE_CHECKPOINT);
    s->asked = clock_seconds();
    thaw_status status = list_tensors(t, s);
    bool beside = !thaw_failed(&status) && goes_beside(s, trained);
    if (!thaw_failed(&status)) status = take(t, s, best);
    if (thaw_failed(&status))
        finish(t, &status);
    else if (!beside || !may_go_on || !write_beside(s))
        write_here(t);
    if (!beside) free_copies(s); /* the next step has their memory */
    s->resumed = clock_seconds();
    profile_enter(&t->profile, before);
}

void trainer_save(trainer *t, bool best) {
    save(t, best, true);
}

void trainer_save_now(trainer *t, bool best) {
    save(t, best, false);
}

void trainer_saving_mask_changes(trainer *t) {
    trainer_await_save(t);
    if (t->saving) t->saving->mask_changed = true;
}

void trainer_saving_free(trainer *t) {
    struct saving *s = t->saving;
    if (!s) return;
    trainer_await_save(t);
    snapshot_clear(&s->weights);
    snapshot_clear(&s->updates);
    free(s);
    t->saving = NULL;
}

static thaw_status add_bytes(void *user, layer *l, param *p, const char *key) {
    (void)l, (void)key;
    *(uint64_t *)user += (uint64_t)shape_elements(&p->size) * dtype_size(p->type);
    return thaw_ok();
}

uint64_t trainer_checkpoint_bytes(const trainer *t) {
    uint64_t weights = 0;
    thaw_status status = model_each_param(t->model, add_bytes, &weights);
    (void)status; /* the visitor cannot fail */
    uint64_t state = 0;
    for (int k = 0; optimizer_state_name(t->optimizer, k); k++)
        state += (uint64_t)freeze_trainable_count(t->model) * sizeof(float);
    return 2 * weights + state; /* last, best, state */
}
