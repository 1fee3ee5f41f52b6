/*
 * prefix_disk.c - see prefix_disk.h.
 */
#include "engine/train/prefix_disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/cache/cache_folder.h"
#include "engine/cache/row_writer.h"

enum { QUEUE_BYTES = 64 << 20, NAME_MAX_BYTES = 48 };

struct prefix_disk {
    prefix_disk_params p;
    char name[NAME_MAX_BYTES], *folder;
    row_file *file;     /* NULL: none (yet) */
    row_writer *writer; /* NULL: nothing is added */
    shape row;          /* what rows are, once known: ndim 0 before */
    dtype type;
    bool begun; /* it is known whether there is room for more rows */
    bool off;   /* no file in this run */
    char *trouble;
};

static void say(prefix_disk *d, const char *text) {
    if (!d->trouble) d->trouble = xstrdup(text);
}

static void give_up(prefix_disk *d, const thaw_status *why) {
    char *text = xasprintf("nothing more is kept on disk: %s", why->message);
    say(d, text);
    free(text);
    d->off = true;
}

/* ---- what a file says about its rows ---- */

static const char rows_key[] = "rows", shape_key[] = "shape", type_key[] = "type";

/* The key with ROW and TYPE in it: the file's about. Owned by the caller. */
static char *about_with(const prefix_disk *d, const shape *row, dtype type) {
    cJSON *about = cJSON_Parse(d->p.key), *rows = cJSON_AddObjectToObject(about, rows_key);
    cJSON *extents = cJSON_AddArrayToObject(rows, shape_key);
    for (int i = 0; i < row->ndim; i++)
        cJSON_AddItemToArray(extents, cJSON_CreateNumber((double)row->dim[i]));
    cJSON_AddStringToObject(rows, type_key, dtype_name(type));
    char *text = json_print_indented(about);
    cJSON_Delete(about);
    return text;
}

static bool read_shape(const cJSON *extents, shape *row) {
    *row = (shape){0};
    const cJSON *item;
    cJSON_ArrayForEach(item, extents) {
        if (row->ndim == SHAPE_MAX_DIMS - 1 || !cJSON_IsNumber(item)) return false;
        if (!(item->valuedouble >= 1 && item->valuedouble < INT32_MAX)) return false;
        row->dim[row->ndim++] = (int64_t)item->valuedouble;
    }
    return row->ndim > 0;
}

static bool read_type(const cJSON *item, dtype *type) {
    static const dtype kept[] = {DTYPE_F32, DTYPE_BF16};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (cJSON_IsString(item) && strcmp(item->valuestring, dtype_name(kept[i])) == 0) {
            *type = kept[i];
            return true;
        }
    return false;
}

/* The file's about must be KEY with the rows in it, and these of the size the file has. */
static bool fits(prefix_disk *d) {
    cJSON *about = cJSON_Parse(row_file_about(d->file)), *key = cJSON_Parse(d->p.key);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(about, rows_key);
    bool good = read_shape(cJSON_GetObjectItemCaseSensitive(rows, shape_key), &d->row) &&
                read_type(cJSON_GetObjectItemCaseSensitive(rows, type_key), &d->type);
    int64_t elements = good ? shape_elements(&d->row) : -1;
    good = elements > 0 && (size_t)elements * dtype_size(d->type) == row_file_row_bytes(d->file);
    if (good) {
        cJSON_DeleteItemFromObjectCaseSensitive(about, rows_key);
        good = cJSON_Compare(about, key, true);
    }
    cJSON_Delete(about);
    cJSON_Delete(key);
    if (!good) d->row = (shape){0};
    return good;
}

/* ---- opening ---- */

static void name_folder(prefix_disk *d) {
    char *root = thaw_cache_folder();
    free(d->folder);
    d->folder = path_join(root, d->name);
    free(root);
}

/* Where another user has made the folder already, it is left to him, and ours has our number behind its
 * name. */
static thaw_status open_ours(prefix_disk *d) {
    thaw_status status = row_file_open(d->folder, &d->file);
    if (status.code != THAW_ERR_USAGE) return status;
    char *text = xasprintf("%s; what is kept there is computed again, and kept beside it", status.message);
    say(d, text);
    free(text);
    size_t length = strlen(d->name);
    snprintf(d->name + length, sizeof d->name - length, "-%u", (unsigned)geteuid());
    name_folder(d);
    return row_file_open(d->folder, &d->file);
}

/* Take up what is in the folder; damaged things are removed. */
static void take_up(prefix_disk *d) {
    thaw_status status = open_ours(d);
    if (!thaw_failed(&status) && (!fits(d) || row_file_lost(d->file)))
        status = thaw_error(THAW_ERR_FORMAT, "%s is damaged", d->folder);
    if (!thaw_failed(&status) || status.code == THAW_ERR_NOT_FOUND) return;
    row_file_close(d->file);
    d->file = NULL;
    if (status.code != THAW_ERR_FORMAT) {
        give_up(d, &status);
        return;
    }
    char *text = xasprintf("%s; what was kept there is computed again", status.message);
    say(d, text);
    free(text);
    status = row_file_remove(d->folder);
    if (thaw_failed(&status)) give_up(d, &status);
}

