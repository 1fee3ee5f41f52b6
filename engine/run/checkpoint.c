/*
 * checkpoint.c - the protocol of checkpoint.h: write aside, commit in state.json, rename; and the way back.
 */
#include "engine/run/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/run/checkpoint_files.h"

enum { STUCK_TRIES = 3 };

static void remove_fresh(const char *folder, checkpoint_file which) {
    char *path = checkpoint_path(folder, which, true);
    unlink(path);
    free(path);
}

/* Step 3: NAME.new becomes NAME. */
static thaw_status settle(const char *folder, checkpoint_file which) {
    char *fresh = checkpoint_path(folder, which, true), *final = checkpoint_path(folder, which, false);
    thaw_status status =
        rename(fresh, final) < 0 ? thaw_error_errno(errno, "cannot replace %s", final) : thaw_ok();
    free(fresh);
    free(final);
    return status;
}

static bool matches(const char *folder, checkpoint_file which, bool fresh, const fingerprint *wanted) {
    fingerprint found;
    if (!wanted->length) return false;
    char *path = checkpoint_path(folder, which, fresh);
    thaw_status status = fingerprint_take(path, &found);
    free(path);
    return !thaw_failed(&status) && fingerprint_equal(&found, wanted);
}

/* What a kill left undone: a .new that counts gets its name, rubbish goes. */
static thaw_status finish_last_write(const char *folder, const commit *before) {
    for (int i = 0; i < CHECKPOINT_FILES; i++) {
        checkpoint_file which = (checkpoint_file)i;
        char *fresh = checkpoint_path(folder, which, true);
        bool there = path_exists(fresh);
        free(fresh);
        if (!there) continue;
        if (matches(folder, which, true, &before->file[i]))
            THAW_TRY(settle(folder, which));
        else
            remove_fresh(folder, which);
    }
    return thaw_ok();
}

/* best is what last is: a second name for the same bytes, where the file system can do that, else the bytes
 * again. */
static thaw_status write_best(const char *folder, const checkpoint_content *c) {
    char *last = checkpoint_path(folder, CHECKPOINT_LAST, true);
    char *best = checkpoint_path(folder, CHECKPOINT_BEST, true);
    thaw_status status = thaw_ok();
    if (link(last, best) < 0)
        status = weights_stream_safetensors(best, &c->model, c->metadata, c->metadata_count);
    free(last);
    free(best);
    return status;
}

static bool is_written(const checkpoint_content *c, checkpoint_file which) {
    return which == CHECKPOINT_LAST || (which == CHECKPOINT_BEST ? c->best : c->optimizer.count > 0);
}

/* Step 1: the new files beside the old ones. */
static thaw_status write_fresh(const char *folder, const checkpoint_content *c,
                               fingerprint file[CHECKPOINT_FILES]) {
    char *path[CHECKPOINT_FILES];
    for (int i = 0; i < CHECKPOINT_FILES; i++)
        path[i] = checkpoint_path(folder, (checkpoint_file)i, true);
    thaw_status status =
        weights_stream_safetensors(path[CHECKPOINT_LAST], &c->model, c->metadata, c->metadata_count);
    if (!thaw_failed(&status) && c->optimizer.count)
        status = weights_stream_safetensors(path[CHECKPOINT_OPTIMIZER], &c->optimizer, NULL, 0);
    if (!thaw_failed(&status) && c->best) status = write_best(folder, c);
    for (int i = 0; i < CHECKPOINT_BEST && !thaw_failed(&status); i++)
        if (is_written(c, (checkpoint_file)i)) status = fingerprint_take(path[i], &file[i]);
    if (c->best) file[CHECKPOINT_BEST] = file[CHECKPOINT_LAST];
    for (int i = 0; i < CHECKPOINT_FILES; i++)
        free(path[i]);
    return status;
}

thaw_status checkpoint_write(const char *folder, const checkpoint_content *content) {
    commit before;
    thaw_status status = commit_read(folder, &before);
    if (thaw_failed(&status)) before = (commit){0}; /* none yet, or none that could be damaged further */
    commit_clear(&before);
    THAW_TRY(finish_last_write(folder, &before));
    fingerprint file[CHECKPOINT_FILES];
    memcpy(file, before.file, sizeof file);
    file[CHECKPOINT_OPTIMIZER] = (fingerprint){0};
    status = write_fresh(folder, content, file);
    if (!thaw_failed(&status)) status = commit_write(folder, before.generation + 1, file, content->state);
    if (thaw_failed(&status)) {
        for (int i = 0; i < CHECKPOINT_FILES; i++)
            remove_fresh(folder, (checkpoint_file)i);
        return status;
    }
    for (int i = 0; i < CHECKPOINT_FILES; i++)
        if (is_written(content, (checkpoint_file)i)) THAW_TRY(settle(folder, (checkpoint_file)i));
    return thaw_ok();
}

