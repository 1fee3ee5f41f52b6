/*
 * trainer_data.c - whether the images are still those that the run began with.
 *
 * What was computed of an image may be shown for hours, and nobody would see that its file is another one by
 * now. So between two epochs a few files are looked at, all of them in turn: their size and their time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/train/trainer.h"

enum { NAMED_MAX = 5 };
static const double check_every = 1, check_for = 0.01; /* seconds */

/* What has happened to the file of X; NULL: nothing. */
static const char *what_happened(const trainer *t, const sample *x) {
    char *path = path_join(thaw_dataset_root(t->dataset), x->path);
    struct stat info;
    int result = stat(path, &info);
    int error = errno;
    free(path);
    if (result < 0) return error == ENOENT || error == ENOTDIR ? "is gone" : NULL;
    return sample_is(x, &info) ? NULL : "has changed";
}

static void tell(trainer *t, const sample *x, const char *what) {
    t->changed_files++;
    if (t->changed_files <= NAMED_MAX)
        trainer_log(t, 1, "%s/%s %s since the run began; the run goes on with what it has of it",
                    thaw_dataset_root(t->dataset), x->path, what);
    else if (t->changed_files == NAMED_MAX + 1)
        trainer_log(t, 1,
                    "further images have changed since the run began; \"thaw data %s\" looks at all of them",
                    thaw_dataset_root(t->dataset));
}

void trainer_check_data(trainer *t) {
    const split *train = &t->dataset->train, *val = &t->dataset->val;
    size_t count = train->count + val->count;
    double now = clock_seconds();
    if (now - t->data_checked_at < check_every) return;
    t->data_checked_at = now;
    for (size_t done = 0; done < count && clock_seconds() - now < check_for; done++) {
        size_t at = t->data_checked++ % count;
        sample *x = at < train->count ? &train->item[at] : &val->item[at - train->count];
        const char *what = x->told ? NULL : what_happened(t, x);
        if (!what) continue;
        x->told = true;
        tell(t, x, what);
    }
}
