/*
 * order.h - the lines of the control protocol (docs/control.md): one JSON object each, an order one way and
 * an answer back. They come from other processes, so reading is bounded and names what is wrong.
 */
#ifndef ENGINE_RUN_ORDER_H
#define ENGINE_RUN_ORDER_H

#include "engine/base/str.h"
#include "thaw/control.h"

enum { ORDER_LINE_MAX = 256 << 10, ORDER_NAMES_MAX = 8192 }; /* bytes of a line; names in a mask's list */

static const int64_t ORDER_NO_ID = -1;

/* An order with its names. */
typedef struct order_read {
    thaw_order order; /* its lists are the ones below */
    int64_t id;       /* ORDER_NO_ID: none was given */
    char **frozen, **moving;
} order_read;

/* Read a line (without its end). OUT is to be cleared in either case; its id is set when the line had a good
 * one, so that a refusal can be answered. */
thaw_status order_parse(const char *line, size_t length, order_read *out);
void order_read_clear(order_read *r);
void order_write(const thaw_order *order, int64_t id, str *out); /* appends a line, with its end */

thaw_status order_answer_parse(const char *line, size_t length, thaw_answer *out); /* free(out->problem) */
void order_answer_write(int64_t id, const char *problem, str *out);                /* PROBLEM NULL: done */

#endif
