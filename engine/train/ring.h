/*
 * ring.h - events on their way from the engine thread to whoever shows them.
 *
 * Any thread may push, one thread takes. Pushing never blocks on the reader: a reader that has gone to sleep
 * costs bounded memory, because step events above a ceiling are thinned (of two neighbours the higher loss
 * stays, so a spike is never lost); no other event is ever dropped. The run folder's events.jsonl has them
 * all.
 */
#ifndef ENGINE_TRAIN_RING_H
#define ENGINE_TRAIN_RING_H

#include "thaw/event.h"

enum { RING_STEP_CEILING = 4096 };

typedef struct ring ring;

thaw_status ring_new(ring **out);
void ring_free(ring *r); /* with the events still in it; NULL is fine */

void ring_push(ring *r, thaw_event *event);               /* takes what EVENT owns and leaves it empty */
bool ring_take(ring *r, thaw_event *out);                 /* false when there is none; never blocks */
bool ring_wait(ring *r, double seconds, thaw_event *out); /* negative: for ever */
int ring_fd(const ring *r);                               /* readable while events wait */

#endif
