/*
 * trainer_phase.c - the recipe's phases: at the beginning of an epoch the mask and the rate become what it
 * planned.
 *
 * A phase acts as a person would who sends the same two commands at that moment. How many have begun is part
 * of the position that a checkpoint holds, so a run that is resumed begins each once, wherever it was cut.
 */
#include "engine/nn/freeze.h"
#include "engine/train/trainer.h"

static thaw_status check_mask(trainer *t, const thaw_recipe_phase *phase) {
    THAW_TRY(thaw_layers_set_mask(t->layers, (const char *const *)phase->freeze, phase->freeze_count,
                                  (const char *const *)phase->moving, phase->moving_count));
    if (thaw_layers_cost(t->layers, 1, 0).trainable == 0)
        return thaw_error(THAW_ERR_USAGE,
                          "it freezes every layer, so nothing would be trained; leave the head out");
    return thaw_ok();
}

thaw_status trainer_check_phases(trainer *t) {
    for (size_t i = 0; i < t->recipe.phase_count; i++) {
        const thaw_recipe_phase *phase = &t->recipe.phase[i];
        if (phase->masks)
            THAW_TRY(thaw_status_prefix(check_mask(t, phase), "the phase after %d epochs", phase->epoch));
    }
    return thaw_ok();
}

static thaw_status begin(trainer *t, const thaw_recipe_phase *phase) {
    if (phase->masks) {
        freeze_mask mask = {phase->freeze, phase->freeze_count, phase->moving, phase->moving_count};
        THAW_TRY(trainer_set_mask(t, &mask));
        trainer_say_mask(t);
    }
    if (phase->lr > 0) trainer_set_lr(t, phase->lr);
    t->stale_epochs = 0; /* each phase has its own patience */
    return thaw_ok();
}

thaw_status trainer_begin_phases(trainer *t) {
    const thaw_recipe *r = &t->recipe;
    while (t->phase < r->phase_count && r->phase[t->phase].epoch <= t->epoch)
        THAW_TRY(begin(t, &r->phase[t->phase++]));
    return thaw_ok();
}
