/*
 * alloc.h - allocation that never returns NULL.
 *
 * Running out of memory is the one thing that may abort, and only here. The program sets a hook that restores
 * the terminal first. Sizes that come from outside must be bounded before they get here.
 */
#ifndef ENGINE_BASE_ALLOC_H
#define ENGINE_BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size); /* zeroed; the product is checked */
void *xrealloc(void *old, size_t size);
void *xreallocarray(void *old, size_t count, size_t size); /* the product is checked */
char *xstrdup(const char *text);                           /* NULL gives NULL */
char *xstrndup(const char *text, size_t length);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* Called once, before abort(), when memory is exhausted. NULL removes it. */
void alloc_set_failure_hook(void (*hook)(void));

/*
 * Make room for NEED items in a growing array: returns the (possibly moved) array and updates *CAPACITY.
 *     list->item = vec_reserve(list->item, &list->capacity, list->count + 1, sizeof *list->item);
 */
void *vec_reserve(void *items, size_t *capacity, size_t need, size_t item_size);

#endif
