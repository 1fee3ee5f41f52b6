/*
 * fuzz_log.c - a whole log, parsed ahead in blocks by several threads: the same events as line by line. The
 * first byte says how large a block is, the second how many threads there are.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/run/read_ahead.h"
#include "tests/fuzz/fuzz.h"

enum { HEAD = 2, THREADS = 3 };

bool fuzz_seed(size_t index, str *out) {
    static const size_t blocks[] = {1, 40, 255};
    if (index >= sizeof blocks / sizeof *blocks) return false;
    const char head[HEAD] = {(char)blocks[index], (char)index};
    str_append_n(out, head, HEAD);
    for (int kind = 0; kind < THAW_EVENT_COUNT; kind++) {
        thaw_event e = {.kind = (thaw_event_kind)kind, .time = 1.5, .steps = kind};
        char *json = thaw_event_json(&e);
        str_appendf(out, "%s\n", json);
        free(json);
    }
    return true;
}

static void put(str *out, thaw_event *e) {
    char *json = thaw_event_json(e);
    str_appendf(out, "%s\n", json);
    free(json);
    thaw_event_clear(e);
}

static size_t by_lines(const char *text, size_t size, str *out) {
    const char *line = text, *end = text + size, *newline;
    size_t broken = 0;
    for (; (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1) {
        thaw_event e;
        thaw_status status = thaw_event_parse(line, (size_t)(newline - line), &e);
        if (!thaw_failed(&status))
            put(out, &e);
        else
            broken += status.code != THAW_ERR_UNSUPPORTED;
    }
    return broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEAD) return 0;
    const char *text = (const char *)data + HEAD;
    size -= HEAD;
    int fd = memfd_create("log", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, text, size) == (ssize_t)size);
    read_ahead_params params = {.block = (size_t)data[0] + 1, .threads = data[1] % THREADS + 1};
    read_ahead *r = read_ahead_new(fd, &params);
    str given = {0}, expected = {0};
    thaw_event e;
    const thaw_step_row *row;
    for (size_t steps; (steps = read_ahead_steps(r, &row)) > 0 || read_ahead_next(r, &e);) {
        if (!steps) put(&given, &e);
        for (size_t i = 0; i < steps; i++) {
            thaw_event_of_step(&row[i], &e);
            put(&given, &e);
        }
    }
    CHECK(read_ahead_broken(r) == by_lines(text, size, &expected));
    CHECK(strcmp(str_text(&given), str_text(&expected)) == 0);
    read_ahead_free(r);
    close(fd);
    str_clear(&given);
    str_clear(&expected);
    return 0;
}
