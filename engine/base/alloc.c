/*
 * alloc.c - see alloc.h. The failure hook is the only state: it is set once, before the first thread starts.
 */
#include "engine/base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void (*failure_hook)(void);

void alloc_set_failure_hook(void (*hook)(void)) {
    failure_hook = hook;
}

static void die(void) {
    static const char message[] = "thaw: out of memory\n";
    if (failure_hook) failure_hook();
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0) _exit(1);
    abort();
}

void *xmalloc(size_t size) {
    void *memory = malloc(size ? size : 1);
    if (!memory) die();
    return memory;
}

void *xcalloc(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) die();
    return memory;
}

void *xrealloc(void *old, size_t size) {
    void *memory = realloc(old, size ? size : 1);
    if (!memory) die();
    return memory;
}

void *xreallocarray(void *old, size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) die();
    return xrealloc(old, count * size);
}

char *xstrndup(const char *text, size_t length) {
    size_t n = strnlen(text, length);
    char *copy = xmalloc(n + 1);
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *xstrdup(const char *text) {
    return text ? xstrndup(text, strlen(text)) : NULL;
}

char *xvasprintf(const char *format, va_list args) {
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) die();
    return text;
}

char *xasprintf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    return text;
}

void *vec_reserve(void *items, size_t *capacity, size_t need, size_t item_size) {
    if (need <= *capacity) return items;
    size_t grown = *capacity ? *capacity + *capacity / 2 + 1 : 8;
    if (grown < need) grown = need;
    items = xreallocarray(items, grown, item_size);
    *capacity = grown;
    return items;
}
