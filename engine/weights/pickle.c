/*
 * pickle.c - the stack machine: one row of a table an opcode. Protocols 2 to 5 are understood; opcodes only
 * the text protocols use, and those that name extension registries, are refused by the empty rows.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/weights/pickle_machine.h"

/* ---- opcodes; WIDTH is the row's: the bytes of the operand or of its length ---- */

typedef bool opcode_run(pickle_machine *m, int width);

static bool op_skip(pickle_machine *m, int width) { /* PROTO, FRAME */
    const uint8_t *ignored;
    return pickle_take(m, (size_t)width, &ignored);
}

static bool op_stop(pickle_machine *m, int width) {
    (void)width;
    m->stopped = true;
    return pickle_pop(m, &m->p->root);
}

static bool op_mark(pickle_machine *m, int width) {
    (void)width;
    if (m->mark_count >= PICKLE_MAX_DEPTH)
        return pickle_fail(m, THAW_ERR_UNSUPPORTED, "containers nested deeper than %d" PICKLE_SAVE_AGAIN,
                           PICKLE_MAX_DEPTH);
    m->mark = vec_reserve(m->mark, &m->mark_capacity, m->mark_count + 1, sizeof *m->mark);
    m->mark[m->mark_count++] = m->height;
    return true;
}

static bool op_pop(pickle_machine *m, int width) {
    pickle_ref ignored;
    (void)width;
    if (!pickle_available(m) && m->mark_count) return m->mark_count--, true; /* Python pops a bare mark too */
    return pickle_pop(m, &ignored);
}

static bool op_pop_mark(pickle_machine *m, int width) {
    size_t first, count;
    (void)width;
    return pickle_pop_mark(m, &first, &count);
}

static bool op_dup(pickle_machine *m, int width) {
    pickle_ref v;
    (void)width;
    return pickle_top(m, &v) && pickle_push(m, v);
}

/* WIDTH is the constant's place in the store. */
static bool op_constant(pickle_machine *m, int width) {
    return pickle_push(m, (pickle_ref)width);
}

static bool op_unsigned(pickle_machine *m, int width) {
    uint64_t number;
    return pickle_take_number(m, (size_t)width, &number) &&
           pickle_push_value(m, (pickle_value){.kind = PICKLE_INT, .integer = (int64_t)number});
}

static bool op_int32(pickle_machine *m, int width) {
    uint64_t number;
    return pickle_take_number(m, (size_t)width, &number) &&
           pickle_push_value(m, (pickle_value){.kind = PICKLE_INT, .integer = (int32_t)(uint32_t)number});
}

static bool op_long(pickle_machine *m, int width) {
    pickle_text digits;
    if (!pickle_take_counted(m, (size_t)width, &digits)) return false;
    if (digits.length > sizeof(int64_t))
        return pickle_push_value(m, (pickle_value){.kind = PICKLE_BIG_INT, .text = digits});
    bool negative = digits.length && (digits.data[digits.length - 1] & 0x80);
    uint64_t number = negative ? UINT64_MAX : 0;
    for (size_t i = digits.length; i-- > 0;)
        number = number << 8 | (uint8_t)digits.data[i];
    return pickle_push_value(m, (pickle_value){.kind = PICKLE_INT, .integer = (int64_t)number});
}

static bool op_float(pickle_machine *m, int width) {
    const uint8_t *byte;
    uint64_t bits = 0;
    if (!pickle_take(m, (size_t)width, &byte)) return false;
    for (int i = 0; i < width; i++) /* this one is big-endian */
        bits = bits << 8 | byte[i];
    pickle_value v = {.kind = PICKLE_FLOAT};
    memcpy(&v.real, &bits, sizeof v.real);
    return pickle_push_value(m, v);
}

static bool op_string(pickle_machine *m, int width) {
    pickle_text text;
    return pickle_take_counted(m, (size_t)width, &text) &&
           pickle_push_value(m, (pickle_value){.kind = PICKLE_STRING, .text = text});
}

