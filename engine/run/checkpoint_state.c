/*
 * checkpoint_state.c - state.json: the position of a run, and the fingerprints of the files that belong to
 * it. The fields are a table; what is missing from a document keeps its initial value, what is wrong is
 * named.
 */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/rng.h"
#include "engine/run/checkpoint_files.h"
#include "engine/run/folder.h"
#include "engine/run/mask_json.h"

enum { STATE_VERSION = 1, CHECKSUM_DIGITS = 16, STEP_BYTES = 32, BLOCK_BYTES = 1 << 20 };

const char *const checkpoint_file_names[CHECKPOINT_FILES] = {
    [CHECKPOINT_LAST] = "last.safetensors",
    [CHECKPOINT_OPTIMIZER] = "state.safetensors",
    [CHECKPOINT_BEST] = "best.safetensors",
};

char *checkpoint_path(const char *folder, checkpoint_file which, bool fresh) {
    return xasprintf("%s/%s%s", folder, checkpoint_file_names[which], fresh ? ".new" : "");
}

/* ---- fingerprints ---- */

static uint64_t rotate(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

/* Four independent lanes of multiply and rotate, as xxHash does it: as fast as memory. Not cryptographic.
 * With LET_GO the bytes are a mapping's, and leave memory as they have been read. */
static uint64_t checksum(const uint8_t *bytes, size_t count, bool let_go) {
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t lane[4] = {1, 2, 3, 4}, word[4];
    size_t whole = count / STEP_BYTES * STEP_BYTES;
    for (size_t at = 0; at < whole; at += STEP_BYTES) {
        memcpy(word, bytes + at, STEP_BYTES);
        for (int i = 0; i < 4; i++)
            lane[i] = rotate((lane[i] ^ word[i]) * odd, 29);
        bool block_read = (at + STEP_BYTES) % BLOCK_BYTES == 0;
        if (let_go && block_read)
            madvise((void *)(bytes + at + STEP_BYTES - BLOCK_BYTES), BLOCK_BYTES, MADV_DONTNEED);
    }
    return hash_bytes(bytes + whole, count - whole, hash_bytes(lane, sizeof lane, count));
}

static fingerprint fingerprint_from(const mapped_file *map, bool let_go) {
    return (fingerprint){.length = map->size, .sum = map->size ? checksum(map->data, map->size, let_go) : 0};
}

fingerprint fingerprint_of(const mapped_file *map) {
    return fingerprint_from(map, false);
}

thaw_status fingerprint_take(const char *path, fingerprint *out) {
    mapped_file map;
    THAW_TRY(file_map(path, &map));
    *out = fingerprint_from(&map, true); /* a checkpoint may be as large as what is left of the memory */
    file_unmap(&map);
    return thaw_ok();
}

bool fingerprint_equal(const fingerprint *a, const fingerprint *b) {
    return a->length == b->length && a->sum == b->sum;
}

static cJSON *fingerprint_item(const fingerprint *f) {
    char text[CHECKSUM_DIGITS + 1];
    if (!f->length) return cJSON_CreateNull();
    cJSON *object = cJSON_CreateObject();
    snprintf(text, sizeof text, "%016" PRIx64, f->sum);
    cJSON_AddNumberToObject(object, "bytes", (double)f->length);
    cJSON_AddStringToObject(object, "checksum", text);
    return object;
}

static thaw_status read_fingerprint(const cJSON *files, checkpoint_file which, fingerprint *out) {
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(files, checkpoint_file_names[which]);
    *out = (fingerprint){0};
    if (!object || cJSON_IsNull(object)) return thaw_ok();
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(object, "bytes");
    const cJSON *sum = cJSON_GetObjectItemCaseSensitive(object, "checksum");
    char *end = NULL;
    if (cJSON_IsNumber(bytes) && bytes->valuedouble >= 1 && bytes->valuedouble <= JSON_WHOLE_MAX &&
        cJSON_IsString(sum) && strlen(sum->valuestring) == CHECKSUM_DIGITS) {
        out->length = (uint64_t)bytes->valuedouble;
        out->sum = strtoull(sum->valuestring, &end, 16);
        if (!*end) return thaw_ok();
    }
    return thaw_error(THAW_ERR_FORMAT, "\"files.%s\" must be {\"bytes\": N, \"checksum\": \"16 hex digits\"}",
                      checkpoint_file_names[which]);
}

/* ---- the state ---- */

typedef enum state_type { STATE_INT, STATE_INT64, STATE_NUMBER } state_type;

static const struct state_field {
    const char *key;
    state_type type;
    size_t offset;
    double min;
} state_fields[] = {
    {"epoch", STATE_INT, offsetof(checkpoint_state, epoch), 0},
    {"batch", STATE_INT, offsetof(checkpoint_state, batch), 0},
    {"steps", STATE_INT64, offsetof(checkpoint_state, steps), 0},
    {"seconds", STATE_NUMBER, offsetof(checkpoint_state, seconds), 0},
    {"base_lr", STATE_NUMBER, offsetof(checkpoint_state, base_lr), 0},
    {"best_epoch", STATE_INT, offsetof(checkpoint_state, best_epoch), -1},
    {"best_val_top1", STATE_NUMBER, offsetof(checkpoint_state, best_val_top1), 0},
    {"best_val_loss", STATE_NUMBER, offsetof(checkpoint_state, best_val_loss), -INFINITY},
    {"stale_epochs", STATE_INT, offsetof(checkpoint_state, stale_epochs), 0},
};
enum { STATE_FIELD_COUNT = sizeof state_fields / sizeof state_fields[0] };

void checkpoint_state_init(checkpoint_state *s) {
    *s = (checkpoint_state){.best_epoch = -1, .best_val_top1 = (double)NAN, .best_val_loss = (double)NAN};
}

void checkpoint_state_clear(checkpoint_state *s) {
    freeze_mask_clear(&s->mask);
    cJSON_Delete(s->extra);
    s->extra = NULL;
}

static void add_state_field(cJSON *object, const checkpoint_state *s, const struct state_field *f) {
    const void *at = (const char *)s + f->offset;
    double value = f->type == STATE_INT     ? *(const int *)at
                   : f->type == STATE_INT64 ? (double)*(const int64_t *)at
                                            : *(const double *)at;
    json_add_number(object, f->key, value);
}

static thaw_status read_state_field(const cJSON *object, checkpoint_state *s, const struct state_field *f) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, f->key);
    void *at = (char *)s + f->offset;
    if (!item) return thaw_error(THAW_ERR_FORMAT, "\"%s\" is missing", f->key);
    if (cJSON_IsNull(item) && f->type == STATE_NUMBER) {
        *(double *)at = (double)NAN;
        return thaw_ok();
    }
    double limit = f->type == STATE_INT ? INT32_MAX : f->type == STATE_INT64 ? JSON_WHOLE_MAX : INFINITY;
    double value = item->valuedouble;
    bool whole = f->type == STATE_NUMBER || value == floor(value);
    if (!cJSON_IsNumber(item) || !isfinite(value) || value < f->min || value > limit || !whole)
        return thaw_error(THAW_ERR_FORMAT, "\"%s\" is not a number that makes sense", f->key);
    if (f->type == STATE_INT)
        *(int *)at = (int)value;
    else if (f->type == STATE_INT64)
        *(int64_t *)at = (int64_t)value;
    else
        *(double *)at = value;
    return thaw_ok();
}

