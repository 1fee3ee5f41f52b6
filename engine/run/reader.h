/*
 * reader.h - what only the engine asks of a run's reader (thaw/run.h).
 */
#ifndef ENGINE_RUN_READER_H
#define ENGINE_RUN_READER_H

#include "thaw/run.h"

/* Pass lines over unparsed where SKIP, which several threads call at once, says so. Before the first event.
 */
void run_reader_skip(thaw_run_reader *r, bool (*skip)(const char *line, size_t length));

int run_reader_file(const thaw_run_reader *r); /* its descriptor, which stays its own */

#endif
