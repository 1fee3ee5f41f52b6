/*
 * data_open.h - looking into a folder of images in a thread of its own.
 *
 * Opening reads every folder and the beginning of every file, which can take minutes on a network drive; so
 * the Data screen starts one of these and goes on. What came of it is handed over when it is done.
 */
#ifndef TUI_SCREENS_DATA_OPEN_H
#define TUI_SCREENS_DATA_OPEN_H

#include "thaw/dataset.h"
#include "tui/app.h"

enum { DATA_SIZES_SAMPLED = 256 };

/* Widths and heights of up to DATA_SIZES_SAMPLED images, spread evenly over the set. */
typedef struct data_sizes {
    int sampled;
    int width_least, width_median, width_most;
    int height_least, height_median, height_most;
} data_sizes;

typedef struct data_open {
    char *path;
    double val_fraction;
    bool verify; /* decode every file */
    /* What became of it. */
    thaw_status status;
    thaw_dataset *dataset; /* NULL when it failed; whoever takes it sets this to NULL */
    data_sizes sizes;
    job *job;
    void *user;
    void (*done)(app *a, struct data_open *o); /* on the UI thread; the data_open is freed after it returns */
} data_open;

/* Start; DONE will be called once, also after data_open_cancel. */
data_open *data_open_start(app *a, const char *path, double val_fraction, bool verify,
                           void (*done)(app *a, data_open *o), void *user);
void data_open_cancel(data_open *o);

#endif