prefix_disk *prefix_disk_open(const prefix_disk_params *params) {
    prefix_disk *d = xcalloc(1, sizeof *d);
    d->p = *params;
    row_id name = row_id_of(d->p.key, strlen(d->p.key));
    snprintf(d->name, sizeof d->name, "%016" PRIx64 "%016" PRIx64, name.high, name.low);
    name_folder(d);
    int64_t limit;
    thaw_status status = thaw_cache_limit(&limit);
    if (thaw_failed(&status)) say(d, status.message);
    d->off = limit == 0;
    if (!d->off) take_up(d);
    return d;
}

static void close_file(prefix_disk *d) {
    row_writer_free(d->writer);
    row_file_close(d->file);
    d->writer = NULL;
    d->file = NULL;
}

void prefix_disk_free(prefix_disk *d) {
    if (!d) return;
    close_file(d);
    free(d->trouble);
    free(d->folder);
    free(d->p.key);
    free(d->p.id);
    free(d);
}

/* ---- rows ---- */

bool prefix_disk_rows(const prefix_disk *d, shape *row, dtype *type) {
    if (!d->file) return false;
    *row = d->row;
    *type = d->type;
    return true;
}

int64_t prefix_disk_find(prefix_disk *d, size_t entry) {
    return d->file ? row_file_find(d->file, d->p.id[entry]) : -1;
}

static size_t missing(prefix_disk *d) {
    size_t count = 0;
    for (size_t i = 0; i < d->p.entries; i++)
        count += prefix_disk_find(d, i) < 0;
    return count;
}

static thaw_status start_writer(prefix_disk *d, size_t row_bytes) {
    int64_t there = prefix_disk_bytes(d), lacking = (int64_t)(missing(d) * row_bytes), allowed;
    if (!lacking) return thaw_ok();
    THAW_TRY(cache_folder_make_room(d->name, there + lacking, &allowed));
    if (allowed <= there) {
        d->off = !d->file; /* what there is can be read all the same */
        return thaw_ok();
    }
    if (!d->file) {
        char *about = about_with(d, &d->row, d->type);
        thaw_status status = row_file_create(d->folder, about, row_bytes, &d->file);
        free(about);
        THAW_TRY(status);
        /* Another run may have been quicker, with the same key and so with the same rows. */
        if (!fits(d)) return thaw_error(THAW_ERR_FORMAT, "%s is damaged", d->folder);
    }
    row_writer_params w = {.file = d->file,
                           .queue_bytes = QUEUE_BYTES,
                           .most_bytes = allowed - there,
                           .written = d->p.written,
                           .user = d->p.user};
    return row_writer_new(&w, &d->writer);
}

void prefix_disk_begin(prefix_disk *d, const shape *row, dtype type) {
    if (d->off || d->begun) return;
    d->begun = true;
    if (d->file && (!shape_equal(row, &d->row) || type != d->type)) {
        thaw_status status = thaw_error(THAW_ERR_FORMAT, "%s holds other rows than are computed", d->folder);
        give_up(d, &status);
        return;
    }
    d->row = *row;
    d->type = type;
    thaw_status status = start_writer(d, (size_t)shape_elements(row) * dtype_size(type));
    if (thaw_failed(&status)) give_up(d, &status);
}

bool prefix_disk_wants(prefix_disk *d) {
    return d->writer && !row_writer_done(d->writer);
}

bool prefix_disk_add(prefix_disk *d, size_t entry, const void *row) {
    return d->writer && row_writer_add(d->writer, entry, d->p.id[entry], row);
}

bool prefix_disk_read(prefix_disk *d, int64_t row, void *out) {
    return d->file && row_file_read(d->file, row, out);
}

void prefix_disk_restart(prefix_disk *d) {
    close_file(d);
    char *text = xasprintf("%s is damaged; what was kept there is computed again", d->folder);
    say(d, text);
    free(text);
    d->row = (shape){0};
    d->begun = false;
    thaw_status status = row_file_remove(d->folder);
    if (thaw_failed(&status)) give_up(d, &status);
}

int64_t prefix_disk_bytes(prefix_disk *d) {
    return d->file ? (int64_t)(row_file_count(d->file) * row_file_row_bytes(d->file)) : 0;
}

char *prefix_disk_trouble(prefix_disk *d) {
    thaw_status failure;
    if (d->writer && row_writer_trouble(d->writer, &failure) && !d->off) give_up(d, &failure);
    char *text = d->trouble;
    d->trouble = NULL;
    return text;
}
