/*
 * shapes.c - the `shapes` set as files: drawn beside its place and moved there whole.
 *
 * Nobody ever sees half a set: a reader finds all of it or nothing, two programs that draw it at once do not
 * mix (the second finds the place taken and uses what is there), and a failure leaves nothing behind. Each
 * picture's numbers come from (seed, class and side, number), so a larger set begins with the smaller one.
 */
#include "engine/data/shapes.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/data/decode.h"
#include "engine/data/shapes_draw.h"
#include "engine/data/walk.h"

/* The name changes with the drawing, so that an old cache is not taken for the new set. */
static const char cached_name[] = "thaw/shapes-v2";

enum { JPEG_QUALITY = 75, SIDE_MIN = 8, SIDE_MAX = 2048, PER_CLASS_MAX = 100000, OPEN_FILES = 16 };

thaw_shapes_params thaw_shapes_default_params(void) {
    return (thaw_shapes_params){.train_per_class = 20, .val_per_class = 50, .side = 32};
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path) {
    nftw(path, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
}

/* Not durable one by one: the set can be drawn again. */
static thaw_status write_file(const char *path, const uint8_t *bytes, size_t count) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return thaw_error_errno(errno, "cannot write %s", path);
    int error = 0;
    while (count && !error) {
        ssize_t done = write(fd, bytes, count);
        if (done < 0) {
            error = errno == EINTR ? 0 : errno;
            continue;
        }
        bytes += done;
        count -= (size_t)done;
    }
    if (close(fd) < 0 && !error) error = errno;
    return error ? thaw_error_errno(error, "cannot write %s", path) : thaw_ok();
}

static thaw_status draw_file(const char *path, int label, int side, rng *r) {
    shapes_style style = shapes_default_style();
    image im;
    uint8_t *bytes;
    size_t count;
    shapes_draw_picture(&style, label, side, r, &im);
    thaw_status status = jpeg_encode(&im, JPEG_QUALITY, &bytes, &count);
    image_clear(&im);
    if (thaw_failed(&status)) return status;
    status = write_file(path, bytes, count);
    free(bytes);
    return status;
}

static thaw_status draw_class(const char *folder, const thaw_shapes_params *p, bool train, int label) {
    int count = train ? p->train_per_class : p->val_per_class;
    char *class_folder = xasprintf("%s/%s/%s", folder, train ? "train" : "val", shapes_class_name(label));
    thaw_status status = count ? path_make_directory(class_folder) : thaw_ok();
    for (int i = 0; i < count && !thaw_failed(&status); i++) {
        rng r = rng_keyed(p->seed, RNG_DRAW, (uint64_t)label * 2 + !train, (uint64_t)i);
        char *path = xasprintf("%s/%04d.jpg", class_folder, i);
        status = draw_file(path, label, p->side, &r);
        free(path);
    }
    free(class_folder);
    return status;
}

static thaw_status draw_all(const char *folder, const thaw_shapes_params *p) {
    for (int label = 0; label < SHAPES_CLASSES; label++) {
        THAW_TRY(draw_class(folder, p, true, label));
        THAW_TRY(draw_class(folder, p, false, label));
    }
    return thaw_ok();
}

static thaw_status check_params(const thaw_shapes_params *p) {
    if (!p->path || !p->path[0]) return thaw_error(THAW_ERR_USAGE, "no folder was named for the shapes");
    if (p->side < SIDE_MIN || p->side > SIDE_MAX)
        return thaw_error(THAW_ERR_USAGE, "shapes of %d pixels; %d to %d are drawn", p->side, SIDE_MIN,
                          SIDE_MAX);
    if (p->train_per_class < 1 || p->val_per_class < 0 || p->train_per_class > PER_CLASS_MAX ||
        p->val_per_class > PER_CLASS_MAX)
        return thaw_error(THAW_ERR_USAGE,
                          "%d training and %d validation pictures a class; 1 to %d and 0 to %d are drawn",
                          p->train_per_class, p->val_per_class, PER_CLASS_MAX, PER_CLASS_MAX);
    return thaw_ok();
}

/* Draw into a folder of our own beside PATH and move it there; *TAKEN when something else has the place. */
static thaw_status draw_beside(const char *path, const thaw_shapes_params *p, bool *taken) {
    char *temporary = xasprintf("%s.tmp-XXXXXX", path);
    thaw_status status = thaw_ok();
    *taken = false;
    if (!mkdtemp(temporary)) {
        status = thaw_error_errno(errno, "cannot make a folder beside %s", path);
        free(temporary);
        return status;
    }
    if (chmod(temporary, 0755) < 0) status = thaw_error_errno(errno, "%s", temporary);
    if (!thaw_failed(&status)) status = draw_all(temporary, p);
    if (!thaw_failed(&status) && rename(temporary, path) < 0) {
        *taken = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR;
        status = thaw_error_errno(errno, "cannot make %s", path);
    }
    if (thaw_failed(&status)) remove_tree(temporary);
    free(temporary);
    return status;
}

/* Make the folder that PATH lies in. */
static thaw_status make_parent(const char *path) {
    const char *base = path_base(path);
    if (base - path <= 1) return thaw_ok();
    char *parent = xstrndup(path, (size_t)(base - path - 1));
    thaw_status status = path_make_directory(parent);
    free(parent);
    return status;
}

thaw_status thaw_shapes_draw(const thaw_shapes_params *params) {
    bool taken;
    THAW_TRY(check_params(params));
    char *path = path_expand(params->path);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
    thaw_status status = make_parent(path);
    if (!thaw_failed(&status)) status = draw_beside(path, params, &taken);
    if (thaw_failed(&status) && taken)
        status =
            thaw_error(THAW_ERR_USAGE, "%s is not an empty folder; name one that does not exist yet", path);
    free(path);
    return status;
}

thaw_status shapes_cached(char **out) {
    thaw_shapes_params p = thaw_shapes_default_params();
    char *path = path_xdg("XDG_CACHE_HOME", ".cache", cached_name);
    bool taken = false;
    thaw_status status = thaw_ok();
    if (!path_is_directory(path)) {
        status = make_parent(path);
        if (!thaw_failed(&status)) status = draw_beside(path, &p, &taken);
        if (taken && path_is_directory(path)) status = thaw_ok(); /* another program was first */
    }
    if (thaw_failed(&status)) {
        free(path);
        return thaw_error(status.code,
                          "the bundled set \"shapes\" cannot be drawn: %s; or name a folder for it in "
                          "XDG_CACHE_HOME",
                          status.message);
    }
    *out = path;
    return status;
}
