/*
 * command.c - the table of headless commands, and running one of them.
 */
#include "tui/commands/command.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"
#include "tui/commands/commands.h"
#include "tui/commands/help.h"
#include "tui/commands/out.h"

static const command *const table[] = {
    &command_open,   &command_demo,    &command_models,  &command_get,    &command_layers,
    &command_data,   &command_weights, &command_shapes,  &command_recipe, &command_train,
    &command_resume, &command_eval,    &command_predict, &command_runs,   &command_attach,
    &command_tell,   &command_export,  &command_cache,   &command_doctor, &command_help,
};

enum { COMMAND_COUNT = sizeof table / sizeof table[0] };

size_t command_count(void) {
    return COMMAND_COUNT;
}

const command *command_at(size_t index) {
    return table[index];
}

const command *command_find(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(table[i]->name, name)) return table[i];
    return NULL;
}

const char *command_nearest(const char *name) {
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = table[i]->name;
    return text_nearest(name, names, COMMAND_COUNT);
}

int command_result(thaw_status status) {
    if (!thaw_failed(&status)) return EXIT_DONE;
    out_flush();
    fprintf(stderr, "thaw: %s\n", status.message);
    return status.code == THAW_ERR_CANCELLED ? EXIT_INTERRUPTED : EXIT_FAILED;
}

int command_usage(const char *name, thaw_status status) {
    fprintf(stderr, "thaw: %s (see: thaw help%s%s)\n", status.message, name ? " " : "", name ? name : "");
    return EXIT_USAGE;
}

int command_run(int count, char **argv) {
    arguments a;
    const command *c = command_find(argv[0]);
    if (!c) {
        const char *nearest = command_nearest(argv[0]);
        if (nearest)
            return command_usage(NULL, thaw_error(THAW_ERR_USAGE, "there is no command %s; did you mean %s?",
                                                  argv[0], nearest));
        return command_usage(NULL, thaw_error(THAW_ERR_USAGE, "there is no command %s", argv[0]));
    }
    thaw_status status = options_read(c->options | OPT(HELP), count - 1, argv + 1, &a);
    if (thaw_failed(&status)) return command_usage(c->name, status);
    if (a.given[OPT_HELP]) {
        help_command(c);
        return EXIT_DONE;
    }
    if (a.operand_count < c->min)
        return command_usage(c->name, thaw_error(THAW_ERR_USAGE, "%s needs %s", c->name, c->operands));
    if (a.operand_count > c->max)
        return command_usage(c->name,
                             thaw_error(THAW_ERR_USAGE, "%s: unexpected \"%s\"", c->name, a.operand[c->max]));
    return c->run(&a);
}
