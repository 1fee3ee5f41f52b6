/*
 * capture.h - what libraries write to file descriptors 1 and 2, as lines of text instead of rubbish on the
 * screen.
 *
 * libtorch, OpenMP and glog print to stderr whenever they like. While a capture is on, both descriptors lead
 * into a pipe that a thread reads; the workbench keeps its own duplicate of the terminal. Process-wide: one
 * at a time.
 */
#ifndef ENGINE_TRAIN_CAPTURE_H
#define ENGINE_TRAIN_CAPTURE_H

#include "thaw/status.h"

typedef struct capture capture;

/* LINE is called from the capture's own thread, without the newline; longer lines come in pieces. */
thaw_status capture_start(void (*line)(void *user, const char *text), void *user, capture **out);
/* Put the descriptors back and hand over what is still in the pipe. NULL is fine. */
void capture_stop(capture *c);
/* Append the raw output to this file too (a run's stderr.log), or, NULL, to none. */
void capture_copy_to(capture *c, const char *path);

#endif
