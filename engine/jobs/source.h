/*
 * source.h - which model a person means, found and described without libtorch: the architecture, the head,
 * the weights file, how images are prepared and what the outputs are called.
 *
 * For a run that is the run's own business. For a weights file it comes from the file's card (card.h) when it
 * has one, else from its shapes and the catalog.
 */
#ifndef ENGINE_JOBS_SOURCE_H
#define ENGINE_JOBS_SOURCE_H

#include "engine/data/transform.h"
#include "engine/nn/freeze.h"
#include "engine/weights/weights.h"
#include "thaw/jobs.h"

typedef struct source {
    model *model;          /* built and fitting the weights; no tensors yet */
    weights_file *weights; /* open */
    thaw_head head;
    char **class_name; /* model->classes of them, or NULL: not known */
    transform transform;
    freeze_mask mask;    /* of the run or card; possibly empty */
    char *data;          /* the run's dataset, or NULL */
    double val_fraction; /* of it */
} source;

/* LAST: a run's last checkpoint in place of its best. */
thaw_status source_open(const thaw_subject *what, bool last, source *out);
void source_close(source *s);

/* The architecture that the file WEIGHTS is of, by its card, else by its keys and shapes. Static. */
thaw_status identify_architecture(const char *weights, const char **arch_name);

/*
 * Read head and class count off F's keys: a linear layer under the head's name, or the Sequential of an MLP
 * as model_replace_head numbers it. M is the architecture as pretrained.
 */
thaw_status head_guess(const weights_file *f, const model *m, thaw_head *head, int *classes);

#endif
