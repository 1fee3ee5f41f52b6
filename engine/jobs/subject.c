/*
 * subject.c - see subject.h.
 */
#include "engine/jobs/subject.h"

#include <stdio.h>
#include <string.h>

enum { BATCH_DEFAULT = 64, BATCH_MAX = 65536 };

void subject_close(subject *s) {
    learner_clear(&s->learner);
    source_close(&s->source);
    torch_close(s->torch);
    *s = (subject){0};
}

static thaw_status choose_precision(const char *asked, const torch *t, device d, bool *bf16) {
    if (!asked || strcmp(asked, "auto") == 0) {
        *bf16 = d.kind == DEVICE_CUDA || torch_about(t)->cpu_bf16;
        return thaw_ok();
    }
    *bf16 = strcmp(asked, "bf16") == 0;
    if (*bf16 || strcmp(asked, "fp32") == 0) return thaw_ok();
    return thaw_error(THAW_ERR_USAGE, "there is no precision \"%s\"; it is fp32, bf16 or auto", asked);
}

static thaw_status check(const thaw_subject *what) {
    if (what->batch_size < 0 || what->batch_size > BATCH_MAX)
        return thaw_error(THAW_ERR_USAGE, "a batch of %d images; between 1 and %d are possible",
                          what->batch_size, BATCH_MAX);
    if (what->threads < 0)
        return thaw_error(THAW_ERR_USAGE, "%d threads; 1 or more are possible, and 0 takes all cores",
                          what->threads);
    return thaw_ok();
}

static thaw_status materialise(const thaw_subject *what, subject *s) {
    torch_params params = {.threads = what->threads};
    device d;
    model *m = s->source.model;
    THAW_TRY(torch_open(&params, &s->torch));
    THAW_TRY(torch_parse_device(s->torch, what->device ? what->device : "auto", &d));
    THAW_TRY(choose_precision(what->precision, s->torch, d, &s->learner.bf16));
    freeze_layer(m->root, THAW_FROZEN);
    model_place(m, s->torch, d, true);
    THAW_TRY(model_set_pixels(m, s->source.transform.mean, s->source.transform.std));
    THAW_TRY(weights_load(s->source.weights, m, WEIGHTS_HEAD_STRICT, NULL));
    THAW_TRY(model_fill(m, 0));
    if (m->note && what->note) what->note(what->note_user, m->note);
    s->learner.model = m;
    return learner_mask_changed(&s->learner);
}

thaw_status subject_open(const thaw_subject *what, subject *out) {
    *out = (subject){.batch_size = what->batch_size ? what->batch_size : BATCH_DEFAULT};
    THAW_TRY(check(what));
    THAW_TRY(source_open(what, false, &out->source));
    thaw_status status = materialise(what, out);
    if (thaw_failed(&status)) subject_close(out);
    return status;
}

const char *subject_class(const subject *s, int label, char buffer[CLASS_TEXT_MAX]) {
    if (s->source.class_name) return s->source.class_name[label];
    snprintf(buffer, CLASS_TEXT_MAX, "class %d", label);
    return buffer;
}
