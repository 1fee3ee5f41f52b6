/*
 * reader.c - events.jsonl from the beginning, and again as it grows. What a long one has already is parsed by
 * several threads (read_ahead.h); from there on it goes line by line.
 *
 * Nothing of an incomplete last line is kept: it is read again when there is more. So a line that its writer
 * took back (a full disk), or that a resumed run cut off (a crash), is never mixed with what came in its
 * place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/run/folder.h"
#include "engine/run/read_ahead.h"
#include "engine/run/reader.h"
#include "thaw/run.h"

enum { BLOCK = 1 << 16, LINE_MAX = 16 << 20 };

struct thaw_run_reader {
    int fd;
    off_t at; /* in the file, of buffer[0] */
    char *buffer;
    size_t capacity, filled, used; /* lines before USED are done with */
    bool skipping;                 /* inside a line that is too long */
    size_t broken;
    bool (*skip)(const char *line, size_t length); /* NULL: none */
    bool begun;
    read_ahead *ahead; /* has what comes next; NULL: we go by ourselves */
};

thaw_status thaw_run_reader_open(const char *folder, thaw_run_reader **out) {
    char *path = path_join(folder, run_events_name);
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    thaw_status status = thaw_ok();
    if (fd < 0 || fstat(fd, &info) < 0)
        status = thaw_error_errno(errno, "%s", path);
    else if (!S_ISREG(info.st_mode))
        status = thaw_error(THAW_ERR_FORMAT, "%s is not a file; remove what is in its place", path);
    if (thaw_failed(&status)) {
        if (fd >= 0) close(fd);
    } else {
        *out = xcalloc(1, sizeof **out);
        (*out)->fd = fd;
    }
    free(path);
    return status;
}

void thaw_run_reader_close(thaw_run_reader *r) {
    if (!r) return;
    read_ahead_free(r->ahead);
    close(r->fd);
    free(r->buffer);
    free(r);
}

size_t thaw_run_reader_broken(const thaw_run_reader *r) {
    return r->broken + (r->ahead ? read_ahead_broken(r->ahead) : 0);
}

void run_reader_skip(thaw_run_reader *r, bool (*skip)(const char *line, size_t length)) {
    r->skip = skip;
}

int run_reader_file(const thaw_run_reader *r) {
    return r->fd;
}

/* Forget what is done with. */
static void advance(thaw_run_reader *r) {
    memmove(r->buffer, r->buffer + r->used, r->filled - r->used);
    r->at += (off_t)r->used;
    r->filled -= r->used;
    r->used = 0;
}

/* Read a block more; false when there is none now. */
static bool read_more(thaw_run_reader *r) {
    if (r->used) advance(r);
    r->buffer = vec_reserve(r->buffer, &r->capacity, r->filled + BLOCK, 1);
    ssize_t got;
    do
        got = pread(r->fd, r->buffer + r->filled, BLOCK, r->at + (off_t)r->filled);
    while (got < 0 && errno == EINTR);
    if (got > 0) r->filled += (size_t)got;
    return got > 0;
}

/* The next whole line, inside the buffer until the next call. */
static bool next_line(thaw_run_reader *r, const char **line, size_t *length) {
    size_t looked = 0;
    for (;;) {
        char *start = r->buffer + r->used, *newline = NULL;
        if (r->filled > r->used + looked)
            newline = memchr(start + looked, '\n', r->filled - r->used - looked);
        if (newline) {
            *line = start;
            *length = (size_t)(newline - start);
            r->used += *length + 1;
            if (!r->skipping) return true;
            r->skipping = false;
            looked = 0;
            continue;
        }
        looked = r->filled - r->used;
        if (looked > LINE_MAX) {
            r->broken += !r->skipping;
            r->skipping = true;
            r->used = r->filled;
            looked = 0;
        }
        if (!read_more(r)) {
            r->filled = r->used; /* half a line: read it again next time */
            return false;
        }
    }
}

/* What is parsed already, or NULL. */
static read_ahead *ahead(thaw_run_reader *r) {
    if (r->begun) return r->ahead;
    read_ahead_params params = read_ahead_default_params();
    params.skip = r->skip;
    r->ahead = read_ahead_new(r->fd, &params);
    r->begun = true;
    return r->ahead;
}

/* The next event of those. */
static bool next_ahead(thaw_run_reader *r, thaw_event *out) {
    if (!ahead(r)) return false;
    if (read_ahead_next(r->ahead, out)) return true;
    r->at = read_ahead_at(r->ahead);
    r->broken += read_ahead_broken(r->ahead);
    read_ahead_free(r->ahead);
    r->ahead = NULL;
    return false;
}

size_t thaw_run_reader_steps(thaw_run_reader *r, const thaw_step_row **out) {
    return ahead(r) ? read_ahead_steps(r->ahead, out) : 0;
}

bool thaw_run_reader_next(thaw_run_reader *r, thaw_event *out) {
    const char *line;
    size_t length;
    if (next_ahead(r, out)) return true;
    while (next_line(r, &line, &length)) {
        if (r->skip && r->skip(line, length)) continue;
        thaw_status status = thaw_event_parse(line, length, out);
        if (!thaw_failed(&status)) return true;
        r->broken += status.code != THAW_ERR_UNSUPPORTED;
    }
    return false;
}

thaw_status thaw_run_recipe(const char *folder, thaw_recipe *out) {
    char *path = path_join(folder, run_recipe_name);
    thaw_recipe_init(out);
    thaw_status status = thaw_recipe_read(path, out);
    if (thaw_failed(&status)) thaw_recipe_clear(out);
    free(path);
    return status;
}
