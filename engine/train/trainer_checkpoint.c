/*
 * trainer_checkpoint.c - a run's state into its folder and back. Tensors are copied to host memory first,
 * which is also where weights that are not finite are found: they never replace a checkpoint that is.
 *
 * Beside what checkpoint.h defines, "extra" holds: "updates" (each optimizer slot's count), "phase" (how many
 * of the recipe's have begun), "epoch" (the sums of the epoch so far, so that its mean loss comes out
 * bit-identical after a resume) and "images" (how many training images the position was counted in).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/run/card.h"
#include "engine/train/trainer.h"

/* Host copies of tensors; keys and data are owned. */
typedef struct tensor_list {
    const model *model;
    weights_item *item;
    size_t count, capacity;
} tensor_list;

static void list_clear(tensor_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free((void *)list->item[i].key);
        free((void *)list->item[i].data);
    }
    free(list->item);
}

/* Takes KEY. */
static thaw_status list_add(tensor_list *list, char *key, const shape *size, dtype type, tensor *x) {
    size_t bytes = (size_t)shape_elements(size) * dtype_size(type);
    void *data = xmalloc(bytes ? bytes : 1);
    tscope s;
    tscope_begin(&s, list->model->torch);
    t_read(&s, t_detach(&s, x), data, bytes);
    list->item = vec_reserve(list->item, &list->capacity, list->count + 1, sizeof *list->item);
    list->item[list->count++] = (weights_item){.key = key, .type = type, .size = *size, .data = data};
    return tscope_end(&s);
}

static thaw_status check_finite(const weights_item *item, int64_t steps) {
    if (item->type != DTYPE_F32) return thaw_ok();
    const float *value = item->data; /* shape_elements(item->size) of them */
    int64_t count = shape_elements(&item->size);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(value[i]))
            return thaw_error(
                THAW_ERR_NUMERIC,
                "%s is not finite after step %lld; the checkpoint before is kept. Lower the learning rate",
                item->key, (long long)steps);
    return thaw_ok();
}

static thaw_status add_param(void *user, layer *l, param *p, const char *key) {
    (void)l;
    return list_add(user, xstrdup(key), &p->size, p->type, p->t);
}

/* "momentum_buffer.layer1.0.conv1.weight" */
static thaw_status add_optimizer(tensor_list *list, optimizer *o) {
    for (size_t i = 0; i < optimizer_count(o); i++) {
        optimizer_slot *slot = optimizer_at(o, i);
        for (int k = 0; optimizer_state_name(o, k); k++) {
            if (!slot->state[k]) continue;
            char *key = xasprintf("%s.%s", optimizer_state_name(o, k), slot->key);
            THAW_TRY(list_add(list, key, &slot->param->size, DTYPE_F32, slot->state[k]));
        }
    }
    return thaw_ok();
}

/* ---- the trainer's own part of state.json ---- */

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

