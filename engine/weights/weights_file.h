/*
 * weights_file.h - what the format readers share: the open file they fill in.
 *
 * A reader gets the bytes, adds entries that point into them, and fails with a message that does not name the
 * file: weights_open puts the path in front.
 */
#ifndef ENGINE_WEIGHTS_WEIGHTS_FILE_H
#define ENGINE_WEIGHTS_WEIGHTS_FILE_H

#include "engine/base/file.h"
#include "engine/weights/pickle.h"
#include "engine/weights/weights.h"

enum { WEIGHTS_KEY_MAX = 512 };

struct weights_file {
    char *name; /* the path, for messages */
    weights_format format;
    mapped_file map;
    bool owns_map;
    weights_entry *entry; /* in the file's order */
    size_t count, capacity;
    uint32_t *by_key; /* indices of entries sorted by key */
    char **metadata;  /* key, value, key, value, ... */
    size_t metadata_count, metadata_capacity;
    char *note; /* how its keys were understood, or NULL: as they are */
};

/* Add an entry: KEY is copied without the prefixes that wrappers of the model put in front. Fails when the
   key is no printable text; whether it was there before is checked once all are added. */
thaw_status weights_add(weights_file *f, const char *key, size_t key_length, const weights_entry *entry);
/* Make by_key. Fails when a key is there twice. */
thaw_status weights_sort_keys(weights_file *f);
/* Give entries in one of timm's layouts torchvision's names; what to say of it, or NULL: it is none. Static.
 */
const char *weights_translate_timm(weights_entry *entry, size_t count);
/* If most keys begin with one name, and without it (and all others) they are an architecture's: drop it. */
void weights_strip_prefix(weights_file *f);
void weights_add_metadata(weights_file *f, const char *key, const char *value);

thaw_status safetensors_read(weights_file *f);
thaw_status torch_zip_read(weights_file *f);
thaw_status torch_legacy_read(weights_file *f);

/*
 * List the tensors of the state dict in P, wherever in it that is. RECORD[i] is where the whole record of
 * storage I begins, checked by the reader to hold root_count elements, or NULL when the file has no such
 * record.
 */
thaw_status torch_state_list(weights_file *f, const pickle *p, const uint8_t *const *record);

/* Does F look like safetensors; and if nothing does, say what it is instead. */
bool safetensors_probe(const uint8_t *bytes, size_t size);
thaw_status weights_unknown_format(const uint8_t *bytes, size_t size) THAW_MUST_CHECK;

const char *safetensors_type_name(dtype type); /* "F32" */

/* E's elements where they are in the file, when that is as an array of TYPE in row-major order; else NULL. */
const void *weights_plain(const weights_entry *e, dtype type);
/* Can weights_copy make TO of FROM? */
bool weights_convertible(dtype from, dtype to);

/* Are FILE's position embeddings of another grid than L's, so that they can be interpolated? */
bool weights_positions_fit(const layer *l, const shape *file, const shape *wanted);
void weights_positions_resize(const float *in, const shape *file, float *out, const shape *wanted);
char *weights_positions_note(const shape *file, const shape *wanted); /* that it is done; the caller's */

/* Is KEY under the path of the model's replaceable head? */
bool weights_in_head(const model *m, const char *key);
/* Or under that of another layer that takes the place of a pretrained one: an auxiliary classifier's last. */
bool weights_replaced(const model *m, const char *key);

#endif
