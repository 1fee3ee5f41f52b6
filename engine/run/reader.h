/*
 * reader.h - what only the engine asks of a run's reader (thaw/run.h).
 */
#ifndef ENGINE_RUN_READER_H
#define ENGINE_RUN_READER_H

#include "thaw/run.h"

/* Pass lines over unparsed where SKIP, which several threads call at once, says so. Before the first event.
 */
void run_reader_skip(thaw_run_reader *r, bool (*skip)(const char *line, size_t length));

/* TAKE gets events (lent) of the beginning and of the end of a long log, but of lines that SKIP says so of.
 * False, with nothing taken, for one that is read as soon. Does not move the reader. */
bool run_reader_ends(const thaw_run_reader *r, bool (*skip)(const char *line, size_t length),
                     void (*take)(void *user, const thaw_event *e), void *user);

int run_reader_file(const thaw_run_reader *r); /* its descriptor, which stays its own */

#endif
