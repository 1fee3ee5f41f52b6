/*
 * runs_list.h - the runs on this machine, as the Runs tab lists them: read in a job, and read again when one
 * began, or the process of one that was on has gone. The first time it is read in brief.
 */
#ifndef TUI_SCREENS_RUNS_LIST_H
#define TUI_SCREENS_RUNS_LIST_H

#include "tui/app.h"

typedef struct runs_list {
    thaw_run_info *run; /* newest first */
    size_t count;
    bool known;                   /* it has been read at least once */
    bool brief;                   /* only the ends of long logs: read them when there is time */
    char *problem;                /* why it could not be read; NULL: it could */
    struct runs_reading *reading; /* the job that is at it, or NULL */
    double folder_changed;        /* when the folder of runs was, as last looked at */
    /* Called before what is there is replaced (the runs are the old ones) and after. */
    void (*leaving)(app *a, void *user);
    void (*changed)(app *a, void *user);
    void *user;
} runs_list;

void runs_list_clear(runs_list *l);
void runs_list_read(runs_list *l, app *a); /* unless it is being read */
/* Read all of what was read in brief only. */
void runs_list_complete(runs_list *l, app *a);
/* Look, cheaply, whether it is still true, and read it again when it is not. */
void runs_list_look(runs_list *l, app *a);

bool runs_list_is_on(const thaw_run_info *run); /* a process trained it when the list was read */

#endif
