/*
 * fuzz_event.c - a line of events.jsonl. What is read and written out again must read as the same event.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/run/event_step.h"
#include "tests/fuzz/fuzz.h"
#include "thaw/event.h"

/* One event of each kind, as the writer puts it. */
bool fuzz_seed(size_t index, str *out) {
    if (index >= THAW_EVENT_COUNT) return false;
    thaw_event e = {.kind = (thaw_event_kind)index, .time = 1.5, .steps = 12};
    char *json = thaw_event_json(&e);
    str_append(out, json);
    free(json);
    return true;
}

/* What the quick reader of steps takes, the general one takes for the same; a space makes it the latter's. */
static void check_step(const uint8_t *data, size_t size) {
    thaw_event quick, general;
    thaw_step_row row;
    if (!event_read_step((const char *)data, size, &row)) return;
    thaw_event_of_step(&row, &quick);
    str line = {0};
    str_append(&line, " ");
    str_append_n(&line, (const char *)data, size);
    thaw_status status = thaw_event_parse(str_text(&line), line.length, &general);
    CHECK(!thaw_failed(&status));
    char *one = thaw_event_json(&quick), *other = thaw_event_json(&general);
    CHECK(strcmp(one, other) == 0);
    free(one);
    free(other);
    str_clear(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    thaw_event first, second;
    check_step(data, size);
    thaw_status status = thaw_event_parse((const char *)data, size, &first);
    if (thaw_failed(&status)) return 0;
    char *json = thaw_event_json(&first);
    CHECK(!strchr(json, '\n'));
    status = thaw_event_parse(json, strlen(json), &second);
    CHECK(!thaw_failed(&status));
    char *same = thaw_event_json(&second);
    CHECK(strcmp(json, same) == 0);
    free(json);
    free(same);
    thaw_event_clear(&first);
    thaw_event_clear(&second);
    return 0;
}
