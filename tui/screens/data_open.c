/*
 * data_open.c - see data_open.h.
 */
#include "tui/screens/data_open.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

static int ascending(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

static void spread(int *value, int count, int *least, int *median, int *most) {
    qsort(value, (size_t)count, sizeof *value, ascending);
    *least = value[0];
    *median = value[count / 2];
    *most = value[count - 1];
}

static void measure(data_open *o, job *j) {
    int width[DATA_SIZES_SAMPLED], height[DATA_SIZES_SAMPLED], count = 0;
    size_t images = thaw_dataset_images(o->dataset, true);
    size_t stride = images > DATA_SIZES_SAMPLED ? images / DATA_SIZES_SAMPLED : 1;
    for (size_t i = 0; i < images && count < DATA_SIZES_SAMPLED && !job_cancelled(j); i += stride) {
        const char *path;
        int label;
        thaw_status status =
            thaw_dataset_image(o->dataset, true, i, &path, &label, &width[count], &height[count]);
        count += !thaw_failed(&status); /* one that cannot be read has no size; the skipped list names it */
    }
    o->sizes.sampled = count;
    if (!count) return;
    spread(width, count, &o->sizes.width_least, &o->sizes.width_median, &o->sizes.width_most);
    spread(height, count, &o->sizes.height_least, &o->sizes.height_median, &o->sizes.height_most);
}

static void work(job *j, void *data) {
    data_open *o = data;
    thaw_dataset_params params = thaw_dataset_default_params();
    params.path = o->path;
    params.val_fraction = o->val_fraction;
    params.verify = o->verify;
    params.keep_going = job_keep_going;
    params.user = j;
    o->status = thaw_dataset_open(&params, &o->dataset);
    if (thaw_failed(&o->status))
        o->dataset = NULL;
    else
        measure(o, j);
}

static void done(app *a, void *data) {
    data_open *o = data;
    o->done(a, o);
    thaw_dataset_free(o->dataset);
    free(o->path);
    free(o);
}

static thaw_status not_begun(const char *path) {
    return thaw_error(THAW_ERR_CANCELLED, "stopped before looking into %s", path);
}

data_open *data_open_start(app *a, const char *path, double val_fraction, bool verify,
                           void (*then)(app *a, data_open *o), void *user) {
    data_open *o = xcalloc(1, sizeof *o);
    o->path = xstrdup(path);
    o->val_fraction = val_fraction;
    o->verify = verify;
    o->done = then;
    o->user = user;
    o->status = not_begun(path); /* until WORK says otherwise: a job may be cancelled before it begins */
    o->job = app_job(a, "dataset", work, done, o);
    return o;
}

void data_open_cancel(data_open *o) {
    if (o) job_cancel(o->job);
}
