/*
 * file_part.h - parts of an open file, wherever its own offset is.
 */
#ifndef ENGINE_BASE_FILE_PART_H
#define ENGINE_BASE_FILE_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* COUNT bytes of FD from AT on; false when they are not there, or errno says why. */
bool file_part_read(int fd, void *out, size_t count, off_t at);
/* How many came: fewer where the file ends, or cannot be read further. */
size_t file_part_read_some(int fd, void *out, size_t count, off_t at);
/* COUNT bytes, written; on failure some of them may be. */
bool file_part_write(int fd, const void *from, size_t count, off_t at);
uint64_t file_part_end(int fd); /* the size of FD; 0 when it cannot be told */

#endif
