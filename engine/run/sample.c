/*
 * sample.c - a first look at a long log: its beginning, its end, and places between.
 *
 * A million steps take a quarter of a second to read, and ten million more than two. Of 256 places at equal
 * distances some thirty steps each are read within five milliseconds, from which a curve can be drawn at once
 * that has its final extent and nearly its final shape, while all of it is read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/run/reader.h"

enum {
    PLACES = 256,
    PIECE = 8 << 10, /* bytes read at a place */
    HEAD = 64 << 10, /* and at the beginning, where a run says what it is */
    LEAST = 16 << 20 /* a shorter log is read as soon */
};

static size_t read_piece(int fd, off_t at, char *text, size_t size) {
    ssize_t got;
    do
        got = pread(fd, text, size, at);
    while (got < 0 && errno == EINTR);
    return got > 0 ? (size_t)got : 0;
}

/* The whole lines of a piece; the first is whole only at the beginning of the file. */
static void take_lines(const char *text, size_t size, bool first_whole,
                       void (*take)(void *user, const thaw_event *e), void *user) {
    const char *line = text, *end = text + size, *newline;
    for (bool whole = first_whole; (newline = memchr(line, '\n', (size_t)(end - line)));
         line = newline + 1, whole = true) {
        thaw_event e;
        if (!whole) continue;
        thaw_status status = thaw_event_parse(line, (size_t)(newline - line), &e);
        if (thaw_failed(&status)) continue; /* counted when all is read */
        take(user, &e);
        thaw_event_clear(&e);
    }
}

bool thaw_run_reader_sample(const thaw_run_reader *r, void (*take)(void *user, const thaw_event *e),
                            void *user) {
    struct stat info;
    int fd = run_reader_file(r);
    if (fstat(fd, &info) < 0 || info.st_size < LEAST) return false;
    char *text = xreallocarray(NULL, HEAD, 1);
    take_lines(text, read_piece(fd, 0, text, HEAD), true, take, user);
    off_t rest = info.st_size - HEAD - PIECE; /* where the places begin, the first behind the head */
    for (int i = 0; i < PLACES; i++) {
        off_t at = HEAD + rest / (PLACES - 1) * i;
        if (i == PLACES - 1) at = info.st_size - PIECE;
        take_lines(text, read_piece(fd, at, text, PIECE), false, take, user);
    }
    free(text);
    return true;
}
