/*
 * help.c - `thaw help`: everything it says is read from the tables of commands and options.
 */
#include "tui/commands/help.h"

#include <string.h>

#include "tui/commands/commands.h"
#include "tui/commands/manual.h"
#include "tui/commands/out.h"

enum { HELP_INDENT = 26 };

void help_overview(void) {
    out_text("thaw - a terminal workbench for fine-tuning pretrained image models\n\n"
             "  thaw                    open the workbench\n");
    for (size_t i = 0; i < command_count(); i++) {
        const command *c = command_at(i);
        out_format("  thaw %-18s %s\n", c->name, c->summary);
    }
    out_text("\n`thaw help COMMAND` explains one of them. `thaw --version` prints the version.\n");
}

static void option_line(const option *o) {
    int used = 2 + (int)strlen(o->name);
    out_format("  --%s", o->name);
    if (o->placeholder) {
        out_format(" %s", o->placeholder);
        used += 1 + (int)strlen(o->placeholder);
    }
    out_format("%*s%s\n", used + 2 < HELP_INDENT ? HELP_INDENT - used - 2 : 1, "", o->help);
}

void help_command(const command *c) {
    out_format("thaw %s%s%s%s\n\n", c->name, c->operands[0] ? " " : "", c->operands,
               c->options ? " [OPTIONS]" : "");
    out_wrapped(c->about, 2);
    bool any = false;
    for (option_id id = 0; id < OPT_COUNT; id++) {
        if (!(c->options >> id & 1) || !option_at(id)->help) continue;
        if (!any) out_text("\n");
        any = true;
        option_line(option_at(id));
    }
}

static int help_run(const arguments *a) {
    if (a->given[OPT_MAN]) {
        manual_print();
        return EXIT_DONE;
    }
    if (a->operand_count) {
        const command *c = command_find(a->operand[0]);
        const char *nearest = command_nearest(a->operand[0]);
        if (!c && nearest)
            return command_usage(NULL, thaw_error(THAW_ERR_USAGE, "there is no command %s; did you mean %s?",
                                                  a->operand[0], nearest));
        if (!c)
            return command_usage(NULL, thaw_error(THAW_ERR_USAGE, "there is no command %s", a->operand[0]));
        help_command(c);
        return EXIT_DONE;
    }
    help_overview();
    return EXIT_DONE;
}

const command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "explain the commands, or one of them",
    .about = "Lists the commands, or explains COMMAND and its options.",
    .options = OPT(MAN),
    .max = 1,
    .run = help_run,
};
