/*
 * keep.c - see keep.h.
 */
#include "engine/train/keep.h"

const double keep_image_part = 0.25, keep_output_part = 0.25;

enum { VIEWS_LEAST = 4, EPOCHS_A_VIEW = 4 /* each is shown so often, in a run that is long enough */ };
/* Of a forward pass, before the cut: less is not worth the memory, or the fewer random crops. */
static const double share_least = 0.05, share_least_random = 0.25;

double keep_share(const model *m, size_t cut) {
    int64_t before = 0;
    for (size_t i = 0; i < cut; i++)
        before += layer_macs(m->stage[i]);
    return (double)before / (double)model_macs(m);
}

bool keep_pays(double share, bool random) {
    return share >= (random ? share_least_random : share_least);
}

int keep_views(int asked, int epochs) {
    int views = (epochs + EPOCHS_A_VIEW - 1) / EPOCHS_A_VIEW;
    if (asked > 0) return asked;
    if (views < VIEWS_LEAST) views = VIEWS_LEAST;
    return views < epochs ? views : epochs;
}
