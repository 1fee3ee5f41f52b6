/*
 * cache_folder.h - room among what is kept on disk: the least recently used goes first.
 */
#ifndef ENGINE_CACHE_CACHE_FOLDER_H
#define ENGINE_CACHE_CACHE_FOLDER_H

#include "thaw/cache.h"

/* Never written: free space that is left to others on the disk. */
#define CACHE_DISK_RESERVE ((int64_t)1 << 30)

/*
 * Make room for NEED bytes in all for the cache NAME: remove others, least recently used first and never one
 * in use, until the limit and the disk's free space allow it. *ALLOWED is what it may grow to; less than NEED
 * when there is no more, 0 with a limit of 0. Fails where the disk has no room to spare at all.
 */
thaw_status cache_folder_make_room(const char *name, int64_t need, int64_t *allowed);

#endif
