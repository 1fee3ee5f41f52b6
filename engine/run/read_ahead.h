/*
 * read_ahead.h - the events that are in a log already, parsed by several threads before they are asked for.
 *
 * What it gives is what reading line by line from the beginning gives, in that order, up to a place from
 * which the caller goes on by itself: the end of the last whole line, or sooner where the file was changed
 * meanwhile or a line is very long.
 */
#ifndef ENGINE_RUN_READ_AHEAD_H
#define ENGINE_RUN_READ_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "thaw/event.h"

typedef struct read_ahead read_ahead;

typedef struct read_ahead_params {
    size_t block; /* bytes that a thread takes at a time */
    off_t least;  /* bytes of a file for which it is worth while */
    int threads;  /* that parse, the caller's among them; 0: as many as there are cores, up to four */
    bool (*skip)(const char *line, size_t length); /* lines to pass over unparsed; NULL: none */
} read_ahead_params;
read_ahead_params read_ahead_default_params(void);

/* Of the file FD, which stays the caller's and must outlive it. NULL: not worth while. */
read_ahead *read_ahead_new(int fd, const read_ahead_params *params);
void read_ahead_free(read_ahead *r); /* waits for its threads: a block's time at most */

/* The next event, which is the caller's to clear; false: no more here. */
bool read_ahead_next(read_ahead *r, thaw_event *out);
/* The next events as long as they are steps, as many as are at hand, lent until the next call; 0: what is
 * next is something else, or nothing: read_ahead_next. */
size_t read_ahead_steps(read_ahead *r, const thaw_step_row **out);
off_t read_ahead_at(const read_ahead *r);      /* after false: where to go on */
size_t read_ahead_broken(const read_ahead *r); /* lines so far that are no events */

#endif
