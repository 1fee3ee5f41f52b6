/*
 * update.c - see update.h. An optimizer is one row of the table at the end, written over the list operations
 * of tensor.h, so that one parameter and a hundred are the same code.
 */
#include "engine/train/update.h"

#include <math.h>

static void sgd_update(tscope *s, const update_numbers *n, update_group *g) {
    tensor **velocity = g->state[0], **direction = g->grad;
    if (g->decays) t_foreach_add_(s, g->grad, g->weight, g->count, n->weight_decay);
    if (n->momentum != 0) {
        if (velocity[0]) {
            t_foreach_scale_(s, velocity, g->count, n->momentum, 0);
            t_foreach_add_(s, velocity, g->grad, g->count, 1);
        } else {
            for (size_t i = 0; i < g->count; i++)
                velocity[i] = t_keep(s, t_clone(s, g->grad[i]));
        }
        if (n->nesterov)
            t_foreach_add_(s, g->grad, velocity, g->count, n->momentum);
        else
            direction = velocity;
    }
    t_foreach_add_(s, g->weight, direction, g->count, -g->lr);
}

tensor *update_zeros(tscope *s, tensor *like) {
    tensor *zeros = t_keep(s, t_clone(s, t_detach(s, like)));
    t_fill_(s, zeros, 0);
    return zeros;
}

static void adam_moments(tscope *s, const update_numbers *n, update_group *g) {
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < g->count; i++)
            if (!g->state[k][i]) g->state[k][i] = update_zeros(s, g->weight[i]);
    double steps = (double)g->steps;
    double correction1 = 1 - pow(n->beta1, steps), correction2 = 1 - pow(n->beta2, steps);
    tensor **denominator = g->scratch;
    t_foreach_lerp_(s, g->state[0], g->grad, g->count, 1 - n->beta1);
    t_foreach_scale_(s, g->state[1], g->count, n->beta2, 0);
    t_foreach_addcmul_(s, g->state[1], g->grad, g->grad, g->count, 1 - n->beta2);
    t_foreach_sqrt(s, g->state[1], g->count, denominator);
    t_foreach_scale_(s, denominator, g->count, 1 / sqrt(correction2), n->eps);
    t_foreach_addcdiv_(s, g->weight, g->state[0], denominator, g->count, -g->lr / correction1);
}

static void adam_update(tscope *s, const update_numbers *n, update_group *g) {
    if (g->decays) t_foreach_add_(s, g->grad, g->weight, g->count, n->weight_decay);
    adam_moments(s, n, g);
}

static void adamw_update(tscope *s, const update_numbers *n, update_group *g) {
    if (g->decays) t_foreach_scale_(s, g->weight, g->count, 1 - g->lr * n->weight_decay, 0);
    adam_moments(s, n, g);
}

const update_rule update_rules[UPDATE_RULES] = {
    {"sgd", {"momentum_buffer", NULL}, sgd_update},
    {"adam", {"exp_avg", "exp_avg_sq"}, adam_update},
    {"adamw", {"exp_avg", "exp_avg_sq"}, adamw_update},
};
