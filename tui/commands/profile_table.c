/*
 * profile_table.c - see profile_table.h. A phase that took nothing has no row, "other" always has.
 */
#include "tui/commands/profile_table.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/str.h"
#include "tui/commands/out.h"
#include "tui/commands/table.h"

static const double milliseconds = 1000, percent = 100;

/* Of a phase that is part of every step. */
static bool is_of_steps(thaw_phase phase) {
    return phase != THAW_PHASE_PREPARE && phase != THAW_PHASE_EVALUATION && phase != THAW_PHASE_CHECKPOINT &&
           phase != THAW_PHASE_PAUSED;
}

static void print_phases(const run_profile *p) {
    static const table_column columns[] = {{"phase", false, COLUMN_KEEP},
                                           {"seconds", true, COLUMN_KEEP},
                                           {"share", true, COLUMN_KEEP},
                                           {"ms a step", true, COLUMN_KEEP}};
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (int i = 0; i < THAW_PHASE_COUNT; i++) {
        if (p->phase[i] <= 0 && i != THAW_PHASE_OTHER) continue;
        table_cell(t, "%s", run_profile_label((thaw_phase)i));
        table_cell(t, "%.3f", p->phase[i]);
        table_cell(t, "%.1f %%", percent * run_profile_share(p, p->phase[i]));
        if (is_of_steps((thaw_phase)i) && p->steps > 0)
            table_cell(t, "%.3f", milliseconds * p->phase[i] / (double)p->steps);
        else
            table_cell(t, "%s", "");
    }
    table_cell(t, "all of it");
    table_cell(t, "%.3f", p->seconds);
    table_cell(t, "100.0 %%");
    table_cell(t, "%s", "");
    table_print(t);
}

static void print_loading(const run_profile *p) {
    double all = p->decode + p->transform;
    if (all <= 0) return;
    out_format(
        "\nBeside that %d thread%s loaded images for %.3f thread-seconds: %.3f reading and decoding, %.3f "
        "cropping, resizing and augmenting.\n",
        p->workers, p->workers == 1 ? "" : "s", all, p->decode, p->transform);
}

static void print_writing(const run_profile *p) {
    if (p->write <= 0) return;
    out_format("\nBeside that a thread wrote checkpoints for %.3f seconds: \"%s\" above is what training was "
               "held for them.\n",
               p->write, run_profile_label(THAW_PHASE_CHECKPOINT));
}

static void stage_cell(table *t, const run_profile *p, double seconds) {
    if (isfinite(seconds) && p->steps > 0)
        table_cell(t, "%.3f", milliseconds * seconds / (double)p->steps);
    else
        table_cell(t, "-");
}

static void print_stages(const run_profile *p) {
    static const table_column columns[] = {{"stage", false, COLUMN_KEEP},
                                           {"forward, ms a step", true, COLUMN_KEEP},
                                           {"backward", true, COLUMN_KEEP},
                                           {"share", true, COLUMN_KEEP}};
    double all = run_profile_stages(p);
    if (all <= 0) return;
    out_text("\n");
    table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < p->stage_count; i++) {
        const thaw_stage_time *stage = &p->stage[i];
        double both = stage->forward + (isfinite(stage->backward) ? stage->backward : 0);
        char *path = text_escape(stage->path);
        table_cell(t, "%s", path);
        free(path);
        stage_cell(t, p, stage->forward);
        stage_cell(t, p, stage->backward);
        table_cell(t, "%.1f %%", percent * both / all);
    }
    table_print(t);
}

void profile_table_print(const run_profile *p) {
    if (!p->events) {
        out_line("\nNothing was measured: the run did not get to its first step.");
        return;
    }
    out_format("\nWhere the time went: %.3f s, %lld steps of %lld images in all\n", p->seconds,
               (long long)p->steps, (long long)p->images);
    if (!p->exact)
        out_text("(the device was not waited for all of the time: phases are when it was asked, not when it "
                 "worked)\n");
    print_phases(p);
    print_loading(p);
    print_writing(p);
    print_stages(p);
    out_flush();
}
