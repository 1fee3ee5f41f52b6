/*
 * sample.c - a first look at a long log: its beginning, its end, and places between.
 *
 * A million steps take a tenth of a second to read, and ten million more than one. Of 256 places at equal
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

typedef struct taker {
    bool (*skip)(const char *line, size_t length); /* NULL: none */
    void (*take)(void *user, const thaw_event *e);
    void *user;
} taker;

enum {
    PLACES = 256,
    PIECE = 8 << 10, /* bytes read at a place */
    HEAD = 64 << 10, /* and at the beginning, where a run says what it is */
    TAIL = 1 << 20,  /* and at the end, for what it came to: a few thousand steps */
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
static void take_lines(const char *text, size_t size, bool first_whole, const taker *to) {
    const char *line = text, *end = text + size, *newline;
    for (bool whole = first_whole; (newline = memchr(line, '\n', (size_t)(end - line)));
         line = newline + 1, whole = true) {
        thaw_event e;
        if (!whole || (to->skip && to->skip(line, (size_t)(newline - line)))) continue;
        thaw_status status = thaw_event_parse(line, (size_t)(newline - line), &e);
        if (thaw_failed(&status)) continue; /* counted when all is read */
        to->take(to->user, &e);
        thaw_event_clear(&e);
    }
}

/* The size of R's log, if it is a long one; else 0. */
static off_t long_size(const thaw_run_reader *r) {
    struct stat info;
    return fstat(run_reader_file(r), &info) == 0 && info.st_size >= LEAST ? info.st_size : 0;
}

bool thaw_run_reader_sample(const thaw_run_reader *r, void (*take)(void *user, const thaw_event *e),
                            void *user) {
    const taker to = {.take = take, .user = user};
    int fd = run_reader_file(r);
    off_t size = long_size(r),
          rest = size - HEAD - PIECE; /* where the places are, the first behind the head */
    if (!size) return false;
    char *text = xreallocarray(NULL, HEAD, 1);
    take_lines(text, read_piece(fd, 0, text, HEAD), true, &to);
    for (int i = 0; i < PLACES; i++) {
        off_t at = HEAD + rest / (PLACES - 1) * i;
        if (i == PLACES - 1) at = size - PIECE;
        take_lines(text, read_piece(fd, at, text, PIECE), false, &to);
    }
    free(text);
    return true;
}

bool run_reader_ends(const thaw_run_reader *r, bool (*skip)(const char *line, size_t length),
                     void (*take)(void *user, const thaw_event *e), void *user) {
    const taker to = {skip, take, user};
    int fd = run_reader_file(r);
    off_t size = long_size(r);
    if (!size) return false;
    char *text = xreallocarray(NULL, TAIL, 1);
    take_lines(text, read_piece(fd, 0, text, HEAD), true, &to);
    take_lines(text, read_piece(fd, size - TAIL, text, TAIL), false, &to);
    free(text);
    return true;
}
