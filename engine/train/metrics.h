/*
 * metrics.h - what a split scored: mean loss, top-1, top-5 and per-class accuracy, added up batch by batch.
 *
 * Everything is counted on the host in integers and doubles in a fixed order, so that the same logits give
 * the same figures on any device, and a half-counted epoch can be put into a checkpoint and taken up again.
 */
#ifndef ENGINE_TRAIN_METRICS_H
#define ENGINE_TRAIN_METRICS_H

#include <stdint.h>

/* Zero-initialise through metrics_init; metrics_clear frees. Fields may be read. */
typedef struct metrics {
    int classes;
    int64_t images, top1, top5; /* images seen; of these, the label came first; was among the first five */
    double loss_sum;            /* of every image's loss */
    int64_t *class_images, *class_top1; /* classes of each */
} metrics;

void metrics_init(metrics *m, int classes);
void metrics_clear(metrics *m);
void metrics_reset(metrics *m); /* to nothing seen */

/*
 * Count a batch. logits: count x classes, row-major; label: count, in 0..classes-1. LOSS is the batch's mean
 * loss. A logit that is not a number never scores; of equal logits the first wins, as argmax has it.
 */
void metrics_add(metrics *m, const float *logits, const int64_t *label, int count, double loss);

/* The same with the mean cross-entropy computed here, in double: -log softmax(logits)[label]. */
void metrics_add_scored(metrics *m, const float *logits, const int64_t *label, int count);

/* NaN when nothing was seen. Top-5 counts the first min(5, classes). */
double metrics_loss(const metrics *m);
double metrics_top1(const metrics *m);
double metrics_top5(const metrics *m);
double metrics_class_top1(const metrics *m, int label); /* NaN for a class without images */

/* log(sum(exp(values))) without overflow; minus infinity of nothing. */
double log_sum_exp(const float *values, int count);

#endif
