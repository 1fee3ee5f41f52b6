/*
 * checkpoint_files.h - state.json, and the fingerprints that tie the other files to it. Private to
 * checkpoint*.c.
 */
#ifndef ENGINE_RUN_CHECKPOINT_FILES_H
#define ENGINE_RUN_CHECKPOINT_FILES_H

#include "engine/run/checkpoint.h"

typedef enum checkpoint_file {
    CHECKPOINT_LAST,
    CHECKPOINT_OPTIMIZER,
    CHECKPOINT_BEST,
    CHECKPOINT_FILES
} checkpoint_file;

extern const char *const checkpoint_file_names[CHECKPOINT_FILES];

/* A file's length and a checksum over its bytes; length 0: there is none. */
typedef struct fingerprint {
    uint64_t length, sum;
} fingerprint;

typedef struct commit {
    int64_t generation;
    fingerprint file[CHECKPOINT_FILES];
    checkpoint_state state;
} commit;

void commit_clear(commit *c);
thaw_status commit_read(const char *folder, commit *out);
thaw_status commit_write(const char *folder, int64_t generation, const fingerprint file[CHECKPOINT_FILES],
                         const checkpoint_state *state);

/* Of the file at PATH. A missing file is a failure. */
fingerprint fingerprint_of(const mapped_file *map);
thaw_status fingerprint_take(const char *path, fingerprint *out);
bool fingerprint_equal(const fingerprint *a, const fingerprint *b);

/* FOLDER/NAME, or FOLDER/NAME.new; owned by the caller. */
char *checkpoint_path(const char *folder, checkpoint_file which, bool fresh);

#endif