static double number_or_zero(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static thaw_status extra_read(trainer *t, const cJSON *extra) {
    const cJSON *updates = cJSON_GetObjectItemCaseSensitive(extra, "updates"), *item = NULL;
    cJSON_ArrayForEach(item, updates) {
        if (!cJSON_IsNumber(item)) continue;
        THAW_TRY(optimizer_restore_steps(t->optimizer, item->string, (int64_t)item->valuedouble));
    }
    double phase = number_or_zero(extra, "phase");
    if (phase > 0 && phase <= (double)t->recipe.phase_count) t->phase = (size_t)phase;
    const cJSON *epoch = cJSON_GetObjectItemCaseSensitive(extra, "epoch");
    t->score.images = (int64_t)number_or_zero(epoch, "images");
    t->score.top1 = (int64_t)number_or_zero(epoch, "top1");
    t->score.top5 = (int64_t)number_or_zero(epoch, "top5");
    t->score.loss_sum = number_or_zero(epoch, "loss_sum");
    t->epoch_seconds = number_or_zero(epoch, "seconds");
    t->train_seconds = number_or_zero(epoch, "train_seconds");
    double then = number_or_zero(extra, "images"), now = (double)thaw_dataset_images(t->dataset, true);
    if (then == now || then == 0) return thaw_ok();
    trainer_log(t, 1, "there are %.0f training images now and were %.0f: epoch %d starts again", now, then,
                t->epoch + 1);
    t->next_batch = 0;
    t->epoch_seconds = t->train_seconds = 0;
    metrics_reset(&t->score);
    return thaw_ok();
}

/* ---- writing ---- */

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

static thaw_status write_lists(trainer *t, const tensor_list *weights, const tensor_list *updates,
                               bool best) {
    for (size_t i = 0; i < weights->count; i++)
        THAW_TRY(check_finite(&weights->item[i], t->steps));
    checkpoint_state state = describe_state(t);
    size_t pair_count = 0;
    weights_pair *pairs = describe_model(t, &pair_count);
    checkpoint_content content = {
        .model = weights->item,
        .model_count = weights->count,
        .optimizer = updates->item,
        .optimizer_count = updates->count,
        .metadata = pairs,
        .metadata_count = pair_count,
        .state = &state,
        .best = best,
    };
    thaw_status status = checkpoint_write(run_folder_path(t->folder), &content);
    model_card_pairs_free(pairs, pair_count);
    checkpoint_state_clear(&state);
    return status;
}

void trainer_save(trainer *t, bool best) {
    tensor_list weights = {.model = t->model}, updates = {.model = t->model};
    thaw_phase before = profile_enter(&t->profile, THAW_PHASE_CHECKPOINT);
    thaw_status status = model_each_param(t->model, add_param, &weights);
    if (!thaw_failed(&status)) status = add_optimizer(&updates, t->optimizer);
    if (!thaw_failed(&status)) status = write_lists(t, &weights, &updates, best);
    list_clear(&weights);
    list_clear(&updates);
    t->save_status = status;
    t->saved_at = clock_seconds();
    profile_enter(&t->profile, before);
    if (thaw_failed(&status)) {
        trainer_log(t, 2, "no checkpoint: %s", status.message);
        return;
    }
    t->saved_steps = t->steps;
    thaw_event e = {.kind = THAW_EVENT_CHECKPOINT};
    e.checkpoint.path = xstrdup(run_folder_path(t->folder));
    e.checkpoint.epoch = t->epoch;
    e.checkpoint.best = best;
    trainer_emit(t, &e);
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

/* ---- reading ---- */

typedef struct restoring {
    trainer *t;
    const weights_file *file;
} restoring;

/* Drift is measured from the weights and statistics the run began with: remember those that the checkpoint
 * replaces. */
static thaw_status remember_changed(void *user, layer *l, param *p, const char *key) {
    restoring *r = user;
    const weights_entry *entry = weights_find(r->file, key);
    if (p->type != DTYPE_F32 || !entry || !shape_equal(&entry->size, &p->size)) return thaw_ok();
    size_t bytes = (size_t)shape_elements(&p->size) * sizeof(float);
    float *now = xmalloc(2 * bytes), *then = now + shape_elements(&p->size);
    tscope s;
    tscope_begin(&s, r->t->model->torch);
    t_read(&s, t_detach(&s, p->t), now, bytes);
    thaw_status status = tscope_end(&s);
    if (!thaw_failed(&status)) status = weights_copy(entry, DTYPE_F32, then);
    bool changed = !thaw_failed(&status) && memcmp(now, then, bytes) != 0;
    free(now);
    THAW_TRY(status);
    if (!changed) return thaw_ok();
    return p->buffer ? layer_stats_remember_norm(r->t->stats, l) : layer_stats_remember_param(r->t->stats, p);
}

static thaw_status restore_optimizer(trainer *t, const weights_file *f) {
    for (size_t i = 0; f && i < weights_count(f); i++) {
        const weights_entry *entry = weights_at(f, i);
        const char *dot = strchr(entry->key, '.');
        if (!dot)
            return thaw_error(THAW_ERR_FORMAT, "the checkpoint's optimizer state has a key \"%s\"",
                              entry->key);
        char *name = xstrndup(entry->key, (size_t)(dot - entry->key));
        float *data = xcalloc((size_t)shape_elements(&entry->size) + 1, sizeof *data);
        thaw_status status = weights_copy(entry, DTYPE_F32, data);
        if (!thaw_failed(&status))
            status = optimizer_restore(t->optimizer, dot + 1, name, &entry->size, data);
        free(name);
        free(data);
        THAW_TRY(status);
    }
    return thaw_ok();
}

static thaw_status restore(trainer *t, const checkpoint *c) {
    const checkpoint_state *state = &c->state;
    restoring r = {t, c->model};
    THAW_TRY(model_each_param(t->model, remember_changed, &r));
    THAW_TRY(weights_load(c->model, t->model, WEIGHTS_HEAD_STRICT, NULL));
    THAW_TRY(trainer_set_mask(t, &state->mask));
    THAW_TRY(restore_optimizer(t, c->optimizer));
    t->epoch = state->epoch;
    t->next_batch = state->batch;
    t->steps = t->saved_steps = state->steps;
    t->base_lr = state->base_lr;
    t->best_epoch = state->best_epoch;
    t->best_val_top1 = state->best_val_top1;
    t->best_val_loss = state->best_val_loss;
    t->stale_epochs = state->stale_epochs;
    t->clock_zero = clock_seconds() - state->seconds;
    return extra_read(t, state->extra);
}

thaw_status trainer_restore(trainer *t, bool *any) {
    checkpoint c;
    thaw_status status = checkpoint_read(run_folder_path(t->folder), &c);
    *any = status.code != THAW_ERR_NOT_FOUND;
    if (!*any) return thaw_ok();
    THAW_TRY(status);
    status = restore(t, &c);
    checkpoint_clear(&c);
    return thaw_status_prefix(status, "cannot go on from the checkpoint of %s, begin a new run",
                              run_folder_id(t->folder));
}
