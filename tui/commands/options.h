/*
 * options.h - every option a headless command can take, and reading them.
 *
 * One table for all commands: an option means the same wherever it appears, is explained once, and a command
 * only names those that it takes. Help, the manual page and "did you mean" come from the same rows.
 */
#ifndef TUI_COMMANDS_OPTIONS_H
#define TUI_COMMANDS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

typedef enum option_type {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_NUMBER, /* a whole number, 0 or more */
    OPTION_LIST,   /* text, may be repeated */
} option_type;

/* X(id, name, type, placeholder, what values are allowed (globs) or NULL, help); no help: not listed. */
#define OPTION_TABLE(X)                                                                                      \
    X(JSON, "json", FLAG, NULL, NULL, "print JSON to standard output, and nothing else")                     \
    X(SET, "set", LIST, "KEY=VALUE", "*?=*",                                                                 \
      "change one key of the recipe, as in optimizer.lr=0.01; repeatable")                                   \
    X(COMMAND_LINE, "command-line", FLAG, NULL, NULL, "print the command that trains the recipe")            \
    X(MODEL, "model", TEXT, "M", NULL, "an architecture, as `thaw models` lists them")                       \
    X(WEIGHTS, "weights", TEXT, "W", NULL,                                                                   \
      "a file (.safetensors, .pth, .pt, .th) or a name from the catalog")                                    \
    X(DATA, "data", TEXT, "DIR", NULL, "a folder of images")                                                 \
    X(INPUT, "input", NUMBER, "N", NULL, "side of the input image in pixels")                                \
    X(FREEZE, "freeze", TEXT, "NAMES", NULL, "layers to freeze: names or globs with commas between, or all") \
    X(BATCH, "batch", NUMBER, "N", NULL, "images a batch")                                                   \
    X(WORST, "worst", NUMBER, "N", NULL, "list the N worst mistakes, 1000 at most; 10 in JSON unless given") \
    X(LOGITS, "logits", FLAG, NULL, NULL, "print the network's outputs as well")                             \
    X(TO, "to", TEXT, "PLACE", NULL, "where to put it: a file (.safetensors or .pth), for get a folder")     \
    X(MIRROR, "mirror", TEXT, "URL", NULL,                                                                   \
      "fetch from here instead of https://download.pytorch.org/models/")                                     \
    X(OFFLINE, "offline", FLAG, NULL, NULL, "fetch nothing: say what is missing instead")                    \
    X(CHECK, "check", FLAG, NULL, NULL, "compare a file that is here already with the hash in its name")     \
    X(CLEAR, "clear", FLAG, NULL, NULL, "remove what is kept, or what has a name beginning so")              \
    X(LAST, "last", FLAG, NULL, NULL, "take the run's last weights instead of its best")                     \
    X(VERIFY, "verify", FLAG, NULL, NULL, "decode every image, so that all broken ones are listed")          \
    X(SORT, "sort", TEXT, "KEY", NULL, "sort by name, params, gflops, acc, size, memory or another figure")  \
    X(REVERSE, "reverse", FLAG, NULL, NULL, "sort the other way round")                                      \
    X(BUNDLED, "bundled", FLAG, NULL, NULL, "list what comes with thaw as well")                             \
    X(SIDE, "side", NUMBER, "N", NULL, "side of the images to draw in pixels; 32 unless given")              \
    X(TRAIN, "train", NUMBER, "N", NULL, "training images a class; 20 unless given")                         \
    X(VAL, "val", NUMBER, "N", NULL, "validation images a class; 50 unless given")                           \
    X(SEED, "seed", NUMBER, "N", NULL, "what the images are drawn from; 0 unless given")                     \
    X(THEME, "theme", TEXT, "NAME", NULL, "a theme's name, or its file")                                     \
    X(ASCII, "ascii", FLAG, NULL, NULL, "draw with nothing but ASCII characters")                            \
    X(PROFILE, "profile", FLAG, NULL, NULL, "say at the end what the time went into, by phase and by stage") \
    X(START, "start", FLAG, NULL, NULL, "train at once")                                                     \
    X(THREADS, "threads", NUMBER, "N", NULL, "processor threads; 0: all cores")                              \
    X(DEVICE, "device", TEXT, "D", "cpu cuda cuda:[0-9]* auto", "cpu, cuda, cuda:N or auto")                 \
    X(PRECISION, "precision", TEXT, "P", "fp32 bf16 auto", "fp32, bf16 or auto")                             \
    X(RUNS, "runs", TEXT, "DIR", NULL, "the folder of runs; ~/.local/share/thaw/runs unless given")          \
    X(HELP, "help", FLAG, NULL, NULL, "explain the command")                                                 \
    X(MAN, "man", FLAG, NULL, NULL, NULL)

typedef enum option_id {
#define OPTION_ID(id, name, type, placeholder, allowed, help) OPT_##id,
    OPTION_TABLE(OPTION_ID)
#undef OPTION_ID
        OPT_COUNT
} option_id;

/* Which options a command takes: a bit for each. */
typedef uint64_t option_set;
#define OPT(id) ((option_set)1 << OPT_##id)
_Static_assert((int)OPT_COUNT <= 64, "each option has its bit in an option_set");

typedef struct option {
    const char *name;
    option_type type;
    const char *placeholder, *allowed, *help;
} option;

const option *option_at(option_id id);

enum { LIST_MAX = 64 };

/* What was given. Everything points into argv. */
typedef struct arguments {
    bool given[OPT_COUNT];
    const char *text[OPT_COUNT];
    long number[OPT_COUNT];
    const char *list[LIST_MAX]; /* of the one OPTION_LIST option, --set */
    size_t list_count;
    const char **operand;
    size_t operand_count;
} arguments;

/*
 * Read ARGV (COUNT words after the command's name), taking the options in ACCEPTED. Operands are gathered at
 * the front of ARGV, which is reordered. Failures are THAW_ERR_USAGE and name the nearest option.
 */
thaw_status options_read(option_set accepted, int count, char **argv, arguments *out);

#endif
