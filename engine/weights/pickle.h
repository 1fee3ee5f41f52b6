/*
 * pickle.h - a restricted reader of Python pickles, as torch.save writes them (protocol 2 and later).
 *
 * A pickle is a program for a small stack machine. Ours only builds data: values in a flat store, referred to
 * by index, so that nothing recurses however deep or cyclic the pickle is. The names a pickle may refer to
 * are a fixed table (pickle_globals.c); a name that is not in it is refused, and so nothing is ever executed.
 * Texts point into the bytes read, which must outlive the pickle. What it may cost is limited by
 * PICKLE_MAX_*.
 */
#ifndef ENGINE_WEIGHTS_PICKLE_H
#define ENGINE_WEIGHTS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/shape.h"
#include "thaw/status.h"

/* The way out of most refusals, at the end of a message. */
#define PICKLE_SAVE_AGAIN "; in Python: torch.save(model.state_dict(), \"new.pth\")"

/* Far above any real checkpoint; together they bound the memory a hostile file can take to about 200 MB. */
enum {
    PICKLE_MAX_BYTES = 64 << 20,
    PICKLE_MAX_VALUES = 2 << 20,
    PICKLE_MAX_ITEMS = 4 << 20, /* in all lists, tuples and dictionaries together; also the stack's height */
    PICKLE_MAX_MEMO = 2 << 20,  /* largest number a value may be remembered under */
    PICKLE_MAX_DEPTH = 1 << 10, /* open marks: how deep containers nest in the text of the pickle */
    PICKLE_MAX_TENSORS = 1 << 18, /* tensors, and as many storages */
};

typedef enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_BIG_INT, /* more than 64 bits: its little-endian bytes as text */
    PICKLE_FLOAT,
    PICKLE_STRING,
    PICKLE_BYTES,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_GLOBAL,
    PICKLE_STORAGE,
    PICKLE_TENSOR,
    PICKLE_OBJECT, /* something allowed that holds no weights: a set, an argparse.Namespace, a numpy scalar */
    PICKLE_KIND_COUNT
} pickle_kind;

typedef uint32_t pickle_ref; /* a value's index */

typedef struct pickle_text {
    const char *data; /* not terminated; may hold anything */
    size_t length;
} pickle_text;

/* Bytes of elements that lie outside the pickle, in the file's records. */
typedef struct pickle_storage {
    pickle_text key;
    dtype type;
    int64_t count;       /* elements tensors may see */
    int64_t root_count;  /* elements of the whole record; the same unless this is a view (old files) */
    int64_t view_offset; /* where the view begins in the record, in elements */
} pickle_storage;

typedef struct pickle_tensor {
    uint32_t storage; /* index */
    int64_t offset;   /* in elements, from the storage's first */
    shape size;
    int64_t stride[SHAPE_MAX_DIMS]; /* in elements, >= 0; every element lies inside the storage's count */
} pickle_tensor;

typedef struct pickle pickle;

/* Read one pickle from the start of BYTES; *USED is its length. Refuses what is not allowed by name. */
thaw_status pickle_read(const uint8_t *bytes, size_t size, size_t *used, pickle **out);
void pickle_free(pickle *p); /* NULL is fine */

pickle_ref pickle_root(const pickle *p);
pickle_kind pickle_kind_of(const pickle *p, pickle_ref v);
const char *pickle_kind_name(pickle_kind kind); /* "a dictionary" */

bool pickle_int(const pickle *p, pickle_ref v, int64_t *out); /* false when V is no integer */
pickle_text pickle_text_of(const pickle *p, pickle_ref v);    /* strings, bytes, big integers; else empty */
bool pickle_text_is(pickle_text text, const char *word);
size_t pickle_tensor_of(const pickle *p, pickle_ref v); /* index of a PICKLE_TENSOR */

/*
 * The items of a list or tuple, or the keys and values of a dictionary, in order:
 *     for (pickle_items it = pickle_items_of(p, v); pickle_next(p, &it);) use(it.key, it.value);
 * Lists and tuples leave key as it is. Other kinds have no items.
 */
typedef struct pickle_items {
    pickle_ref key, value;
    uint32_t next;
    bool pairs;
} pickle_items;
pickle_items pickle_items_of(const pickle *p, pickle_ref v);
bool pickle_next(const pickle *p, pickle_items *it);
size_t pickle_item_count(const pickle *p, pickle_ref v); /* pairs count once */

size_t pickle_storage_count(const pickle *p);
const pickle_storage *pickle_storage_at(const pickle *p, size_t index);
size_t pickle_tensor_count(const pickle *p);
const pickle_tensor *pickle_tensor_at(const pickle *p, size_t index);

#endif
