/*
 * pickle_machine.h - what the files of the pickle reader share: the value store (pickle_store.c), the
 * stack machine (pickle.c, pickle_stack.c) and the table of allowed names (pickle_globals.c).
 */
#ifndef ENGINE_WEIGHTS_PICKLE_MACHINE_H
#define ENGINE_WEIGHTS_PICKLE_MACHINE_H

#include "engine/weights/pickle.h"

typedef struct pickle_value {
    pickle_kind kind;
    union {
        int64_t integer; /* also bool */
        double real;
        pickle_text text;
        struct {
            uint32_t first, last, count; /* a chain of cells; first counts only when count > 0 */
        } items;
        uint32_t index; /* row of the table of names, storage, tensor */
    };
} pickle_value;

typedef struct pickle_cell {
    pickle_ref item;
    uint32_t next;
} pickle_cell;

struct pickle {
    pickle_value *value;
    size_t value_count, value_capacity;
    pickle_cell *cell;
    size_t cell_count, cell_capacity;
    pickle_storage *storage;
    size_t storage_count, storage_capacity;
    pickle_tensor *tensor;
    size_t tensor_count, tensor_capacity;
    pickle_ref root;
};

/* Values that cannot change exist once, at these places. */
enum { PICKLE_REF_NONE, PICKLE_REF_FALSE, PICKLE_REF_TRUE, PICKLE_REF_EMPTY_TUPLE, PICKLE_REF_FIRST_FREE };

typedef struct pickle_machine {
    pickle *p;
    const uint8_t *bytes;
    size_t size, at; /* at: the next byte to read */
    pickle_ref *stack;
    size_t height, stack_capacity;
    size_t *mark; /* stack heights */
    size_t mark_count, mark_capacity;
    pickle_ref *memo; /* PICKLE_UNSET where nothing was remembered */
    size_t memo_count, memo_capacity;
    bool stopped;
    thaw_status status; /* the first failure */
} pickle_machine;

#define PICKLE_UNSET UINT32_MAX

/* Record a failure at the current byte, unless there is one already. */
void pickle_failure(pickle_machine *m, thaw_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same as an expression: `return pickle_fail(m, code, "format", ...)`. */
#define pickle_fail(...) (pickle_failure(__VA_ARGS__), false)

/* ---- pickle_stack.c: operands and the stack; false once something failed ---- */

bool pickle_take(pickle_machine *m, size_t count, const uint8_t **out);
/* A little-endian unsigned number of WIDTH bytes. */
bool pickle_take_number(pickle_machine *m, size_t width, uint64_t *out);
bool pickle_take_counted(pickle_machine *m, size_t width, pickle_text *out);
bool pickle_take_line(pickle_machine *m, pickle_text *out);
bool pickle_push(pickle_machine *m, pickle_ref v);
bool pickle_push_value(pickle_machine *m, pickle_value value);
/* Values above the innermost mark. */
size_t pickle_available(const pickle_machine *m);
bool pickle_pop(pickle_machine *m, pickle_ref *out);
bool pickle_top(pickle_machine *m, pickle_ref *out);
/* Close the innermost mark: the values above it are m->stack[*FIRST..*FIRST + *COUNT - 1], and off the stack.
 */
bool pickle_pop_mark(pickle_machine *m, size_t *first, size_t *count);
bool pickle_append_run(pickle_machine *m, pickle_ref container, size_t first, size_t count);
bool pickle_push_tuple(pickle_machine *m, size_t first, size_t count);
bool pickle_remember(pickle_machine *m, uint64_t place);

/* ---- pickle_store.c: each returns false after pickle_fail when a limit is reached ---- */

pickle *pickle_store_new(void);
bool pickle_add(pickle_machine *m, pickle_value value, pickle_ref *out);
bool pickle_append(pickle_machine *m, pickle_ref container, pickle_ref item);
bool pickle_add_storage(pickle_machine *m, pickle_storage storage, pickle_ref *out);
bool pickle_add_tensor(pickle_machine *m, const pickle_tensor *tensor, pickle_ref *out);

/* ---- pickle_globals.c ---- */

/* The value of MODULE.NAME, or a refusal that says so. */
bool pickle_global(pickle_machine *m, pickle_text module, pickle_text name, pickle_ref *out);
/* What calling the global CALLABLE with the tuple ARGUMENTS makes. */
bool pickle_call(pickle_machine *m, pickle_ref callable, pickle_ref arguments, pickle_ref *out);
/* What the persistent id ID stands for: a storage. */
bool pickle_persistent(pickle_machine *m, pickle_ref id, pickle_ref *out);

#endif
