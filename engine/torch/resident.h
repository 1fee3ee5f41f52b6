/*
 * resident.h - the pages of libraries that are mapped into this process.
 *
 * Loading libtorch reads the symbols of all its libraries and runs what registers its operators: 50 to 95 MB
 * of pages, few of which are ever used again, and which count as this process's for as long as it lives.
 * They are the files' own, unchanged, and lie in the system's cache. Unmapped they are no longer held there:
 * the system may have them when it wants memory, and what is used again is mapped again, without reading.
 */
#ifndef ENGINE_TORCH_RESIDENT_H
#define ENGINE_TORCH_RESIDENT_H

#include <stddef.h>

size_t resident_libraries(void); /* so many are loaded */
/* Unmap such pages of all libraries but the first so many. Any thread, at any time; takes milliseconds. */
void resident_let_go(size_t first);

#endif
