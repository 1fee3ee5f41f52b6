/*
 * picture_hash.c - see duplicates.h. Files are read in pieces, so that memory does not depend on their size.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "engine/base/alloc.h"
#include "engine/data/duplicates.h"
#include "engine/data/image.h"

enum { PIECE_BYTES = 64 << 10 };

static picture_hash digest(const XXH3_state_t *state) {
    XXH128_hash_t h = XXH3_128bits_digest(state);
    return (picture_hash){h.high64, h.low64};
}

/* False when reading failed. */
static bool feed(XXH3_state_t *state, int fd, size_t most) {
    char *piece = xmalloc(PIECE_BYTES);
    ssize_t count = 1;
    for (size_t done = 0; count > 0 && (!most || done < most); done += (size_t)count) {
        size_t wanted = most && most - done < PIECE_BYTES ? most - done : PIECE_BYTES;
        count = read(fd, piece, wanted);
        if (count > 0) XXH3_128bits_update(state, piece, (size_t)count);
        if (count < 0) break;
    }
    free(piece);
    return count >= 0;
}

bool picture_hash_file(const char *path, size_t most, picture_hash *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (fd < 0) return false;
    XXH3_state_t *state = XXH3_createState();
    XXH3_128bits_reset(state);
    bool good = feed(state, fd, most);
    if (good) *out = digest(state);
    XXH3_freeState(state);
    close(fd);
    return good;
}

bool picture_hash_pixels(const char *path, const image_asker *asker, picture_hash *out) {
    image im;
    thaw_status status = image_read_asking(path, 0, asker, &im);
    if (thaw_failed(&status)) return false;
    XXH3_state_t *state = XXH3_createState();
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, (int[]){im.width, im.height}, 2 * sizeof(int));
    XXH3_128bits_update(state, im.rgb, (size_t)im.width * (size_t)im.height * 3);
    *out = digest(state);
    XXH3_freeState(state);
    image_clear(&im);
    return true;
}
