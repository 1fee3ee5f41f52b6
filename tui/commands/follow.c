/*
 * follow.c - see follow.h. What is printed comes from the same run_view that the workbench draws.
 */
#include "tui/commands/follow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/str.h"
#include "tui/commands/command.h"
#include "tui/commands/interrupt.h"
#include "tui/commands/meter.h"
#include "tui/commands/out.h"

/* How long a run may take to wind up after the second interrupt before the process simply ends, seconds. */
static const double PATIENCE = 2;
static const double TICK = 0.2; /* seconds between two looks at what was asked of us */

typedef struct follower {
    thaw_session *session;
    follow_style style;
    run_view *view;
    meter meter;
    int heeded;      /* interrupts acted on */
    double demanded; /* when the second came */
    bool table;      /* the heading of the epochs has been printed */
    bool unheard;    /* standard output broke; the run was told to stop */
} follower;

static void note(follower *f, const char *text) {
    meter_clear(&f->meter);
    fprintf(stderr, "thaw: %s\n", text);
}

/* ---- text ---- */

static void print_begin(follower *f) {
    out_format("run %s in %s\n", f->view->run, f->view->folder);
    out_flush();
}

static void print_mask(follower *f) {
    const run_view *v = f->view;
    char trainable[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
    out_format("training %s: %s of %s parameters, on %s, %s", v->mask_label,
               text_count((double)v->trainable, trainable), text_count((double)v->parameters, all),
               v->device ? v->device : "?", v->precision ? v->precision : "?");
    out_line("");
}

static void print_dataset(follower *f) {
    const run_view *v = f->view;
    out_format("%d classes, %d images to train on, %d to validate on", v->classes, v->train_images,
               v->val_images);
    if (v->skipped) out_format(", %d skipped", v->skipped);
    out_line("");
}

/* Once a mask: how full it is changes nothing for whoever reads along. */
static void print_cache(follower *f) {
    const run_view *v = f->view;
    if (!v->cached_layer || v->cached_filled > v->cached_found) return;
    out_format("what comes out of %s is kept", v->cached_layer);
    if (v->cached_found == v->cached_entries)
        out_text(", all of it from an earlier run");
    else if (v->cached_found)
        out_format(", %lld of %lld from an earlier run", (long long)v->cached_found,
                   (long long)v->cached_entries);
    if (v->cached_views > 1) out_format(", for %d views of each image", v->cached_views);
    if (v->cached_views == 0) out_text(", of the images to validate on");
    char budget[NUMBER_TEXT_MAX];
    out_format(", in at most %s of memory", text_bytes((double)v->cached_budget, budget));
    out_line("");
}

static void print_epoch(follower *f) {
    const run_epoch *e = run_view_last_epoch(f->view);
    char seconds[NUMBER_TEXT_MAX];
    if (!e) return;
    if (!f->table) out_text("epoch  train loss  top-1    val loss  top-1    top-5    images/s   time\n");
    f->table = true;
    out_format("%5d  %10.4f  %.4f", e->epoch + 1, e->train_loss, e->train_top1);
    if (isnan(e->val_loss))
        out_format("  %8s  %-6s  %-6s", "-", "-", "-");
    else
        out_format("  %10.4f  %.4f   %.4f", e->val_loss, e->val_top1, e->val_top5);
    out_format("  %9.0f  %5s%s", e->images_per_second, text_seconds(e->seconds, seconds),
               e->best ? "  best" : "");
    out_line("");
}

static void print_end(follower *f) {
    const run_view *v = f->view;
    char seconds[NUMBER_TEXT_MAX];
    out_format("%s after %s", v->end_reason ? v->end_reason : "ended", text_seconds(v->end_seconds, seconds));
    if (v->best_epoch >= 0 && isfinite(v->best_val_top1))
        out_format("; best top-1 %.4f in epoch %d", v->best_val_top1, v->best_epoch + 1);
    if (v->steps_seconds > 0)
        out_format("; %.0f %% of the steps' time was waiting for images",
                   100 * v->waited_seconds / v->steps_seconds);
    out_line("");
}

static void print_event(follower *f, const thaw_event *e) {
    static void (*const printer[THAW_EVENT_COUNT])(follower *) = {
        [THAW_EVENT_BEGIN] = print_begin, [THAW_EVENT_DATASET] = print_dataset,
        [THAW_EVENT_MASK] = print_mask,   [THAW_EVENT_CACHE] = print_cache,
        [THAW_EVENT_EPOCH] = print_epoch, [THAW_EVENT_END] = print_end,
    };
    bool warning = e->kind == THAW_EVENT_LOG && e->log.level > 0;
    if (warning && f->style != FOLLOW_JSON) note(f, e->log.text);
    if (f->style != FOLLOW_TEXT || !printer[e->kind]) return;
    meter_clear(&f->meter);
    printer[e->kind](f);
}

/* ---- the line at the bottom ---- */

static void show_meter(follower *f) {
    const run_view *v = f->view;
    str text = {0};
    char left[NUMBER_TEXT_MAX];
    double eta = run_view_eta(v);
    if (v->state != THAW_STATE_TRAINING || !v->begun)
        str_appendf(&text, "%s  ", v->engine_known ? thaw_state_name(v->state) : "loading libtorch");
    if (v->begun)
        str_appendf(&text, "epoch %d/%d  step %lld/%lld", v->epoch + 1, v->epochs, (long long)v->steps,
                    (long long)v->total_steps);
    if (isfinite(v->loss)) str_appendf(&text, "  loss %.4f", v->loss);
    if (v->images_per_second > 0) str_appendf(&text, "  %.0f images/s", v->images_per_second);
    if (isfinite(eta)) str_appendf(&text, "  %s left", text_seconds(eta, left));
    meter_show(&f->meter, v->begun ? run_view_progress(v) : -1, str_text(&text));
    str_clear(&text);
}

/* ---- events and interrupts ---- */

static void take(follower *f, const thaw_event *e) {
    run_view_apply(f->view, e);
    if (f->style == FOLLOW_JSON) {
        char *line = thaw_event_json(e);
        out_line(line);
        free(line);
    }
    print_event(f, e);
}

static void heed(follower *f) {
    if (out_broken() && !f->unheard) {
        f->unheard = true;
        thaw_session_stop(f->session, true);
    }
    int count = interrupt_count();
    if (count == f->heeded) return;
    if (f->heeded == 0 && count == 1) {
        note(f, "stopping and saving at the next step; Ctrl-C again stops at once");
        thaw_session_stop(f->session, true);
    } else {
        note(f, "stopping at once; `thaw resume` goes on from the last checkpoint");
        thaw_session_stop(f->session, false);
        f->demanded = clock_seconds();
    }
    f->heeded = count;
}

/* The run's own end decides, except that a person's wish to stop is an interruption. */
static int exit_code(follower *f) {
    const run_view *v = f->view;
    const char *reason = v->end_reason ? v->end_reason : "error";
    if (!strcmp(reason, "error") || !strcmp(reason, "not-finite")) {
        fprintf(stderr, "thaw: %s\n", v->end_message && v->end_message[0] ? v->end_message : reason);
        return f->heeded ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    return f->heeded && !strcmp(reason, "stopped") ? EXIT_INTERRUPTED : EXIT_DONE;
}

int follow_run(thaw_session *s, follow_style style, run_view *view) {
    follower f = {.session = s, .style = style, .view = view, .meter = meter_begin()};
    f.heeded = 0;
    while (!view->ended) {
        thaw_event e;
        while (!view->ended && thaw_session_next(s, &e)) {
            take(&f, &e);
            thaw_event_clear(&e);
        }
        if (view->ended) break;
        heed(&f);
        if (f.heeded > 1 && clock_seconds() - f.demanded > PATIENCE) {
            /* The engine is inside one long operation. What is on disk is whole. */
            meter_clear(&f.meter);
            _exit(out_close(EXIT_INTERRUPTED));
        }
        show_meter(&f);
        interrupt_wait(thaw_session_fd(s), TICK);
    }
    meter_clear(&f.meter);
    return exit_code(&f);
}
