/*
 * event_step.h - the line of a step, which a log has by the million, read without a JSON document.
 */
#ifndef ENGINE_RUN_EVENT_STEP_H
#define ENGINE_RUN_EVENT_STEP_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/run/event_number.h"
#include "thaw/event.h"

/*
 * LINE as thaw_event_json writes a step's: no space, the keys in its order, numbers or null. OUT is then, bit
 * for bit, what the general reader makes of it. False for every other line, though it may be a step's too:
 * OUT is undefined.
 */
bool event_read_step(const char *line, size_t length, thaw_step_row *out);

/* The same where a newline follows LINE, and EVENT_STEP_ROOM bytes from there on can be read. */
enum { EVENT_STEP_ROOM = EVENT_NUMBER_ROOM };
bool event_read_step_line(const char *line, size_t length, thaw_step_row *out);

#endif