static bool op_bytes(pickle_machine *m, int width) {
    pickle_text text;
    return pickle_take_counted(m, (size_t)width, &text) &&
           pickle_push_value(m, (pickle_value){.kind = PICKLE_BYTES, .text = text});
}

/* WIDTH is the kind. */
static bool op_empty(pickle_machine *m, int width) {
    return pickle_push_value(m, (pickle_value){.kind = (pickle_kind)width});
}

static bool append_allowed(pickle_machine *m, pickle_ref list, bool *ignore) {
    pickle_kind kind = pickle_kind_of(m->p, list);
    *ignore = kind == PICKLE_OBJECT;
    if (kind == PICKLE_LIST || *ignore) return true;
    return pickle_fail(m, THAW_ERR_FORMAT, "an item is appended to %s", pickle_kind_name(kind));
}

static bool op_append(pickle_machine *m, int width) {
    pickle_ref item, list;
    bool ignore;
    (void)width;
    if (!pickle_pop(m, &item) || !pickle_top(m, &list) || !append_allowed(m, list, &ignore)) return false;
    return ignore || pickle_append(m, list, item);
}

static bool op_appends(pickle_machine *m, int width) { /* also ADDITEMS: sets are objects here */
    size_t first, count;
    pickle_ref list;
    bool ignore;
    (void)width;
    if (!pickle_pop_mark(m, &first, &count) || !pickle_top(m, &list) || !append_allowed(m, list, &ignore))
        return false;
    return ignore || pickle_append_run(m, list, first, count);
}

static bool op_list(pickle_machine *m, int width) {
    size_t first, count;
    pickle_ref list;
    (void)width;
    return pickle_pop_mark(m, &first, &count) && pickle_add(m, (pickle_value){.kind = PICKLE_LIST}, &list) &&
           pickle_append_run(m, list, first, count) && pickle_push(m, list);
}

static bool op_tuple(pickle_machine *m, int width) {
    size_t first, count;
    (void)width;
    return pickle_pop_mark(m, &first, &count) && pickle_push_tuple(m, first, count);
}

static bool op_tuple_of(pickle_machine *m, int width) {
    if (pickle_available(m) < (size_t)width) return pickle_fail(m, THAW_ERR_FORMAT, "a value is missing");
    m->height -= (size_t)width;
    return pickle_push_tuple(m, m->height, (size_t)width);
}

static bool op_frozenset(pickle_machine *m, int width) {
    size_t first, count;
    (void)width;
    return pickle_pop_mark(m, &first, &count) && pickle_push_value(m, (pickle_value){.kind = PICKLE_OBJECT});
}

static bool store_pairs(pickle_machine *m, pickle_ref into, size_t first, size_t count) {
    pickle_kind kind = pickle_kind_of(m->p, into);
    if (kind != PICKLE_DICT && kind != PICKLE_OBJECT)
        return pickle_fail(m, THAW_ERR_FORMAT, "a key is stored in %s", pickle_kind_name(kind));
    if (count % 2) return pickle_fail(m, THAW_ERR_FORMAT, "a key without a value");
    return kind == PICKLE_OBJECT || pickle_append_run(m, into, first, count);
}

static bool op_dict(pickle_machine *m, int width) {
    size_t first, count;
    pickle_ref dict;
    (void)width;
    return pickle_pop_mark(m, &first, &count) && pickle_add(m, (pickle_value){.kind = PICKLE_DICT}, &dict) &&
           store_pairs(m, dict, first, count) && pickle_push(m, dict);
}

static bool op_setitem(pickle_machine *m, int width) {
    pickle_ref dict;
    (void)width;
    if (pickle_available(m) < 3) return pickle_fail(m, THAW_ERR_FORMAT, "a value is missing");
    m->height -= 2;
    return pickle_top(m, &dict) && store_pairs(m, dict, m->height, 2);
}

static bool op_setitems(pickle_machine *m, int width) {
    size_t first, count;
    pickle_ref dict;
    (void)width;
    return pickle_pop_mark(m, &first, &count) && pickle_top(m, &dict) && store_pairs(m, dict, first, count);
}

