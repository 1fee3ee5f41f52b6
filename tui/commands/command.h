/*
 * command.h - what a headless command is: one file each, registered in the table of command.c.
 *
 * A command's `run` gets its options read and its operands counted; it prints through out.h and returns the
 * exit code, as a rule through command_result.
 */
#ifndef TUI_COMMANDS_COMMAND_H
#define TUI_COMMANDS_COMMAND_H

#include <stddef.h>

#include "thaw/status.h"
#include "tui/commands/options.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

enum { OPERANDS_MANY = 1 << 20 };

typedef struct command {
    const char *name;
    const char *operands; /* "RUN IMAGE...", or "" */
    const char *summary;  /* one line, lower case, no full stop */
    const char *about;    /* paragraphs for `thaw help NAME` and the manual page */
    option_set options;   /* OPT(JSON) | ... ; --help is always taken */
    size_t min, max;      /* how many operands */
    int (*run)(const arguments *a);
} command;

size_t command_count(void);
const command *command_at(size_t index);
const command *command_find(const char *name); /* or NULL */
const char *command_nearest(const char *name); /* the name most like NAME, or NULL */

/* Run the command named by ARGV[0] with the words after it; the exit code. */
int command_run(int count, char **argv);

/* Print a failure as `thaw: message` to standard error; the exit code that goes with it. */
int command_result(thaw_status status);
/* The same for what is wrong with the command line, with a hint at the help of the command. */
int command_usage(const char *name, thaw_status status);

#endif
