/*
 * candidate.h - files found by the scan, on their way to becoming samples. Private to engine/data.
 */
#ifndef ENGINE_DATA_CANDIDATE_H
#define ENGINE_DATA_CANDIDATE_H

#include "engine/data/dataset.h"

typedef enum side { SIDE_TRAIN, SIDE_VAL, SIDE_BY_HASH } side;

typedef struct candidate {
    char *path;   /* relative to the root; owned */
    char *reason; /* why it is no sample; NULL while it may be one; owned */
    int label;
    side side;
    int64_t bytes, modified; /* see sample */
} candidate;

typedef struct candidate_list {
    candidate *item;
    size_t count, capacity;
} candidate_list;

/*
 * Look at each file's first bytes, or decode it (VERIFY), in several threads, and note a reason where it is
 * no picture. KEEP_GOING is polled on the calling thread only.
 */
thaw_status candidates_check(const char *root, candidate_list *list, bool verify,
                             bool (*keep_going)(void *user), void *user);
/* What C's file at PATH says by its first bytes: a reason where it is no picture. Notes its size and time. */
void candidate_sniff(candidate *c, const char *path);

/*
 * Choose the side of COUNT candidates of one class, all SIDE_BY_HASH and none with a reason: a file goes to
 * validation when the hash of its path, as a fraction, lies below FRACTION. Two or more files leave no side
 * empty when 0 < FRACTION < 1; a single one is for training.
 */
void candidates_split(candidate *const *item, size_t count, double fraction);

#endif
