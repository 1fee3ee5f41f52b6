/*
 * tell.c - `thaw tell`: steer a run of another process, through its socket (docs/control.md).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/str.h"
#include "thaw/control.h"
#include "thaw/layers.h"
#include "thaw/run.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"

static const double PATIENCE = 60; /* seconds for the answer: an evaluation of large batches is not quick */

/* "layer1,layer2" as names; owned by the caller. */
static char **split(const char *text, size_t *count) {
    char **names = NULL;
    size_t capacity = 0;
    *count = 0;
    while (*text) {
        size_t length = strcspn(text, ", ");
        if (length) {
            names = vec_reserve(names, &capacity, *count + 1, sizeof *names);
            names[(*count)++] = xstrndup(text, length);
        }
        text += length + (text[length] != '\0');
    }
    return names;
}

static thaw_status read_lr(const char *text, double *lr) {
    char *end;
    *lr = strtod(text, &end);
    return end == text || *end
               ? thaw_error(THAW_ERR_USAGE, "\"%s\" is no number; lr takes one, as in lr 0.001", text)
               : thaw_ok();
}

static thaw_status find_kind(const char *word, thaw_order_kind *kind) {
    const char *names[THAW_ORDER_COUNT];
    for (int i = 0; i < THAW_ORDER_COUNT; i++) {
        names[i] = thaw_order_name((thaw_order_kind)i);
        *kind = (thaw_order_kind)i;
        if (!strcmp(word, names[i])) return thaw_ok();
    }
    const char *near = text_nearest(word, names, THAW_ORDER_COUNT);
    return thaw_error(THAW_ERR_USAGE, "there is no order \"%s\"%s%s%s", word, near ? "; did you mean " : "",
                      near ? near : "", near ? "?" : "");
}

static thaw_status need(const char *value, const char *what) {
    return value ? thaw_ok() : thaw_error(THAW_ERR_USAGE, "%s", what);
}

/* WORD and VALUE (NULL: none) as an order. Its names are *NAMES, owned by the caller. */
static thaw_status read_order(const char *word, const char *value, thaw_order *o, char ***names) {
    THAW_TRY(find_kind(word, &o->kind));
    switch (o->kind) {
    case THAW_ORDER_LR:
        THAW_TRY(need(value, "lr needs a number, as in lr 0.001"));
        return read_lr(value, &o->lr);
    case THAW_ORDER_MASK:
        THAW_TRY(
            need(value, "mask needs the names to freeze, as in mask conv1,layer1; \"\" thaws everything"));
        *names = split(value, &o->frozen_count);
        o->frozen = (const char *const *)*names;
        return thaw_ok();
    case THAW_ORDER_STOP:
        o->save = !value || strcmp(value, "discard");
        return !value || !o->save || !strcmp(value, "save")
                   ? thaw_ok()
                   : thaw_error(THAW_ERR_USAGE, "stop takes save or discard, as in stop save");
    case THAW_ORDER_PROFILE:
        THAW_TRY(need(value, "profile takes on or off, as in profile on"));
        o->on = !strcmp(value, "on");
        return o->on || !strcmp(value, "off")
                   ? thaw_ok()
                   : thaw_error(THAW_ERR_USAGE, "profile takes on or off, as in profile on");
    default:
        return value ? thaw_error(THAW_ERR_USAGE, "%s takes no value; leave it out", word) : thaw_ok();
    }
}

static thaw_status await_answer(thaw_control *c, const char *word) {
    double until = clock_seconds() + PATIENCE;
    thaw_answer a;
    while (!thaw_control_next(c, &a)) {
        if (thaw_control_lost(c))
            return thaw_error(THAW_ERR_IO, "the run ended before it answered; `thaw runs` says how");
        double left = until - clock_seconds();
        if (left <= 0)
            return thaw_error(THAW_ERR_IO, "no answer in %.0f s; the run will %s when it gets to it",
                              PATIENCE, word);
        struct pollfd one = {.fd = thaw_control_fd(c), .events = POLLIN};
        poll(&one, 1, (int)(left * 1000) + 1);
    }
    thaw_status status = a.done ? thaw_ok() : thaw_error(THAW_ERR_USAGE, "%s", a.problem);
    free(a.problem);
    return status;
}

static thaw_status tell(const arguments *a, const thaw_order *order) {
    char *folder = NULL;
    thaw_control *c = NULL;
    THAW_TRY(thaw_run_find_alive(a->text[OPT_RUNS], a->operand[0], &folder));
    thaw_status status = thaw_control_open(folder, &c);
    if (!thaw_failed(&status)) status = thaw_control_send(c, order, NULL);
    if (!thaw_failed(&status)) status = await_answer(c, a->operand[1]);
    thaw_control_close(c);
    free(folder);
    return status;
}

static int tell_run(const arguments *a) {
    thaw_order order = {0};
    char **names = NULL;
    thaw_status status =
        read_order(a->operand[1], a->operand_count > 2 ? a->operand[2] : NULL, &order, &names);
    int code = thaw_failed(&status) ? command_usage("tell", status) : command_result(tell(a, &order));
    thaw_names_free(names, order.frozen_count);
    return code;
}

const command command_tell = {
    .name = "tell",
    .operands = "RUN ORDER [VALUE]",
    .summary = "steer a run that another process is training",
    .about =
        "Tells the process that is training RUN (an id, the beginning of one, a folder, or \"last\" for the "
        "newest that "
        "is on) what to do, and waits until it has done it. ORDER is pause, continue, step (one, while "
        "paused), "
        "checkpoint, stop (saving; stop discard: not), lr NUMBER, mask NAMES (what is frozen from now on: "
        "names or globs "
        "with commas between, \"\" for nothing), profile on, profile off, or hello, which only asks whether "
        "somebody is "
        "there. What was refused is said, and is exit code 1. `thaw attach` does the same with a screen.",
    .options = OPT(RUNS),
    .min = 2,
    .max = 3,
    .run = tell_run,
};