static bool op_get(pickle_machine *m, int width) {
    uint64_t place;
    if (!pickle_take_number(m, (size_t)width, &place)) return false;
    if (place >= m->memo_count || m->memo[place] == PICKLE_UNSET)
        return pickle_fail(m, THAW_ERR_FORMAT, "a value is recalled that was never remembered");
    return pickle_push(m, m->memo[place]);
}

static bool op_put(pickle_machine *m, int width) {
    uint64_t place;
    return pickle_take_number(m, (size_t)width, &place) && pickle_remember(m, place);
}

static bool op_memoize(pickle_machine *m, int width) {
    (void)width;
    return pickle_remember(m, m->memo_count);
}

static bool push_global(pickle_machine *m, pickle_text module, pickle_text name) {
    pickle_ref v;
    return pickle_global(m, module, name, &v) && pickle_push(m, v);
}

static bool op_global(pickle_machine *m, int width) { /* also INST, which is refused by its name */
    pickle_text module, name;
    (void)width;
    return pickle_take_line(m, &module) && pickle_take_line(m, &name) && push_global(m, module, name);
}

static bool op_stack_global(pickle_machine *m, int width) {
    pickle_ref name, module;
    (void)width;
    if (!pickle_pop(m, &name) || !pickle_pop(m, &module)) return false;
    if (pickle_kind_of(m->p, name) != PICKLE_STRING || pickle_kind_of(m->p, module) != PICKLE_STRING)
        return pickle_fail(m, THAW_ERR_FORMAT, "a Python name that is no text");
    return push_global(m, pickle_text_of(m->p, module), pickle_text_of(m->p, name));
}

/* REDUCE, NEWOBJ and, with a keyword dictionary on top (WIDTH 1), NEWOBJ_EX. */
static bool op_call(pickle_machine *m, int width) {
    pickle_ref keywords, arguments, callable, result;
    if (width && !pickle_pop(m, &keywords)) return false;
    return pickle_pop(m, &arguments) && pickle_pop(m, &callable) &&
           pickle_call(m, callable, arguments, &result) && pickle_push(m, result);
}

/* BUILD sets attributes: those of a dictionary ("_metadata") and of plain objects hold nothing we need. */
static bool op_build(pickle_machine *m, int width) {
    pickle_ref state, object;
    (void)width;
    if (!pickle_pop(m, &state) || !pickle_top(m, &object)) return false;
    pickle_kind kind = pickle_kind_of(m->p, object);
    if (kind == PICKLE_DICT || kind == PICKLE_OBJECT) return true;
    return pickle_fail(m, THAW_ERR_UNSUPPORTED,
                       "sets attributes of %s, which thaw does not read" PICKLE_SAVE_AGAIN,
                       pickle_kind_name(kind));
}

static bool op_persistent(pickle_machine *m, int width) {
    pickle_ref id, result;
    (void)width;
    return pickle_pop(m, &id) && pickle_persistent(m, id, &result) && pickle_push(m, result);
}

