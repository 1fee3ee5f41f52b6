/*
 * metrics.c - see metrics.h.
 */
#include "engine/train/metrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

enum { TOP_MANY = 5 };

void metrics_init(metrics *m, int classes) {
    *m = (metrics){.classes = classes};
    m->class_images = xcalloc((size_t)classes, sizeof *m->class_images);
    m->class_top1 = xcalloc((size_t)classes, sizeof *m->class_top1);
}

void metrics_clear(metrics *m) {
    free(m->class_images);
    free(m->class_top1);
    *m = (metrics){0};
}

void metrics_reset(metrics *m) {
    m->images = m->top1 = m->top5 = 0;
    m->loss_sum = 0;
    memset(m->class_images, 0, (size_t)m->classes * sizeof *m->class_images);
    memset(m->class_top1, 0, (size_t)m->classes * sizeof *m->class_top1);
}

/* How many classes come before LABEL. The comparisons are written so that a NaN on either side counts against
 * the label. */
static int label_rank(const float *logits, int classes, int64_t label) {
    float own = logits[label];
    int rank = 0;
    for (int j = 0; j < classes; j++) {
        bool behind = logits[j] < own || (logits[j] == own && j >= label);
        rank += !behind;
    }
    return rank;
}

void metrics_add(metrics *m, const float *logits, const int64_t *label, int count, double loss) {
    for (int i = 0; i < count; i++) {
        int rank = label_rank(logits + (size_t)i * (size_t)m->classes, m->classes, label[i]);
        m->top1 += rank == 0;
        m->top5 += rank < TOP_MANY && rank < m->classes;
        m->class_images[label[i]]++;
        m->class_top1[label[i]] += rank == 0;
    }
    m->images += count;
    m->loss_sum += loss * count;
}

double log_sum_exp(const float *values, int count) {
    if (count < 1) return -INFINITY;
    int top = 0;
    double rest = 0;
    for (int i = 1; i < count; i++)
        if (values[i] > values[top]) top = i;
    for (int i = 0; i < count; i++)
        if (i != top) rest += exp((double)values[i] - (double)values[top]);
    return (double)values[top] + log1p(rest);
}

static double cross_entropy(const float *logits, int classes, int64_t label) {
    return log_sum_exp(logits, classes) - logits[label];
}

void metrics_add_scored(metrics *m, const float *logits, const int64_t *label, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += cross_entropy(logits + (size_t)i * (size_t)m->classes, m->classes, label[i]);
    metrics_add(m, logits, label, count, count ? sum / count : 0);
}

static double share(int64_t part, int64_t whole) {
    return whole ? (double)part / (double)whole : NAN;
}

double metrics_loss(const metrics *m) {
    return m->images ? m->loss_sum / (double)m->images : NAN;
}

double metrics_top1(const metrics *m) {
    return share(m->top1, m->images);
}

double metrics_top5(const metrics *m) {
    return share(m->top5, m->images);
}

double metrics_class_top1(const metrics *m, int label) {
    return share(m->class_top1[label], m->class_images[label]);
}