static thaw_status read_state(const cJSON *document, checkpoint_state *s) {
    for (size_t i = 0; i < STATE_FIELD_COUNT; i++)
        THAW_TRY(read_state_field(document, s, &state_fields[i]));
    THAW_TRY(mask_from_json(cJSON_GetObjectItemCaseSensitive(document, "mask"), "\"mask\"", &s->mask));
    const cJSON *extra = cJSON_GetObjectItemCaseSensitive(document, "extra");
    if (cJSON_IsObject(extra)) s->extra = cJSON_Duplicate(extra, true);
    return thaw_ok();
}

/* ---- state.json ---- */

void commit_clear(commit *c) {
    checkpoint_state_clear(&c->state);
}

static thaw_status read_document(const cJSON *document, commit *out) {
    int version = 0, generation = 0;
    if (!cJSON_IsObject(document)) return thaw_error(THAW_ERR_FORMAT, "it is not an object");
    THAW_TRY(json_get_int(document, "", "v", &version));
    if (version > STATE_VERSION)
        return thaw_error(THAW_ERR_UNSUPPORTED, "version %d was written by a later thaw; use that one",
                          version);
    THAW_TRY(json_get_int(document, "", "generation", &generation));
    if (version < 1 || generation < 1)
        return thaw_error(THAW_ERR_FORMAT, "\"v\" and \"generation\" must be at least 1");
    out->generation = generation;
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(document, "files");
    for (int i = 0; i < CHECKPOINT_FILES; i++)
        THAW_TRY(read_fingerprint(files, (checkpoint_file)i, &out->file[i]));
    if (!out->file[CHECKPOINT_LAST].length)
        return thaw_error(THAW_ERR_FORMAT, "\"files\" does not name the checkpoint's files");
    return read_state(document, &out->state);
}

thaw_status commit_read(const char *folder, commit *out) {
    char *path = path_join(folder, run_state_name);
    cJSON *document = NULL;
    *out = (commit){0};
    checkpoint_state_init(&out->state);
    thaw_status status = json_read_file(path, &document);
    if (!thaw_failed(&status)) status = thaw_status_prefix(read_document(document, out), "%s", path);
    if (status.code == THAW_ERR_FORMAT || status.code == THAW_ERR_USAGE)
        status =
            thaw_error(THAW_ERR_FORMAT, "%s; the checkpoint is damaged, begin a new run", status.message);
    cJSON_Delete(document);
    free(path);
    if (thaw_failed(&status)) commit_clear(out);
    return status;
}

thaw_status commit_write(const char *folder, int64_t generation, const fingerprint file[CHECKPOINT_FILES],
                         const checkpoint_state *state) {
    cJSON *document = cJSON_CreateObject();
    cJSON_AddNumberToObject(document, "v", STATE_VERSION);
    cJSON_AddNumberToObject(document, "generation", (double)generation);
    cJSON *files = cJSON_AddObjectToObject(document, "files");
    for (int i = 0; i < CHECKPOINT_FILES; i++)
        cJSON_AddItemToObject(files, checkpoint_file_names[i], fingerprint_item(&file[i]));
    for (size_t i = 0; i < STATE_FIELD_COUNT; i++)
        add_state_field(document, state, &state_fields[i]);
    cJSON_AddItemToObject(document, "mask", mask_to_json(&state->mask));
    if (state->extra) cJSON_AddItemToObject(document, "extra", cJSON_Duplicate(state->extra, true));
    char *path = path_join(folder, run_state_name);
    thaw_status status = json_write_file(path, document);
    free(path);
    cJSON_Delete(document);
    return status;
}
