/*
 * mistakes.c - see mistakes.h. While it is filled, the least bad one kept lies on top of a heap, so that an
 * image better than all that are kept costs one comparison.
 */
#include "engine/train/mistakes.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/train/metrics.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* Negative: A comes first among the worst. */
static int compare(const void *x, const void *y) {
    const mistake *a = x, *b = y;
    int order = COMPARE(b->loss, a->loss);
    if (!order) order = COMPARE(a->train, b->train);
    return order ? order : COMPARE(a->index, b->index);
}

static void swap(mistake *a, mistake *b) {
    mistake held = *a;
    *a = *b;
    *b = held;
}

static void sift_up(mistake *heap, size_t at) {
    for (size_t above; at > 0; at = above) {
        above = (at - 1) / 2;
        if (compare(&heap[at], &heap[above]) <= 0) return;
        swap(&heap[at], &heap[above]);
    }
}

static void sift_down(mistake *heap, size_t count) {
    for (size_t at = 0, below; (below = 2 * at + 1) < count; at = below) {
        if (below + 1 < count && compare(&heap[below + 1], &heap[below]) > 0) below++;
        if (compare(&heap[below], &heap[at]) <= 0) return;
        swap(&heap[below], &heap[at]);
    }
}

static void keep(mistakes *m, mistake x) {
    if (!m->item) m->item = xcalloc(m->most, sizeof *m->item);
    if (m->count < m->most) {
        m->item[m->count] = x;
        sift_up(m->item, m->count++);
    } else if (compare(&x, &m->item[0]) < 0) {
        m->item[0] = x;
        sift_down(m->item, m->count);
    }
}

/* Of equal logits the first wins, as argmax has it. */
static int first_of(const float *logits, int classes) {
    int best = 0;
    for (int i = 1; i < classes; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

void mistakes_add(mistakes *m, const float *logits, int classes, const batch *b, bool train) {
    for (int i = 0; i < b->count && m->most; i++) {
        const float *own = logits + (size_t)i * (size_t)classes;
        int label = (int)b->label[i], predicted = first_of(own, classes);
        double all = log_sum_exp(own, classes), loss = all - own[label];
        if (predicted == label || !isfinite(loss)) continue;
        keep(m, (mistake){.index = b->index[i],
                          .train = train,
                          .label = label,
                          .predicted = predicted,
                          .probability = exp(own[predicted] - all),
                          .label_probability = exp(-loss),
                          .loss = loss});
    }
}

void mistakes_sort(mistakes *m) {
    if (m->count) qsort(m->item, m->count, sizeof *m->item, compare);
}

void mistakes_clear(mistakes *m) {
    free(m->item);
    m->item = NULL;
    m->count = 0;
}

thaw_mistake *mistakes_describe(const mistakes *m, const thaw_dataset *d, const char *const *name) {
    thaw_mistake *out = xcalloc(m->count, sizeof *out);
    for (size_t i = 0; i < m->count; i++) {
        const mistake *x = &m->item[i];
        out[i] = (thaw_mistake){.file = xstrdup(thaw_dataset_file(d, x->train, x->index, NULL)),
                                .label = xstrdup(name[x->label]),
                                .predicted = xstrdup(name[x->predicted]),
                                .probability = x->probability,
                                .label_probability = x->label_probability,
                                .loss = x->loss};
    }
    return out;
}

void thaw_mistakes_free(thaw_mistake *item, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(item[i].file);
        free(item[i].label);
        free(item[i].predicted);
    }
    free(item);
}
