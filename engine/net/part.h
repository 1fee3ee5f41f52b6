/*
 * part.h - the part of a file that has been fetched so far: PATH.part, until it is whole and gets its name.
 *
 * The partial file is its own lock (flock): whoever has it open here is the only one that fetches PATH, over
 * all processes and threads. What it was begun from, and the server's word for that version, are beside it in
 * PATH.part.from.
 */
#ifndef ENGINE_NET_PART_H
#define ENGINE_NET_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

typedef struct part part;

/*
 * Open PATH.part, making its folder when needed. While another one fetches PATH, WAIT is called over and
 * over, with what is there so far; it is to sleep a little, and false gives up with THAW_ERR_CANCELLED. *OUT
 * is NULL, and that is success, when there is a finished PATH by then.
 */
thaw_status part_open(const char *path, bool (*wait)(void *user, int64_t bytes), void *user, part **out);
/* Keep what is there for the next time (an empty file is not kept), let others in, free P. NULL is fine. */
void part_close(part *p);
void part_remove(part *p); /* and do not keep it */
/* Make it durable and give it its name; frees P, also when that fails. */
thaw_status part_commit(part *p);

const char *part_path(const part *p); /* of the .part file */
int64_t part_size(const part *p);     /* bytes that are there */
int64_t part_resumed(const part *p);  /* those of them that were there when it was opened */

/* What to send as If-Range to go on from URL; "" when nothing is known. */
const char *part_validator(const part *p, const char *url);
void part_set_validator(part *p, const char *url, const char *validator);

/* Fails, in human units, when MORE bytes would not fit on the disk. */
thaw_status part_room(const part *p, int64_t more);
thaw_status part_write(part *p, const void *bytes, size_t count);
thaw_status part_restart(part *p); /* forget the bytes */

#endif
