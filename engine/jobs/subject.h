/*
 * subject.h - a source on a device, ready to look at images.
 */
#ifndef ENGINE_JOBS_SUBJECT_H
#define ENGINE_JOBS_SUBJECT_H

#include "engine/jobs/source.h"
#include "engine/train/learner.h"

typedef struct subject {
    source source;
    torch *torch;
    learner learner; /* without an optimizer; everything frozen, so that norms are folded */
    int batch_size;
} subject;

/* Loads libtorch in this thread; what is wrong with the model's files is found before that. */
thaw_status subject_open(const thaw_subject *what, subject *out);
void subject_close(subject *s);

/* What output LABEL is called; BUFFER is used where no name is known. */
enum { CLASS_TEXT_MAX = 32 };
const char *subject_class(const subject *s, int label, char buffer[CLASS_TEXT_MAX]);

#endif
