/*
 * data_twins.c - see data_twins.h.
 */
#include "tui/screens/data_twins.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

struct twin_search {
    data_twins *user; /* NULL: nobody waits for it any more */
    thaw_dataset *set;
    bool pixels;
    job *job;
    thaw_status status;
    thaw_duplicates found;
};

static bool go_on(void *user, double part) {
    job_progress(user, part);
    return !job_cancelled(user);
}

static void work(job *j, void *data) {
    twin_search *s = data;
    thaw_duplicates_params params = {.pixels = s->pixels, .go_on = go_on, .user = j};
    s->status = thaw_duplicates_find(s->set, &params, &s->found);
}

static void done(app *a, void *data) {
    twin_search *s = data;
    data_twins *t = s->user;
    if (t) t->search = NULL;
    if (t && !thaw_failed(&s->status)) {
        thaw_duplicates_clear(&t->found);
        t->found = s->found;
        t->known = true;
        t->pixels = s->pixels;
        s->found = (thaw_duplicates){0};
        if (t->found.across)
            app_warn(a, "%zu validation images are also trained on; 2, then x lists them",
                     t->found.across_val);
    }
    app_redraw(a);
    thaw_duplicates_clear(&s->found);
    thaw_dataset_free(s->set);
    free(s);
}

void data_twins_stop(data_twins *t) {
    if (!t->search) return;
    t->search->user = NULL;
    job_cancel(t->search->job);
    t->search = NULL;
}

void data_twins_clear(data_twins *t) {
    data_twins_stop(t);
    thaw_duplicates_clear(&t->found);
    thaw_dataset_free(t->set);
    *t = (data_twins){0};
}

void data_twins_start(app *a, data_twins *t, thaw_dataset *set, bool pixels) {
    data_twins_clear(t);
    twin_search *s = xcalloc(1, sizeof *s);
    *s = (twin_search){.user = t, .set = thaw_dataset_share(set), .pixels = pixels};
    t->set = thaw_dataset_share(set);
    t->search = s;
    s->job = app_job(a, "duplicates", work, done, s);
}
