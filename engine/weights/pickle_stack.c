/*
 * pickle_stack.c - the hands of the stack machine: operands off the bytes, values on and off the stack, and
 * the memo. Each answers false once something failed, and the first failure is kept.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/weights/pickle_machine.h"

enum { NAME_MAX_BYTES = 1 << 10 };

void pickle_failure(pickle_machine *m, thaw_code code, const char *format, ...) {
    if (m->status.code != THAW_OK) return;
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    /* Where it is helps with damage; a refusal names what it is about. */
    m->status = code == THAW_ERR_FORMAT ? thaw_error(code, "damaged pickle: %s (byte %zu)", text, m->at)
                                        : thaw_error(code, "%s", text);
    free(text);
}

/* ---- reading operands ---- */

bool pickle_take(pickle_machine *m, size_t count, const uint8_t **out) {
    if (count > m->size - m->at) return pickle_fail(m, THAW_ERR_FORMAT, "it ends in the middle");
    *out = m->bytes + m->at;
    m->at += count;
    return true;
}

/* A little-endian unsigned number of WIDTH bytes. */
bool pickle_take_number(pickle_machine *m, size_t width, uint64_t *out) {
    const uint8_t *byte;
    if (!pickle_take(m, width, &byte)) return false;
    *out = 0;
    for (size_t i = 0; i < width; i++)
        *out |= (uint64_t)byte[i] << (8 * i);
    return true;
}

bool pickle_take_counted(pickle_machine *m, size_t width, pickle_text *out) {
    uint64_t count;
    const uint8_t *byte;
    if (!pickle_take_number(m, width, &count)) return false;
    if (count > m->size) return pickle_fail(m, THAW_ERR_FORMAT, "a text longer than the file");
    if (!pickle_take(m, (size_t)count, &byte)) return false;
    *out = (pickle_text){.data = (const char *)byte, .length = (size_t)count};
    return true;
}

bool pickle_take_line(pickle_machine *m, pickle_text *out) {
    size_t left = m->size - m->at, limit = left < NAME_MAX_BYTES ? left : NAME_MAX_BYTES;
    const char *start = (const char *)m->bytes + m->at;
    const char *end = memchr(start, '\n', limit);
    if (!end) return pickle_fail(m, THAW_ERR_FORMAT, "a name that does not end");
    *out = (pickle_text){.data = start, .length = (size_t)(end - start)};
    m->at += out->length + 1;
    return true;
}

/* ---- the stack ---- */

bool pickle_push(pickle_machine *m, pickle_ref v) {
    if (m->height >= PICKLE_MAX_ITEMS)
        return pickle_fail(m, THAW_ERR_UNSUPPORTED, "more than %d values on the stack" PICKLE_SAVE_AGAIN,
                           PICKLE_MAX_ITEMS);
    m->stack = vec_reserve(m->stack, &m->stack_capacity, m->height + 1, sizeof *m->stack);
    m->stack[m->height++] = v;
    return true;
}

bool pickle_push_value(pickle_machine *m, pickle_value value) {
    pickle_ref v;
    return pickle_add(m, value, &v) && pickle_push(m, v);
}

/* Values above the innermost mark. */
size_t pickle_available(const pickle_machine *m) {
    return m->height - (m->mark_count ? m->mark[m->mark_count - 1] : 0);
}

bool pickle_pop(pickle_machine *m, pickle_ref *out) {
    if (!pickle_available(m)) return pickle_fail(m, THAW_ERR_FORMAT, "a value is missing");
    *out = m->stack[--m->height];
    return true;
}

bool pickle_top(pickle_machine *m, pickle_ref *out) {
    if (!pickle_available(m)) return pickle_fail(m, THAW_ERR_FORMAT, "a value is missing");
    *out = m->stack[m->height - 1];
    return true;
}

/* Close the innermost mark: the values above it are m->stack[*FIRST..*FIRST + *COUNT - 1], and off the stack.
 */
bool pickle_pop_mark(pickle_machine *m, size_t *first, size_t *count) {
    if (!m->mark_count) return pickle_fail(m, THAW_ERR_FORMAT, "a mark is missing");
    *first = m->mark[--m->mark_count];
    *count = m->height - *first;
    m->height = *first;
    return true;
}

bool pickle_append_run(pickle_machine *m, pickle_ref container, size_t first, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!pickle_append(m, container, m->stack[first + i])) return false;
    return true;
}

bool pickle_push_tuple(pickle_machine *m, size_t first, size_t count) {
    pickle_ref tuple = PICKLE_REF_EMPTY_TUPLE;
    if (count && !pickle_add(m, (pickle_value){.kind = PICKLE_TUPLE}, &tuple)) return false;
    return pickle_append_run(m, tuple, first, count) && pickle_push(m, tuple);
}

bool pickle_remember(pickle_machine *m, uint64_t place) {
    pickle_ref v;
    if (!pickle_top(m, &v)) return false;
    if (place >= PICKLE_MAX_MEMO)
        return pickle_fail(m, THAW_ERR_UNSUPPORTED, "more than %d remembered values" PICKLE_SAVE_AGAIN,
                           PICKLE_MAX_MEMO);
    /* Picklers number densely; a sparse number would make a few bytes cost megabytes. */
    if (place > m->at)
        return pickle_fail(m, THAW_ERR_FORMAT, "a value is remembered under a number out of turn");
    m->memo = vec_reserve(m->memo, &m->memo_capacity, place + 1, sizeof *m->memo);
    while (m->memo_count <= place)
        m->memo[m->memo_count++] = PICKLE_UNSET;
    m->memo[place] = v;
    return true;
}
