/*
 * shapes.c - `thaw shapes`: draw the set of images that comes with thaw, in any size.
 */
#include <limits.h>

#include "thaw/dataset.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"

/* The number given for option ID, or FALLBACK; larger ones than an int are as wrong as INT_MAX. */
static int number_or(const arguments *a, option_id id, int fallback) {
    if (!a->given[id]) return fallback;
    return a->number[id] < INT_MAX ? (int)a->number[id] : INT_MAX;
}

static int shapes_run(const arguments *a) {
    thaw_shapes_params params = thaw_shapes_default_params();
    params.path = a->operand[0];
    params.side = number_or(a, OPT_SIDE, params.side);
    params.train_per_class = number_or(a, OPT_TRAIN, params.train_per_class);
    params.val_per_class = number_or(a, OPT_VAL, params.val_per_class);
    if (a->given[OPT_SEED]) params.seed = (uint64_t)a->number[OPT_SEED];
    thaw_status status = thaw_shapes_draw(&params);
    if (thaw_failed(&status)) return command_result(status);
    out_format("drew %d + %d images a class, %d pixels, into %s\n", params.train_per_class,
               params.val_per_class, params.side, params.path);
    return EXIT_DONE;
}

const command command_shapes = {
    .name = "shapes",
    .operands = "DIR",
    .summary = "draw the shapes set into a new folder, in any size",
    .about =
        "Draws eight classes of shapes on cluttered backgrounds as JPEG files under DIR/train and DIR/val. "
        "DIR must not exist or be empty. The same numbers give the same images.",
    .options = OPT(SIDE) | OPT(TRAIN) | OPT(VAL) | OPT(SEED),
    .min = 1,
    .max = 1,
    .run = shapes_run,
};
