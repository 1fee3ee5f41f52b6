/*
 * run_preview.h - the curves of one run on disk, read in the background: what the Runs tab shows beside its
 * list.
 */
#ifndef TUI_SCREENS_RUN_PREVIEW_H
#define TUI_SCREENS_RUN_PREVIEW_H

#include "tui/app.h"

typedef struct run_preview_load run_preview_load;

typedef struct run_preview {
    thaw_run_reader *reader; /* for what comes after VIEW; NULL: none */
    char *folder;            /* of the run that is to be shown; NULL: none */
    run_view view;
    bool loaded;
    char *problem;             /* why it could not be read; NULL: it could */
    run_preview_load *loading; /* NULL: nothing is being read */
} run_preview;

void run_preview_init(run_preview *p);
void run_preview_clear(run_preview *p);
/* Show RUN (NULL: nothing); reads it when it is not the one shown, or has gone on since. */
void run_preview_show(run_preview *p, app *a, const thaw_run_info *run);
/* Take in what its process has written since; whether that was anything. */
bool run_preview_grow(run_preview *p);
/* What is to be said of the curves beside them; NULL: nothing. */
const char *run_preview_note(const run_preview *p);
void run_preview_draw(const run_preview *p, app *a, canvas *c, rect r);

#endif
