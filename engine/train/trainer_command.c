/*
 * trainer_command.c - what each command does to a run, between two batches. One row a command.
 */
#include <math.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/nn/freeze.h"
#include "engine/train/trainer.h"

thaw_status trainer_set_mask(trainer *t, const freeze_mask *mask) {
    trainer_saving_mask_changes(t);
    freeze_mask before = freeze_describe(t->model);
    thaw_status status = freeze_apply(t->model, mask);
    if (!thaw_failed(&status) && freeze_trainable_count(t->model) == 0) {
        status = freeze_apply(t->model, &before);
        if (!thaw_failed(&status))
            status =
                thaw_error(THAW_ERR_USAGE, "that would freeze every layer, the head too, so nothing would be "
                                           "trained; leave one out");
    }
    freeze_mask_clear(&before);
    THAW_TRY(status);
    THAW_TRY(learner_mask_changed(&t->learner));
    t->cache_stale = true; /* what is kept now still holds until the next step */
    return layer_stats_remember(t->stats, t->optimizer);
}

static thaw_status do_mask(trainer *t, const command *c) {
    thaw_status status = thaw_status_prefix(trainer_set_mask(t, &c->mask), "the mask stays as it was");
    if (thaw_failed(&status)) trainer_log(t, 1, "%s", status.message);
    trainer_say_mask(t); /* after a refusal too: whoever asked shows what is true again */
    return status;
}

void trainer_set_lr(trainer *t, double lr) {
    t->base_lr = lr;
    thaw_event e = {.kind = THAW_EVENT_LR};
    e.lr.lr = lr;
    trainer_emit(t, &e);
}

/* The same range as in a recipe. */
static bool lr_in_range(double lr) {
    const thaw_recipe_field *field = thaw_recipe_field_find("optimizer.lr");
    return isfinite(lr) && lr > field->min && lr <= field->max;
}

static thaw_status do_lr(trainer *t, const command *c) {
    enum { RANGE_MAX = 96 };
    char range[RANGE_MAX];
    if (!lr_in_range(c->lr)) {
        thaw_status status =
            thaw_error(THAW_ERR_USAGE, "the learning rate stays %g: %g is not %s", t->base_lr, c->lr,
                       thaw_recipe_field_range(thaw_recipe_field_find("optimizer.lr"), range, sizeof range));
        trainer_log(t, 1, "%s", status.message);
        return status;
    }
    trainer_set_lr(t, c->lr);
    return thaw_ok();
}

static thaw_status do_pause(trainer *t, const command *c) {
    (void)c;
    t->paused = true;
    return thaw_ok();
}

static thaw_status do_continue(trainer *t, const command *c) {
    (void)c;
    t->paused = false;
    return thaw_ok();
}

static thaw_status do_step(trainer *t, const command *c) {
    (void)c;
    if (!t->paused)
        return thaw_error(THAW_ERR_USAGE, "the run is not paused; pause it, then take single steps");
    t->one_step = true;
    return thaw_ok();
}

static thaw_status do_checkpoint(trainer *t, const command *c) {
    (void)c;
    trainer_save_now(t, false); /* whoever asked is answered when it is there */
    return t->save_status;
}

static thaw_status do_profile(trainer *t, const command *c) {
    profile_set_detailed(&t->profile, c->on);
    return thaw_ok();
}

static thaw_status do_stop(trainer *t, const command *c) {
    t->stopping = true;
    t->stop_save = c->kind == COMMAND_STOP && c->save;
    return thaw_ok();
}

static thaw_status do_refuse(trainer *t, const command *c) {
    (void)c;
    trainer_log(t, 1, "%s is on; stop it before another run is started", run_folder_id(t->folder));
    return thaw_ok();
}

/* What they fail of has been logged where it matters to more than who asked. */
static thaw_status (*const actions[])(trainer *t, const command *c) = {
    [COMMAND_TRAIN] = do_refuse,    [COMMAND_RESUME] = do_refuse,
    [COMMAND_PAUSE] = do_pause,     [COMMAND_CONTINUE] = do_continue,
    [COMMAND_STEP] = do_step,       [COMMAND_MASK] = do_mask,
    [COMMAND_LR] = do_lr,           [COMMAND_CHECKPOINT] = do_checkpoint,
    [COMMAND_PROFILE] = do_profile, [COMMAND_STOP] = do_stop,
    [COMMAND_QUIT] = do_stop,
};

static void obey(trainer *t, command *c) {
    thaw_status status = actions[c->kind](t, c);
    command_answer(c, &status);
}

bool trainer_poll(trainer *t) {
    double paused_at = 0;
    trainer_look_for_save(t);
    thaw_phase before = t->profile.phase;
    for (;;) {
        bool waiting = t->paused && !t->one_step && !t->stopping;
        if (waiting && t->state != THAW_STATE_PAUSED) {
            paused_at = clock_seconds();
            before = profile_enter(&t->profile, THAW_PHASE_PAUSED);
            trainer_say_state(t, THAW_STATE_PAUSED);
            trainer_await_save(t); /* nothing looks for it while we wait */
        }
        command *c = waiting ? mailbox_wait(t->host.mailbox, -1) : mailbox_take(t->host.mailbox);
        if (!c && !waiting) break;
        if (c) obey(t, c);
        command_free(c);
        if (t->stopping) break; /* what follows a stop is for the session */
    }
    if (paused_at > 0) {
        t->paused_seconds += clock_seconds() - paused_at;
        profile_enter(&t->profile, before);
    }
    if (t->working != THAW_STATE_EVALUATING)
        t->one_step = false; /* an evaluation is one step, the whole of it */
    if (t->stopping) return false;
    if (!t->paused) trainer_say_state(t, t->working);
    return true;
}
