/*
 * help.h - explaining the commands, from their tables: on the terminal.
 */
#ifndef TUI_COMMANDS_HELP_H
#define TUI_COMMANDS_HELP_H

#include "tui/commands/command.h"

void help_overview(void);
void help_command(const command *c);

#endif
