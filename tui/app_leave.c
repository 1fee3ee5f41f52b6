/*
 * app_leave.c - the workbench and its terminal part: by the person's wish, by a signal, because the terminal
 * has gone, or for a while (Ctrl-Z). A run goes on without a screen; what is asked before is only what shall
 * become of it.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "tui/app_state.h"
#include "tui/front.h"
#include "tui/rescue.h"

enum { ANSWER_BACKGROUND = 'b', ANSWER_STOP = 'x', ANSWER_STAY = 'c', SIGNALLED = 128 };

/* ---- going on without a screen ---- */

/* The terminal is not ours any more. The shell, if it still waits, gets CODE. */
static void go_on_without(app *a, int code) {
    a->headless = true;
    a->hidden = false;
    prompt_close(&a->ask_line);
    dialog_close(&a->ask_box);
    if (!app_own_run(a)) {
        a->leave = true;
        return;
    }
    a->leave_when_idle = true;
    if (a->live.folder) {
        char *log = path_join(a->live.folder, "stderr.log"); /* where a crash would be told now */
        rescue_report_to(log);
        free(log);
    }
    front_let_go(code);
}

/* A run goes on without a terminal; everything else has no purpose any more. */
void app_lose_terminal(app *a) {
    if (a->headless) return;
    term_lost(a->term);
    go_on_without(a, SIGNALLED + SIGHUP);
}

bool app_can_go_on_behind(const app *a) {
    return front_there() && app_own_run(a);
}

void app_go_on_behind(app *a) {
    const char *run = a->live.begun && a->live.run ? a->live.run : "the run";
    if (a->live.state == THAW_STATE_PAUSED) thaw_session_continue(a->session);
    char *farewell =
        xasprintf("%s goes on in the background (process %d): `thaw attach` shows it, `thaw tell last stop` "
                  "ends it\n",
                  run, (int)getpid());
    term_leave(a->term, farewell);
    free(farewell);
    go_on_without(a, EXIT_SUCCESS);
}

/* ---- the question ---- */

static void leave_answered(app *a, void *user, int key) {
    (void)user;
    if (key == ANSWER_STAY) return;
    if (key == ANSWER_BACKGROUND) {
        app_go_on_behind(a);
        return;
    }
    a->leave_when_idle = true;
    if (a->session) thaw_session_stop(a->session, key == APP_LEAVE_SAVING);
    app_say(a, key == APP_LEAVE_SAVING ? "saving, then leaving… (Ctrl-C: leave at once)" : "stopping…");
}

bool app_asks_to_leave(const app *a) {
    return a->ask_box.open && a->ask_box.answered == leave_answered;
}

void app_ask_to_leave(app *a) {
    if (!app_own_run(a) || a->leave_when_idle) { /* asked before and still not gone: go */
        a->leave = true;
        return;
    }
    dialog_params behind = {
        .title = "leave",
        .text = "A run is on. In the background it trains to its end, and thaw attach shows it again. "
                "Stopping saves a "
                "checkpoint; it can go on later from the Runs tab.",
        .answer = {{ANSWER_BACKGROUND, "leave it training in the background"},
                   {APP_LEAVE_SAVING, "stop and save, then leave"},
                   {ANSWER_STOP, "stop without saving more than the last checkpoint"},
                   {ANSWER_STAY, "stay"}},
        .answered = leave_answered,
    };
    dialog_params stop = {
        .title = "leave",
        .text = "A run is on. Stopping saves a checkpoint; it can go on later from the Runs tab.",
        .answer = {{APP_LEAVE_SAVING, "stop and save, then leave"},
                   {ANSWER_STOP, "stop without saving more than the last checkpoint"},
                   {ANSWER_STAY, "stay"}},
        .answered = leave_answered,
    };
    app_ask(a, app_can_go_on_behind(a) ? &behind : &stop);
}

/* ---- signals ---- */

/* Somebody killed the process that the shell waits for. The shell has taken the terminal, and its modes are
 * still ours: put them back although we are in the background by now. */
static void lose_front(app *a) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTTOU);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (a->headless) return;
    term_leave(a->term, "");
    go_on_without(a, EXIT_FAILURE);
}

void app_take_signal(app *a) {
    int number = rescue_take();
    if (number == 0) return;
    if (number == SIGHUP) {
        app_lose_terminal(a);
        return;
    }
    if (number == FRONT_DIED) {
        lose_front(a);
        return;
    }
    a->signal_number = number;
    if (!app_own_run(a)) {
        a->leave = true;
        return;
    }
    a->leave_when_idle = true;
    thaw_session_stop(a->session, true);
    app_say(a, "stopping and saving…");
}

/* ---- for a while ---- */

void app_suspend(app *a) {
    a->hidden = !term_suspend(a->term); /* all of the process stops, and the run with it */
    front_awaken();
}

void app_reappear(app *a) {
    if (!a->hidden || !term_resume(a->term)) return;
    a->hidden = false;
    a->dirty = a->urgent = true;
    term_look_at_size(a->term);
}