static const struct {
    opcode_run *run;
    int width;
} opcodes[256] = {
    [0x80] = {op_skip, 1},                         /* PROTO */
    [0x95] = {op_skip, 8},                         /* FRAME */
    ['.'] = {op_stop, 0},                          /* STOP */
    ['('] = {op_mark, 0},                          /* MARK */
    ['0'] = {op_pop, 0},                           /* POP */
    ['1'] = {op_pop_mark, 0},                      /* POP_MARK */
    ['2'] = {op_dup, 0},                           /* DUP */
    ['N'] = {op_constant, PICKLE_REF_NONE},        /* NONE */
    [0x88] = {op_constant, PICKLE_REF_TRUE},       /* NEWTRUE */
    [0x89] = {op_constant, PICKLE_REF_FALSE},      /* NEWFALSE */
    ['K'] = {op_unsigned, 1},                      /* BININT1 */
    ['M'] = {op_unsigned, 2},                      /* BININT2 */
    ['J'] = {op_int32, 4},                         /* BININT */
    [0x8A] = {op_long, 1},                         /* LONG1 */
    [0x8B] = {op_long, 4},                         /* LONG4 */
    ['G'] = {op_float, 8},                         /* BINFLOAT */
    ['U'] = {op_string, 1},                        /* SHORT_BINSTRING: Python 2's str */
    ['T'] = {op_string, 4},                        /* BINSTRING */
    [0x8C] = {op_string, 1},                       /* SHORT_BINUNICODE */
    ['X'] = {op_string, 4},                        /* BINUNICODE */
    [0x8D] = {op_string, 8},                       /* BINUNICODE8 */
    ['C'] = {op_bytes, 1},                         /* SHORT_BINBYTES */
    ['B'] = {op_bytes, 4},                         /* BINBYTES */
    [0x8E] = {op_bytes, 8},                        /* BINBYTES8 */
    [0x96] = {op_bytes, 8},                        /* BYTEARRAY8 */
    [']'] = {op_empty, PICKLE_LIST},               /* EMPTY_LIST */
    ['}'] = {op_empty, PICKLE_DICT},               /* EMPTY_DICT */
    [0x8F] = {op_empty, PICKLE_OBJECT},            /* EMPTY_SET */
    [')'] = {op_constant, PICKLE_REF_EMPTY_TUPLE}, /* EMPTY_TUPLE */
    ['a'] = {op_append, 0},                        /* APPEND */
    ['e'] = {op_appends, 0},                       /* APPENDS */
    [0x90] = {op_appends, 0},                      /* ADDITEMS */
    ['l'] = {op_list, 0},                          /* LIST */
    ['t'] = {op_tuple, 0},                         /* TUPLE */
    [0x85] = {op_tuple_of, 1},                     /* TUPLE1 */
    [0x86] = {op_tuple_of, 2},                     /* TUPLE2 */
    [0x87] = {op_tuple_of, 3},                     /* TUPLE3 */
    [0x91] = {op_frozenset, 0},                    /* FROZENSET */
    ['d'] = {op_dict, 0},                          /* DICT */
    ['s'] = {op_setitem, 0},                       /* SETITEM */
    ['u'] = {op_setitems, 0},                      /* SETITEMS */
    ['h'] = {op_get, 1},                           /* BINGET */
    ['j'] = {op_get, 4},                           /* LONG_BINGET */
    ['q'] = {op_put, 1},                           /* BINPUT */
    ['r'] = {op_put, 4},                           /* LONG_BINPUT */
    [0x94] = {op_memoize, 0},                      /* MEMOIZE */
    ['c'] = {op_global, 0},                        /* GLOBAL */
    ['i'] = {op_global, 0},                        /* INST */
    [0x93] = {op_stack_global, 0},                 /* STACK_GLOBAL */
    ['R'] = {op_call, 0},                          /* REDUCE */
    [0x81] = {op_call, 0},                         /* NEWOBJ */
    [0x92] = {op_call, 1},                         /* NEWOBJ_EX */
    ['b'] = {op_build, 0},                         /* BUILD */
    ['Q'] = {op_persistent, 0},                    /* BINPERSID */
};

thaw_status pickle_read(const uint8_t *bytes, size_t size, size_t *used, pickle **out) {
    pickle_machine m = {.p = pickle_store_new(), .bytes = bytes, .status = thaw_ok()};
    m.size = size < PICKLE_MAX_BYTES ? size : PICKLE_MAX_BYTES;
    bool going = true;
    while (going && !m.stopped) {
        const uint8_t *op;
        if (m.at == PICKLE_MAX_BYTES) {
            going = pickle_fail(&m, THAW_ERR_UNSUPPORTED, "a pickle of more than %d MB" PICKLE_SAVE_AGAIN,
                                PICKLE_MAX_BYTES >> 20);
        } else if ((going = pickle_take(&m, 1, &op))) {
            going = opcodes[*op].run ? opcodes[*op].run(&m, opcodes[*op].width)
                                     : pickle_fail(&m, THAW_ERR_FORMAT, "opcode 0x%02x is not known", *op);
        }
    }
    free(m.stack);
    free(m.mark);
    free(m.memo);
    *used = m.at;
    *out = m.p;
    if (going) return thaw_ok();
    pickle_free(m.p);
    *out = NULL;
    return m.status;
}
