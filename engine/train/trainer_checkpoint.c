/*
 * trainer_checkpoint.c - a run's state out of its folder, as trainer_save.c wrote it.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/train/trainer.h"

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