/* ---- reading ---- */

/* Whichever of the two names has the bytes that are WANTED; owned by the caller, NULL when neither has. */
static char *find_file(const char *folder, checkpoint_file which, const fingerprint *wanted) {
    for (int fresh = 0; fresh < 2; fresh++)
        if (matches(folder, which, fresh, wanted)) return checkpoint_path(folder, which, fresh);
    return NULL;
}

static thaw_status damaged(const char *folder, checkpoint_file which) {
    return thaw_error(THAW_ERR_FORMAT,
                      "%s/%s is missing or is not the file that state.json describes: it was changed or "
                      "damaged. Begin a new run",
                      folder, checkpoint_file_names[which]);
}

/*
 * Somebody else may be writing while we read: the files of a state.json that was read a moment ago can have
 * been replaced, or renamed between two looks. So look again, until the same generation has failed a few
 * times.
 */
typedef struct patience {
    int64_t generation;
    int stuck;
} patience;

static bool look_again(patience *p, int64_t generation) {
    p->stuck = generation == p->generation ? p->stuck + 1 : 1;
    p->generation = generation;
    return p->stuck < STUCK_TRIES;
}

/* Map PATH if it holds what is WANTED. The bytes that were checked are the bytes that are used: PATH may be
   another file a moment later. */
static bool map_if_wanted(const char *path, const fingerprint *wanted, mapped_file *map) {
    thaw_status status = file_map(path, map);
    if (thaw_failed(&status)) return false;
    fingerprint found = fingerprint_of(map);
    if (fingerprint_equal(&found, wanted)) return true;
    file_unmap(map);
    return false;
}

static thaw_status open_file(const char *folder, const commit *c, checkpoint_file which, mapped_file *map,
                             weights_file **out) {
    if (which == CHECKPOINT_OPTIMIZER && !c->file[which].length) return thaw_ok();
    thaw_status status = damaged(folder, which);
    for (int fresh = 0; fresh < 2; fresh++) {
        char *path = checkpoint_path(folder, which, fresh);
        bool found = map_if_wanted(path, &c->file[which], map);
        if (found) status = weights_open_memory(path, map->data, map->size, out);
        free(path);
        if (found) break;
    }
    return status;
}

thaw_status checkpoint_read(const char *folder, checkpoint *out) {
    patience p = {0};
    thaw_status status;
    do {
        commit c;
        *out = (checkpoint){0};
        THAW_TRY(commit_read(folder, &c));
        out->state = c.state;
        out->generation = c.generation;
        status = open_file(folder, &c, CHECKPOINT_LAST, &out->model_map, &out->model);
        if (!thaw_failed(&status))
            status = open_file(folder, &c, CHECKPOINT_OPTIMIZER, &out->optimizer_map, &out->optimizer);
        if (!thaw_failed(&status)) return status;
        checkpoint_clear(out);
    } while (look_again(&p, out->generation));
    return status;
}

void checkpoint_clear(checkpoint *c) {
    checkpoint_state_clear(&c->state);
    weights_close(c->model);
    weights_close(c->optimizer);
    c->model = c->optimizer = NULL;
    file_unmap(&c->model_map);
    file_unmap(&c->optimizer_map);
}

thaw_status checkpoint_read_state(const char *folder, checkpoint_state *out) {
    commit c;
    THAW_TRY(commit_read(folder, &c));
    *out = c.state;
    return thaw_ok();
}

/* Without a state.json there is nothing to check against: a folder somebody put together from files. */
static thaw_status unchecked_path(const char *folder, bool last, char **out) {
    const checkpoint_file order[] = {last ? CHECKPOINT_LAST : CHECKPOINT_BEST, CHECKPOINT_LAST};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        *out = checkpoint_path(folder, order[i], false);
        if (path_exists(*out)) return thaw_ok();
        free(*out);
    }
    *out = NULL;
    return thaw_error(THAW_ERR_NOT_FOUND,
                      "%s has no checkpoint: the run ended before the first one; begin a new run", folder);
}

thaw_status checkpoint_weights_path(const char *folder, bool last, char **out) {
    patience p = {0};
    checkpoint_file which;
    commit c;
    do {
        thaw_status status = commit_read(folder, &c);
        if (status.code == THAW_ERR_NOT_FOUND) return unchecked_path(folder, last, out);
        THAW_TRY(status);
        which = !last && c.file[CHECKPOINT_BEST].length ? CHECKPOINT_BEST : CHECKPOINT_LAST;
        *out = find_file(folder, which, &c.file[which]);
        commit_clear(&c);
        if (*out) return thaw_ok();
    } while (look_again(&p, c.generation));
    return damaged(folder, which);
}
